"""Rolling captions come out once.

Live and automatic captions show two lines: a cue repeats the line that scrolled up and adds a new
one, and YouTube puts a cue of 10 ms that adds nothing between any two. Each line would be read
two or three times. What a cue adds is what its predecessor did not show yet; where the track has
word stamps (`<00:00:04.100><c> so</c>`), what is new carries them.
"""

import re
from itertools import pairwise

from msgspec.structs import replace

from impressions_assets.rows import Word
from impressions_assets.speech.cues import Cue
from impressions_assets.speech.markup import clean
from impressions_assets.speech.stamped import seconds_of

_STAMP = re.compile(r"<((?:\d{1,4}:)?\d\d:\d\d\.\d{3})>")
_SAME_WINDOW_SECONDS = 0.5
_NUM_SAMPLED = 200
_ROLLING_SHARE = 0.3


def looks_rolling(cues: list[Cue]) -> bool:
    """Whether cues repeat their predecessor's last line, judged by the first 200 of them."""
    sample = cues[:_NUM_SAMPLED]
    if not any("\n" in cue.text for cue in sample):
        return False
    num_rolled = sum(_rolls(before, cue) for before, cue in pairwise(sample))
    return num_rolled >= 2 and num_rolled >= _ROLLING_SHARE * len(sample)


def unroll(cues: list[Cue]) -> list[Cue]:
    """Give each cue only what it adds; cues that add nothing go."""
    added: list[Cue] = []
    shown: list[str] = []
    shown_until = 0.0
    for cue in cues:
        raw_lines = cue.text.split("\n")
        lines = [clean(line) for line in raw_lines]
        if not any(lines):
            continue
        if cue.start_seconds > shown_until + _SAME_WINDOW_SECONDS:
            shown = []
        num_shown = _num_shown(shown, lines)
        new = "\n".join(raw_lines[num_shown:])
        if num_shown == 0 and shown and clean(new).startswith(f"{' '.join(shown)} "):
            new = clean(new)[len(" ".join(shown)) + 1 :]  # a line that grew by a few words
        if clean(new):
            added.append(_with_words(cue, new))
        shown, shown_until = _stripped(lines), cue.end_seconds
    return [_until(cue, after) for cue, after in pairwise([*added, None])] if added else []


def until_next(cues: list[Cue]) -> list[Cue]:
    """End each cue where the next begins: recognized lines stay on screen longer than spoken."""
    return [_until(cue, after) for cue, after in pairwise([*cues, None])] if cues else []


def _rolls(before: Cue, cue: Cue) -> bool:
    last = before.text.strip().rpartition("\n")[2]
    is_near = cue.start_seconds <= before.end_seconds + _SAME_WINDOW_SECONDS
    return is_near and cue.text.strip() != before.text.strip() and cue.text.startswith(f"{last}\n")


def _num_shown(shown: list[str], lines: list[str]) -> int:
    """How many first lines of a cue are the last lines shown before it."""
    for length in range(min(len(shown), len(lines)), 0, -1):
        if shown[-length:] == lines[:length]:
            return length
    return 0


def _stripped(lines: list[str]) -> list[str]:
    """Lines without empty ones at the end; an empty first line says that nothing scrolled up."""
    while lines and not lines[-1]:
        lines = lines[:-1]
    return [line for line in lines if line]


def _with_words(cue: Cue, text: str) -> Cue:
    """Read the word stamps of what is new. Words that share one stamp stay one `Word`."""
    pieces = _STAMP.split(text)
    starts = [cue.start_seconds, *map(seconds_of, pieces[1::2])]
    ends = [*starts[1:], max(cue.end_seconds, starts[-1])]
    texts = [clean(piece) for piece in pieces[::2]]
    has_times = len(pieces) > 1 or " " not in texts[0]
    words = tuple(
        Word(start, end, word) for start, end, word in zip(starts, ends, texts, strict=True) if word
    )
    return replace(cue, text=text, words=words if has_times else ())


def _until(cue: Cue | None, after: Cue | None) -> Cue:
    assert cue is not None
    if after is None or not cue.start_seconds < after.start_seconds < cue.end_seconds:
        return cue
    end = after.start_seconds
    words = tuple(_cut(word, end) for word in cue.words)
    return replace(cue, end_seconds=end, words=words)


def _cut(word: Word, end: float) -> Word:
    if word.end_seconds <= end or word.start_seconds >= end:
        return word
    return Word(word.start_seconds, end, word.text, word.confidence)
