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

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import hold_marks, inner_sentence_ends, that_end_sentences

MOST_WORDS = 150
_ENOUGH_WORDS = 60
_LONG_PAUSE_SECONDS = 3.0
_UNNAMED = re.compile(r"turn \d+")
_SPACE, _NEWLINE = b" \n"


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
    talk = _talk_of(segments)
    return [
        Paragraph(part, part[0].speaker)
        for begin, end in pairwise(_turns(talk))
        for part in _readable(talk, begin, end)
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


class _Talk(NamedTuple):
    """Segments, and what is found out about all of them at once."""

    pieces: list[Segment]
    words: list[int]
    """How many come before each piece, and how many there are."""
    ends: list[int]
    """The numbers of the pieces that end a sentence, and how many pieces there are."""
    is_marked: bool
    """Whether a sentence may end anywhere."""
    is_long: bool
    """Whether a piece is longer than a paragraph may be."""


def _talk_of(segments: Sequence[Segment]) -> _Talk:
    texts = [segment.text for segment in segments]
    words = _running_words(texts)
    is_long = bool((words[1:] - words[:-1] > MOST_WORDS).any())
    is_marked = hold_marks(texts)
    ends = that_end_sentences(texts) if is_marked else []
    return _Talk(list(segments), words.tolist(), [*ends, len(texts)], is_marked, is_long)


def _running_words(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """The words before each text, as `num_words_in` has them, and those of all."""
    joined = "\n".join(("", *texts, ""))
    if joined.isascii():
        codes = np.frombuffer(joined.encode(), np.uint8)
        # Behind each word is a space or a newline, a newline also before the first of all.
        breaks = codes[np.flatnonzero((codes == _SPACE) | (codes == _NEWLINE))]
        words = np.flatnonzero(breaks == _NEWLINE)
        if len(words) == len(texts) + 1:  # else a text has a newline of its own
            return words
    return np.array([0, *accumulate(map(num_words_in, texts))])


def _turns(talk: _Talk) -> list[int]:
    """Where runs of one speaker without a long pause begin, and where the last one ends."""
    pieces = talk.pieces
    begins = {0, len(pieces)}
    if len({piece.speaker for piece in pieces}) > 1:
        sides = enumerate(pairwise(pieces), start=1)
        begins |= {number for number, (last, piece) in sides if piece.speaker != last.speaker}
    begins |= {end + 1 for end in talk.ends if _is_silent_after(pieces[end : end + 2])}
    return sorted(begins)


def _is_silent_after(piece_and_next: Sequence[Segment]) -> bool:
    if len(piece_and_next) < 2:
        return False
    last, piece = piece_and_next
    return piece.start_seconds - last.end_seconds >= _LONG_PAUSE_SECONDS


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


def _readable(talk: _Talk, begin: int, turn_end: int) -> Iterator[list[Segment]]:
    """The turn in paragraphs that begin and end well."""
    pieces, words, ends = talk.pieces, talk.words, talk.ends
    if talk.is_long:
        short = [piece for segment in pieces[begin:turn_end] for piece in _pieces(segment)]
        talk, begin, turn_end = _talk_of(short), 0, len(short)
        pieces, words, ends = talk.pieces, talk.words, talk.ends
    while begin < turn_end:
        enough = bisect_left(words, words[begin] + _ENOUGH_WORDS, begin + 1)
        full = bisect_right(words, words[begin] + MOST_WORDS, begin + 2, turn_end + 1) - 1
        end = ends[bisect_left(ends, enough - 1)] + 1
        if end <= full or full == turn_end:
            yield pieces[begin : min(end, full)]
            begin = min(end, full)
            continue
        done, left = _cut(pieces[begin:full], talk.is_marked)
        yield done
        begin = full - len(left)
        if left:
            pieces[begin], words[begin] = left[0], words[begin + 1] - num_words_in(left[0].text)
        if left and words[full + 1] - words[begin] > MOST_WORDS:
            yield left
            begin = full


def _cut(part: list[Segment], is_marked: bool) -> tuple[list[Segment], list[Segment]]:
    """A paragraph that grew too long without a good end, and what remains for the next one."""
    for number in range(len(part) - 1, -1, -1) if is_marked else ():
        ends = inner_sentence_ends(part[number].text)
        if ends:
            head, tail = _split(part[number], ends[-1])
            return [*part[:number], head], [tail, *part[number + 1 :]]
    return _cut_at_pause(part)


def _cut_at_pause(part: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    half = len(part) // 2
    pauses = [after.start_seconds - last.end_seconds for last, after in pairwise(part[half:])]
    longest = max(pauses, default=0.0)
    if longest <= 0:
        return part, []
    cut = len(part) - 1 - pauses[::-1].index(longest)
    return part[:cut], part[cut:]
