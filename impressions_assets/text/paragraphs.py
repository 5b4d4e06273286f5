"""Paragraphs: segments joined where a reader would want a break.

A paragraph ends where the speaker or the chapter changes and at long pauses. Otherwise it grows
to a readable length and ends at the end of a sentence: preferably where a segment ends too, else
inside the segment, which then becomes two pieces (the second with its time in proportion).
Captions without punctuation break at their longest pause.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import ends_sentence, inner_sentence_ends

MOST_WORDS = 150
_ENOUGH_WORDS = 60
_LONG_PAUSE_SECONDS = 3.0
_UNNAMED = re.compile(r"turn \d+")


class Piece(NamedTuple):
    """A segment, or the part of one that lies in this paragraph."""

    start_seconds: float
    end_seconds: float
    text: str
    num_words: int


class Paragraph(NamedTuple):
    """Consecutive pieces by one speaker."""

    pieces: list[Piece]
    speaker: str | None

    @property
    def start_seconds(self) -> float:
        """When its first words are said."""
        return self.pieces[0].start_seconds

    @property
    def text(self) -> str:
        """The pieces as one line."""
        return " ".join(piece.text for piece in self.pieces)


def paragraphs_of(segments: Sequence[Segment]) -> list[Paragraph]:
    """Cleaned speech as paragraphs of at most `MOST_WORDS` words."""
    paragraphs: list[Paragraph] = []
    for turn in _turns(segments):
        pieces = [piece for segment in turn for piece in _pieces(segment)]
        paragraphs += [Paragraph(part, turn[0].speaker) for part in _readable(pieces)]
    return paragraphs


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


def _turns(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Runs of one speaker without a long pause."""
    turn: list[Segment] = []
    for segment in segments:
        if turn:
            last = turn[-1]
            pause = segment.start_seconds - last.end_seconds
            silent = pause >= _LONG_PAUSE_SECONDS and ends_sentence(last.text)
            if segment.speaker != last.speaker or silent:
                yield turn
                turn = []
        turn.append(segment)
    if turn:
        yield turn


def _pieces(segment: Segment) -> Iterator[Piece]:
    """The segment; in several pieces only when it is longer than a paragraph may be."""
    num_words = num_words_in(segment.text)
    rest = Piece(segment.start_seconds, segment.end_seconds, segment.text, num_words)
    while rest.num_words > MOST_WORDS:
        head = " ".join(rest.text.split(" ", MOST_WORDS)[:MOST_WORDS])
        head = head[: 2 * MOST_WORDS] if len(head) == len(rest.text) else head
        ends = inner_sentence_ends(head)
        first, rest = _split(rest, ends[-1] if ends else len(head))
        yield first
    yield rest


def _split(piece: Piece, offset: int) -> tuple[Piece, Piece]:
    head, tail = piece.text[:offset].rstrip(" "), piece.text[offset:].lstrip(" ")
    share = (len(piece.text) - len(tail)) / len(piece.text)
    middle = piece.start_seconds + share * max(0.0, piece.end_seconds - piece.start_seconds)
    return (
        Piece(piece.start_seconds, middle, head, num_words_in(head)),
        Piece(middle, piece.end_seconds, tail, num_words_in(tail)),
    )


def _readable(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """The pieces in paragraphs that begin and end well."""
    part: list[Piece] = []
    num_words = 0
    for piece in pieces:
        if num_words + piece.num_words > MOST_WORDS:
            done, part = _cut(part)
            num_words = sum(left.num_words for left in part)
            yield done
            if part and num_words + piece.num_words > MOST_WORDS:
                yield part
                part, num_words = [], 0
        part.append(piece)
        num_words += piece.num_words
        if num_words >= _ENOUGH_WORDS and ends_sentence(piece.text):
            yield part
            part, num_words = [], 0
    if part:
        yield part


def _cut(part: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """A paragraph that grew too long without a good end, and what remains for the next one."""
    for number in range(len(part) - 1, -1, -1):
        ends = inner_sentence_ends(part[number].text)
        if ends:
            head, tail = _split(part[number], ends[-1])
            return [*part[:number], head], [tail, *part[number + 1 :]]
    return _cut_at_pause(part)


def _cut_at_pause(part: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    half = range(len(part) // 2, len(part) - 1)
    pauses = [(part[i + 1].start_seconds - part[i].end_seconds, i) for i in half]
    longest, number = max(pauses, default=(0.0, len(part) - 1))
    cut = number + 1 if longest > 0 else len(part)
    return part[:cut], part[cut:]
