"""WebVTT and SRT: cues that begin with a `start --> end` line.

The file is cut at its time lines in one pass of one expression, rather than line by line: that
reads both formats, forgives most damage, and is the difference between 5 and 25 MB/s in Python.
Sources: https://www.w3.org/TR/webvtt1/ and the SubRip convention (SRT has no standard).
"""

import re

from impressions_assets.rows import Dropped
from impressions_assets.speech.cues import BAD_TIME, CUT_OFF, EMPTY, UNTIMED, Cue, RawTrack

_STAMP = r"((?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?)"
_TIME_LINE = re.compile(
    rf"^[ \t]*{_STAMP}[ \t]*-->[ \t]*{_STAMP}(?![\d:.,]*[^\s\d:.,])[^\n]*$", re.M
)
_CUT_STAMP = re.compile(r"[\d:., >-]+")
_LINE_ENDS = re.compile(r"\r+\n?|\f")
_INLINE_STAMP = re.compile(r"<(?:\d{1,4}:)?\d\d:\d\d\.\d{3}>")
_NOT_CUES = ("NOTE", "STYLE", "REGION", "WEBVTT", "Style:", "::cue", "##", "X-TIMESTAMP", "}")


def read_stamped(text: str) -> RawTrack:
    """Read a WebVTT or SRT file; not readable when nothing in it has a time."""
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    head, *fields = _TIME_LINE.split(text)
    dropped = _untimed(_paragraphs_before_time(head)[_header_length(head) :])
    cues: list[Cue] = []
    for start, end, payload in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if payload.find("\n\n") == len(payload) - 2:  # the plain case: text, then one empty line
            body = payload[1:-2]
        else:
            body, rest = _body_of(payload)
            dropped += _untimed(rest)
        if body and not body.isspace():
            cues.append(Cue(seconds_of(start), seconds_of(end), body))
        else:
            dropped.append(Dropped(EMPTY, "", seconds_of(start)))
    is_recognized = "<c" in text and len(_INLINE_STAMP.findall(text)) > len(cues) // 2
    is_readable = bool(fields) or (_header_length(head) == 1 and not dropped)
    return RawTrack(cues, dropped, is_readable, is_recognized)


def seconds_of(stamp: str) -> float:
    """Seconds of `HH:MM:SS.mmm`, `MM:SS.mmm` or `HH:MM:SS,mmm`, rounded once, from milliseconds."""
    if (
        len(stamp) == 12 and stamp[2] == stamp[5] == ":"
    ):  # the usual form, by position: a third of the time
        minutes = int(stamp[:2]) * 60 + int(stamp[3:5])
        return (minutes * 60_000 + int(stamp[6:8] + stamp[9:])) / 1000
    clock, _, fraction = stamp.replace(",", ".").partition(".")
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return (seconds * 1000 + int(fraction.ljust(3, "0"))) / 1000


def _body_of(payload: str) -> tuple[str, list[str]]:
    """The cue's own text, and paragraphs that stand after it without a time of their own."""
    begins_at_once = not payload.startswith("\n\n")
    paragraphs = _paragraphs_before_time(payload)
    if begins_at_once and not paragraphs and payload.strip():
        return payload.strip("\n"), []  # a lone line straight before the next time is no id
    if paragraphs and (begins_at_once or not _is_comment(paragraphs[0])):
        return _without_counter(paragraphs[0], payload), paragraphs[1:]
    return "", paragraphs


def _paragraphs_before_time(text: str) -> list[str]:
    """Paragraphs, without the id that stands as a line of its own right before the next time."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n{2,}", text) if part.strip()]
    ends_at_time = text.endswith("\n") and not text.endswith("\n\n")
    if paragraphs and ends_at_time and "\n" not in paragraphs[-1]:
        paragraphs.pop()
    return paragraphs


def _without_counter(body: str, payload: str) -> str:
    """Drop SRT's counter of the next cue where the empty line before it is missing."""
    lines, _, last = body.rpartition("\n")
    touches_time = payload.endswith(f"{last}\n")
    return lines if lines and last.strip().isdigit() and touches_time else body


def _header_length(head: str) -> int:
    return 1 if head.startswith("WEBVTT") else 0


def _is_comment(paragraph: str) -> bool:
    return paragraph.lstrip().startswith(_NOT_CUES)


def _untimed(paragraphs: list[str]) -> list[Dropped]:
    return [Dropped(_reason(text), text) for text in paragraphs if not _is_comment(text)]


def _reason(paragraph: str) -> str:
    if _CUT_STAMP.fullmatch(paragraph):
        return CUT_OFF
    if "-->" not in paragraph:
        return UNTIMED
    return BAD_TIME if "\n" in paragraph else CUT_OFF
