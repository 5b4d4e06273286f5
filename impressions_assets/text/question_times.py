"""Moves a listed question to where it is really asked: people write times down by ear.

Within a minute around the listed time, the place counts whose words hold most of the question's.
Without a place that is clearly better than the listed time, the question stays where it is.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from impressions_assets.rows import Question, Segment

_WORD = re.compile(r"\w{4,}")
_WINDOW_SECONDS = 60.0
_FEWEST_WORDS = 4
_LEAST_OVERLAP = 0.6
_CLEARLY_BETTER = 0.1
_SECONDS_A_WORD, _MOST_SECONDS = 0.5, 20.0


def moved(questions: Sequence[Question], segments: Sequence[Segment]) -> list[Question]:
    """The questions, each at the segment or turn in which it is asked; segments by time."""
    starts = [segment.start_seconds for segment in segments]
    said = [frozenset(_WORD.findall(segment.text.casefold())) for segment in segments]
    return [
        Question(_asked_at(question, segments, starts, said), question.text)
        for question in questions
    ]


def _asked_at(
    question: Question,
    segments: Sequence[Segment],
    starts: Sequence[float],
    said: Sequence[frozenset[str]],
) -> float:
    listed = question.start_seconds
    words = frozenset(_WORD.findall(question.text.casefold()))
    begin = bisect_left(starts, listed - _WINDOW_SECONDS)
    end = bisect_left(starts, listed + _WINDOW_SECONDS)
    if len(words) < _FEWEST_WORDS or begin == end:
        return listed
    seconds = min(_MOST_SECONDS, _SECONDS_A_WORD * len(question.text.split()))
    overlaps = {
        number: _overlap(words, said[number : bisect_left(starts, starts[number] + seconds)])
        for number in range(begin, end)
        if words & said[number]
    }
    here = bisect_left(starts, listed)
    stays = max(overlaps.get(here, 0.0), overlaps.get(here - 1, 0.0))
    best = max(overlaps.values(), default=0.0)
    if best < _LEAST_OVERLAP or best < stays + _CLEARLY_BETTER:
        return listed
    place = min(
        (number for number, overlap in overlaps.items() if overlap == best),
        key=lambda number: (-len(words & said[number]), abs(starts[number] - listed)),
    )
    return _start_of_turn(place, segments, starts[begin])


def _overlap(words: frozenset[str], said: Sequence[frozenset[str]]) -> float:
    """The share of the question's words among those said."""
    return len(words & frozenset().union(*said)) / len(words)


def _start_of_turn(number: int, segments: Sequence[Segment], earliest: float) -> float:
    """The start of the run of segments by one speaker, when speakers are known."""
    speaker = segments[number].speaker
    while (
        speaker is not None
        and number > 0
        and segments[number - 1].speaker == speaker
        and segments[number - 1].start_seconds >= earliest
        and segments[number].start_seconds - segments[number - 1].start_seconds < _MOST_SECONDS
    ):
        number -= 1
    return segments[number].start_seconds
