"""Paragraphs: segments joined where a reader would want a break.

A paragraph ends where the speaker or the chapter changes and at long pauses. Otherwise it grows
to a readable length and ends at the end of a sentence: preferably where a segment ends too, else
inside the segment, which then becomes two pieces (the second with its time in proportion).
Captions without punctuation break at their longest pause.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from msgspec.structs import replace

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import (
    ends_sentence,
    inner_sentence_ends,
    that_end_sentences,
)

MOST_WORDS = 150
_ENOUGH_WORDS = 60
_LONG_PAUSE_SECONDS = 3.0
_UNNAMED = re.compile(r"turn \d+")


class Paragraph(NamedTuple):
    """Consecutive segments by one speaker; the first or the last may be a part of one."""

    pieces: list[Segment]
    speaker: str | None

    @property
    def start_seconds(self) -> float:
        """When its first words are said."""
        return self.pieces[0].start_seconds

    @property
    def text(self) -> str:
        """The pieces as one line."""
        return " ".join([piece.text for piece in self.pieces])


def paragraphs_of(segments: Sequence[Segment]) -> list[Paragraph]:
    """Cleaned speech as paragraphs of at most `MOST_WORDS` words."""
    return [
        Paragraph(part, part[0].speaker) for turn in _turns(segments) for part in _readable(turn)
    ]


def is_dialogue(segments: Sequence[Segment]) -> bool:
    """Whether at least two named speakers take turns."""
    return len({segment.speaker for segment in segments} - {None}) >= 2


def is_named(speaker: str) -> bool:
    """Whether the label is more than the count of turns that `>>` marks leave behind."""
    return _UNNAMED.fullmatch(speaker) is None


def num_words_in(text: str) -> int:
    """Words between spaces; two characters count as one word in scripts without spaces."""
    num_words = text.count(" ") + 1
    unspaced = not text.isascii() and len(text) > 12 * num_words
    return len(text) // 2 if unspaced else num_words


def _turns(segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
    """Runs of one speaker without a long pause."""
    begin = 0
    for number, (last, segment) in enumerate(pairwise(segments), start=1):
        if segment.speaker != last.speaker or (
            segment.start_seconds - last.end_seconds >= _LONG_PAUSE_SECONDS
            and ends_sentence(last.text)
        ):
            yield segments[begin:number]
            begin = number
    if segments:
        yield segments[begin:]


def _counts(texts: Sequence[str]) -> list[int]:
    """The words of each text, as `num_words_in` has them."""
    if "".join(texts).isascii():
        return [text.count(" ") + 1 for text in texts]
    return [num_words_in(text) for text in texts]


def _pieces(segment: Segment) -> Iterator[Segment]:
    """The segment; in several pieces only when it is longer than a paragraph may be."""
    rest = segment
    while num_words_in(rest.text) > MOST_WORDS:
        head = " ".join(rest.text.split(" ", MOST_WORDS)[:MOST_WORDS])
        head = head[: 2 * MOST_WORDS] if len(head) == len(rest.text) else head
        ends = inner_sentence_ends(head)
        first, rest = _split(rest, ends[-1] if ends else len(head))
        yield first
    yield rest


def _split(piece: Segment, offset: int) -> tuple[Segment, Segment]:
    head, tail = piece.text[:offset].rstrip(" "), piece.text[offset:].lstrip(" ")
    share = (len(piece.text) - len(tail)) / len(piece.text)
    middle = piece.start_seconds + share * max(0.0, piece.end_seconds - piece.start_seconds)
    return (
        replace(piece, end_seconds=middle, text=head, words=()),
        replace(piece, start_seconds=middle, text=tail, words=()),
    )


def _readable(turn: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The turn in paragraphs that begin and end well."""
    pieces, texts = list(turn), [segment.text for segment in turn]
    counts = _counts(texts)
    if max(counts) > MOST_WORDS:
        pieces = [piece for segment in turn for piece in _pieces(segment)]
        texts = [piece.text for piece in pieces]
        counts = _counts(texts)
    words = [0, *accumulate(counts)]  # before each piece
    ends = [*that_end_sentences(texts), len(pieces)]
    begin = 0
    while begin < len(pieces):
        enough = bisect_left(words, words[begin] + _ENOUGH_WORDS, begin + 1)
        full = bisect_right(words, words[begin] + MOST_WORDS, begin + 2) - 1
        end = ends[bisect_left(ends, enough - 1)] + 1
        if end <= full or full == len(pieces):
            yield pieces[begin : min(end, full)]
            begin = min(end, full)
            continue
        done, left = _cut(pieces[begin:full])
        yield done
        begin = full - len(left)
        if left:
            pieces[begin], words[begin] = left[0], words[begin + 1] - num_words_in(left[0].text)
        if left and words[full + 1] - words[begin] > MOST_WORDS:
            yield left
            begin = full


def _cut(part: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """A paragraph that grew too long without a good end, and what remains for the next one."""
    for number in range(len(part) - 1, -1, -1):
        ends = inner_sentence_ends(part[number].text)
        if ends:
            head, tail = _split(part[number], ends[-1])
            return [*part[:number], head], [tail, *part[number + 1 :]]
    return _cut_at_pause(part)


def _cut_at_pause(part: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    half = range(len(part) // 2, len(part) - 1)
    pauses = [(part[i + 1].start_seconds - part[i].end_seconds, i) for i in half]
    longest, number = max(pauses, default=(0.0, len(part) - 1))
    cut = number + 1 if longest > 0 else len(part)
    return part[:cut], part[cut:]
