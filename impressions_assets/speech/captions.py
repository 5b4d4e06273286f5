"""Captions in, segments out: the public door of caption parsing.

Each format has a reader that returns cues as they stand; here they are put in order, unrolled,
cleaned, given speakers and mended. What is not kept is told with its reason; only the repetition
that makes captions roll is not listed, for it would double the table.
"""

from operator import attrgetter
from typing import NamedTuple

from impressions_assets.encodings import decode_text
from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Dropped, Segment
from impressions_assets.speech.cues import RawTrack
from impressions_assets.speech.json3 import read_json3
from impressions_assets.speech.paragraphs import read_paragraphs
from impressions_assets.speech.rolling import looks_rolling, unroll, until_next
from impressions_assets.speech.segments import segments_of
from impressions_assets.speech.stamped import read_stamped
from impressions_assets.speech.timedtext import read_timedtext

_READERS = {
    "vtt": read_stamped,
    "srt": read_stamped,
    "json3": read_json3,
    "timedtext": read_timedtext,
}
_START = attrgetter("start_seconds")
_FORMATS = (*_READERS, "text")


class Captions(NamedTuple):
    """What one caption track says, and what was set aside with its reason."""

    segments: tuple[Segment, ...]
    dropped: tuple[Dropped, ...]


def read_captions(text: str, format: str | None = None) -> list[Segment]:
    """Segments of a caption file, in order of start, each word once.

    `format` is vtt, srt, json3, timedtext or text; None finds it out (plain text must be named).
    Raises SourceBroken when nothing in it can be read, ValueError for an unknown format.
    """
    return list(_parse(text, format).segments)


def parse_track(data: bytes, format: str) -> Captions:
    """Parse the bytes of a track. Raises SourceBroken when nothing in them can be read."""
    return _parse(decode_text(data), format)


def _parse(text: str, format_name: str | None) -> Captions:
    if "\0" in text:  # a tenth of the time that `replace` takes to find that there is none
        text = text.replace("\0", "")
    text = text.removeprefix("\ufeff")
    if format_name is not None and format_name not in _FORMATS:
        raise ValueError(f"unknown caption format {format_name!r}: use one of {_FORMATS}")
    if not text.strip():
        return Captions((), ())
    name = format_name or _format_of(text)
    if name == "text":
        return Captions(read_paragraphs(text), ())
    return _captions_of(_READERS[name](text), text, name)


def _captions_of(track: RawTrack, text: str, name: str) -> Captions:
    if not track.is_readable:
        start = " ".join(text[:60].split())
        raise SourceBroken(f"{name}: expected {_EXPECTED[name]}, found {start!r}")
    cues = sorted(track.cues, key=_START)
    if name in ("vtt", "srt") and (track.is_recognized or looks_rolling(cues)):
        cues = unroll(cues)
    elif track.is_recognized:
        cues = until_next(cues)
    segments, dropped = segments_of(cues)
    return Captions(tuple(segments), (*track.dropped, *dropped))


def _format_of(text: str) -> str:
    start = text.lstrip()[:1]
    if start in ("{", "<"):
        return "json3" if start == "{" else "timedtext"
    if text.startswith("WEBVTT") or "-->" in text:
        return "vtt"
    found = " ".join(text[:60].split())
    raise SourceBroken(f"expected captions (WebVTT, SRT, json3, timedtext XML), found {found!r}")


_EXPECTED = {
    "vtt": "cues with a line `00:00:01.000 --> 00:00:02.000`",
    "srt": "cues with a line `00:00:01,000 --> 00:00:02,000`",
    "json3": "a JSON object with a list `events`",
    "timedtext": "XML with <text start dur> or <p t d>",
}
