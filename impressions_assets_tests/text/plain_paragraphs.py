"""Paragraphs as a script would cut them: one segment after the other, each asked everything.

What `paragraphs_of` finds many at once must be what this finds; the bench measures against it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import ends_sentence, inner_sentence_ends
from impressions_assets.text.paragraphs import MOST_WORDS, num_words_in

_ENOUGH_WORDS = 60
_LONG_PAUSE_SECONDS = 3.0


class Piece(NamedTuple):
    """A segment, or the part of one that lies in this paragraph."""

    start_seconds: float
    end_seconds: float
    text: str
    num_words: int


def plain_paragraphs(segments: Sequence[Segment]) -> list[list[Piece]]:
    """Cleaned speech as paragraphs of at most `MOST_WORDS` words."""
    paragraphs: list[list[Piece]] = []
    for turn in _turns(segments):
        paragraphs += _readable([piece for segment in turn for piece in _pieces(segment)])
    return paragraphs


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
        if part and num_words + piece.num_words > MOST_WORDS:
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
