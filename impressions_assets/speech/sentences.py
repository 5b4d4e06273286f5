"""Recognized words become segments: a sentence each, by one speaker.

WhisperX cuts where its windows of 30 seconds end, in the middle of a sentence too; here what one
person says is joined again, and cut where a sentence ends: at its stop, or at a pause. How long a
pause must be depends on whether the recognizer wrote stops at all: who thinks aloud pauses within
sentences, and only stops tell such a pause from an end.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from impressions_assets.rows import Segment, Word
from impressions_assets.sentence_ends import ends_sentence
from impressions_assets.speech.recognized import Spoken

_PUNCTUATED_SHARE = 0.02  # of words that end a sentence; people's sentences have 15 to 20 words
_PAUSE_SECONDS = 3.0
_UNPUNCTUATED_PAUSE_SECONDS = 0.7
_MOST_SECONDS = 40.0  # one segment, then one caption on screen


def sentences_of(words: Sequence[Spoken], space: str = " ") -> list[Segment]:
    """Cut words into sentences; `space` stands between two words."""
    num_ends = sum(ends_sentence(word.text) for word in words)
    is_punctuated = num_ends >= _PUNCTUATED_SHARE * len(words)
    pause = _PAUSE_SECONDS if is_punctuated else _UNPUNCTUATED_PAUSE_SECONDS
    return [_segment(part, space) for run in _runs(words, pause) for part in _readable(run) if part]


def _runs(words: Sequence[Spoken], pause_seconds: float) -> Iterator[list[Spoken]]:
    run: list[Spoken] = []
    for word in words:
        if run and _is_cut(run[-1], word, pause_seconds):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _is_cut(before: Spoken, word: Spoken, pause_seconds: float) -> bool:
    paused = word.start_seconds - before.end_seconds >= pause_seconds
    # A stop before a small letter stands in an abbreviation that nobody listed.
    ended = ends_sentence(before.text) and not word.text[0].islower()
    return word.speaker != before.speaker or paused or ended


def _readable(run: list[Spoken]) -> Iterator[list[Spoken]]:
    """Cut what has no end for too long at its longest pause, but not at its very edge."""
    if run[-1].end_seconds - run[0].start_seconds <= _MOST_SECONDS or len(run) < 4:
        yield run
        return
    pauses = [after.start_seconds - before.end_seconds for before, after in pairwise(run)]
    quarter = len(run) // 4
    inner = range(quarter, max(quarter + 1, len(pauses) - quarter))
    cut = 1 + max(inner, key=lambda index: pauses[index])
    yield from _readable(run[:cut])
    yield from _readable(run[cut:])


def _segment(words: Sequence[Spoken], space: str) -> Segment:
    scores = [word.confidence for word in words if word.confidence is not None]
    return Segment(
        start_seconds=words[0].start_seconds,
        end_seconds=max(word.end_seconds for word in words),
        text=space.join(word.text for word in words),
        speaker=words[0].speaker,
        confidence=round(sum(scores) / len(scores), 3) if scores else None,
        words=tuple(Word(w.start_seconds, w.end_seconds, w.text, w.confidence) for w in words),
    )
