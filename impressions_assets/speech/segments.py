"""Cues become segments: cleaned, with speakers, with an end after the start, none twice."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter, eq

from msgspec.structs import replace

from impressions_assets.plain_lines import are_plain, plain_parts
from impressions_assets.rows import Dropped, Segment, Word
from impressions_assets.speech.cues import EMPTY, NOT_SPEECH, REPEATED, Cue
from impressions_assets.speech.speakers import SpeakerReader

_MARKS = re.compile(r"[<>&\[({♪♫:\u0000-\u0008\u200b-\u206f\ufeff]")
_SOUND = re.compile(  # one character or one bracket at a time: no two ways to match anything
    r"(?:\[[^\]]*\]|\([\w'’-]{1,30}(?: [\w'’-]{1,30}){0,2}\)|[-–—♪♫ .,…#*])+"
)
_SOUND_BEGINS = frozenset("[(-–—♪♫ .,…#*")
_CHARACTERS_PER_SECOND = 15.0

Turn = tuple[str | None, str]
Words = tuple[Word, ...]


def segments_of(cues: list[Cue]) -> tuple[list[Segment], list[Dropped]]:
    """Segments in the order of the cues (sorted by start), and what was set aside."""
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    speakers = SpeakerReader()
    previous = ""
    for part, are_segments in plain_parts(cues, _are_segments):
        if are_segments and part[0].text != previous:
            speaker = speakers.speaker
            segments += part if speaker is None else [replace(c, speaker=speaker) for c in part]
            previous = part[-1].text
            continue
        for cue in part:
            is_mended = cue.end_seconds <= cue.start_seconds
            end = mended_end(cue, cues) if is_mended else cue.end_seconds
            turns = _turns(cue.text, speakers)
            spoken = " ".join([text for _, text in turns])
            if not spoken or spoken == previous:
                reason = REPEATED if spoken else EMPTY
                dropped.append(Dropped(reason, spoken, cue.start_seconds))
            else:
                _add(_shared(turns, cue.start_seconds, end, cue.words), segments, dropped)
                previous = spoken
    return segments, dropped


def _are_segments(cues: Sequence[Cue]) -> bool:
    """Whether the cues are segments as they stand, but for the speaker; most captions are."""
    lines = [cue.text for cue in cues]
    return (
        are_plain(lines)
        and not any(map(eq, lines, lines[1:]))
        and _SOUND_BEGINS.isdisjoint({line[0] for line in lines})
        and not [cue for cue in cues if cue.end_seconds <= cue.start_seconds]
    )


def _turns(text: str, speakers: SpeakerReader) -> list[Turn]:
    if _MARKS.search(text):
        return speakers.turns_of(text)
    return [(speakers.speaker, text if _is_one_line(text) else " ".join(text.split()))]


def _is_one_line(text: str) -> bool:
    """Whether the text is what is left when its spaces collapse, by the cheapest test for it."""
    return text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " "


def mended_end(cue: Cue, cues: Sequence[Cue]) -> float:
    """An end for a cue that ends before it starts: the next later start, at reading speed at most.

    Real tracks hold runs of cues at one instant: their words are speech, only their times are lost.
    """
    readable = round(cue.start_seconds + 1 + len(cue.text) / _CHARACTERS_PER_SECOND, 3)
    later = bisect_right(cues, cue.start_seconds, key=attrgetter("start_seconds"))
    return min(cues[later].start_seconds, readable) if later < len(cues) else readable


def _add(turns: Iterator[Segment], segments: list[Segment], dropped: list[Dropped]) -> None:
    for turn in turns:
        if _SOUND.fullmatch(turn.text):
            dropped.append(Dropped(NOT_SPEECH, turn.text, turn.start_seconds))
        else:
            segments.append(turn)


def _shared(turns: list[Turn], start: float, end: float, words: Words) -> Iterator[Segment]:
    """A cue's turns share its time: by their words' times, else in proportion to their length."""
    if len(turns) == 1:
        yield Segment(start, end, turns[0][1], turns[0][0], None, words)
        return
    words = tuple(word for word in words if word.text.strip(">"))
    num_words = [len(text.split()) for _, text in turns]
    if len(words) != sum(num_words):
        words = ()
    num_characters = sum(len(text) for _, text in turns)
    begin, characters, position = start, 0, 0
    for (speaker, text), count in zip(turns, num_words, strict=True):
        characters += len(text)
        position += count
        if characters == num_characters:
            stop = end
        elif words:
            stop = words[position].start_seconds
        else:
            stop = round(start + (end - start) * characters / num_characters, 3)
        yield Segment(begin, stop, text, speaker, None, words[position - count : position])
        begin = stop
