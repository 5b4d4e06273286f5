"""Sections: which part of a transcript belongs to which chapter.

A chapter's time and its first sentence rarely agree to the second, and captions break anywhere.
So the cut moves to the nearest end of a sentence within a few seconds, which may lie inside a
segment: that segment becomes two. Without one, the cut stays where the chapter says.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import ends_sentence, inner_sentence_ends

_START = attrgetter("start_seconds")
_NEAR_SECONDS = 8.0
_SEGMENTS_AROUND = 3


class _Cut(NamedTuple):
    """Before `segments[number]`, or `offset` characters into it."""

    number: int
    offset: int
    seconds: float


def sections_of(
    segments: Sequence[Segment], starts: Sequence[float]
) -> Iterator[tuple[int | None, list[Segment]]]:
    """The segments of each chapter by its number; None for those before the first chapter."""
    rest = sorted(segments, key=_START)
    for number, start in enumerate(starts):
        inside, rest = _cut_at(rest, start)
        if number or inside:
            yield (number - 1 if number else None), inside
    yield (len(starts) - 1 if starts else None), rest


def _cut_at(segments: list[Segment], start: float) -> tuple[list[Segment], list[Segment]]:
    by_time = bisect_left(segments, start, key=_START)
    if by_time in (0, len(segments)) or _is_end(segments, by_time):
        return segments[:by_time], segments[by_time:]
    cuts = [
        cut
        for number in range(max(0, by_time - _SEGMENTS_AROUND), by_time + _SEGMENTS_AROUND)
        if number < len(segments)
        for cut in _cuts_in(segments, number)
        if abs(cut.seconds - start) <= _NEAR_SECONDS
    ]
    cut = min(cuts, key=lambda cut: abs(cut.seconds - start), default=_Cut(by_time, 0, start))
    if not cut.offset:
        return segments[: cut.number], segments[cut.number :]
    head, tail = _split(segments[cut.number], cut)
    return [*segments[: cut.number], head], [tail, *segments[cut.number + 1 :]]


def _is_end(segments: Sequence[Segment], number: int) -> bool:
    """Whether a sentence or a turn ends before that segment."""
    before, after = segments[number - 1], segments[number]
    return ends_sentence(before.text) or before.speaker != after.speaker


def _cuts_in(segments: Sequence[Segment], number: int) -> Iterator[_Cut]:
    segment = segments[number]
    length = max(0.0, segment.end_seconds - segment.start_seconds)
    if number == 0 or _is_end(segments, number):
        yield _Cut(number, 0, segment.start_seconds)
    for offset in inner_sentence_ends(segment.text):
        yield _Cut(number, offset, segment.start_seconds + length * offset / len(segment.text))


def _split(segment: Segment, cut: _Cut) -> tuple[Segment, Segment]:
    head, tail = segment.text[: cut.offset].rstrip(), segment.text[cut.offset :].lstrip()
    return (
        replace(segment, text=head, end_seconds=cut.seconds, words=()),
        replace(segment, text=tail, start_seconds=cut.seconds, words=()),
    )
