"""Clean segments: NFC, no control characters, no bracketed sounds, no empty repeats.

Speech is one line per segment, so its whitespace collapses. Text that was written (origin "text":
poems, scripts, code) keeps every newline and space. What is dropped is kept with its reason.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from operator import eq
from typing import NamedTuple

from impressions_assets.plain_lines import are_plain, plain_parts
from impressions_assets.rows import Dropped, Segment, Transcript

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff]")
_OTHER_BREAKS = re.compile(r"[\x0b\x0c\r\x1c-\x1f\x85]")
_MAY_HOLD_SOUND = re.compile(r"[\[(（【♪♫]")
# "[Music]", "[♪ upbeat music]", but neither "[0, 1]" nor "[a, b]", which mathematicians say.
_SOUND = re.compile(
    r"[\[【][^\w\[\]【】]{0,4}[^\W\d_]{2,}[^\[\]【】\d=+*/]{0,38}[\]】]"
    r"|[(（](?i:\W{0,4}(?:[a-z]+ ){0,3}(?:music|applause|applauds?|laugh(?:s|ter|ing)?"
    r"|cheer(?:s|ing)?|clap(?:s|ping)?|chuckl(?:es|ing)|sighs?|coughs?|musik|applaus|gelächter|musique|rires"
    r"|applaudissements|música|aplausos|risas|музыка|аплодисменты|смех|拍手|音楽|笑|笑い|음악|박수|웃음)"
    r"(?: [a-z]+){0,2}\W{0,4})[)）]"
    r"|[♪♫]+"
)
_FEWEST_WORDS_OF_A_REPEAT = 5


class Cleaned(NamedTuple):
    """Segments fit to print, and what was taken out of them."""

    segments: list[Segment]
    dropped: list[Dropped]


def clean_transcript(transcript: Transcript) -> Cleaned:
    """The transcript's segments in their order; none when no text is left."""
    if transcript.is_timed:
        return _clean_speech(transcript.segments)
    texts = [clean_text(segment.text) for segment in transcript.segments]
    if not any(map(str.strip, texts)):
        return Cleaned([], [])
    # Blank ones stay: joined by blank lines the segments are the file again, byte for byte.
    return Cleaned([Segment(0.0, 0.0, text) for text in texts], [])


def clean_text(text: str) -> str:
    """The text in NFC without control characters; newlines and tabs stay."""
    text = text.replace("\r\n", "\n")
    text = _OTHER_BREAKS.sub("\n", _CONTROL.sub("", text))
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def clean_line(text: str) -> str:
    """The text in NFC as one line, without control characters and runs of whitespace."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")  # most of what is ever said: the same object, mostly
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    line = " ".join(text.split())
    return line if line.isascii() else unicodedata.normalize("NFC", line)


def _clean_speech(segments: Sequence[Segment]) -> Cleaned:
    kept: list[Segment] = []
    dropped: list[Dropped] = []
    for part, are_clean in plain_parts(segments, _are_clean):
        if are_clean and not (kept and kept[-1].text == part[0].text):
            kept += part
        else:
            _clean_each(part, kept, dropped)
    return Cleaned(kept, dropped)


def _are_clean(segments: Sequence[Segment]) -> bool:
    lines = [segment.text for segment in segments]
    return are_plain(lines) and not any(map(eq, lines, lines[1:]))


def _clean_each(segments: Iterable[Segment], kept: list[Segment], dropped: list[Dropped]) -> None:
    for segment in segments:
        text = clean_line(segment.text)
        if ("(" in text or "[" in text) if text.isascii() else _MAY_HOLD_SOUND.search(text):
            text = _without_sounds(text, segment, dropped)
        if not text:
            continue
        if kept and kept[-1].text == text and _repeats(kept[-1], segment):
            dropped.append(Dropped("repeat", text, segment.start_seconds))
            continue
        kept.append(
            Segment(segment.start_seconds, segment.end_seconds, text, segment.speaker)
            if text is not segment.text
            else segment
        )


def _without_sounds(text: str, segment: Segment, dropped: list[Dropped]) -> str:
    for match in _SOUND.finditer(text):
        dropped.append(Dropped("sound", match[0], segment.start_seconds))
    return " ".join(_SOUND.sub(" ", text).split())


def _repeats(last: Segment, segment: Segment) -> bool:
    """The same words once more, as broken captions hold them; people do say "No. No."."""
    is_long = last.text.count(" ") + 1 >= _FEWEST_WORDS_OF_A_REPEAT
    return is_long and last.speaker == segment.speaker
