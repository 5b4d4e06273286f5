"""Sentences of a talk with the second at which each begins.

Captions break anywhere, so pieces of them are joined until a sentence ends. Where captions have no
punctuation, a sentence is what lies between two pauses, or about a dozen words.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import ends_sentence, inner_sentence_ends
from impressions_assets.text.paragraphs import num_words_in

_PAUSE_SECONDS = 1.0
_WORDS_WITHOUT_PUNCTUATION = 12
_MOST_WORDS = 150
_FEWEST_ENDS_PER_WORD = 1 / 60


class Sentence(NamedTuple):
    """What was said from one sentence end to the next, by one speaker."""

    start_seconds: float
    end_seconds: float
    text: str


def sentences_of(segments: Sequence[Segment]) -> list[Sentence]:
    """The talk's sentences in order of time."""
    pieces = [piece for segment in segments for piece in _pieces(segment)]
    num_words = sum(num_words_in(piece.text) for piece in pieces)
    num_ends = sum(ends_sentence(piece.text) for piece in pieces)
    punctuated = num_ends >= num_words * _FEWEST_ENDS_PER_WORD
    return list(_joined(pieces, _MOST_WORDS if punctuated else _WORDS_WITHOUT_PUNCTUATION))


def _pieces(segment: Segment) -> Iterator[Sentence]:
    """The segment, cut where a sentence ends inside it, times in proportion."""
    text, start = segment.text, segment.start_seconds
    length = max(0.0, segment.end_seconds - start)
    bounds = [0, *inner_sentence_ends(text), len(text)]
    for begin, end in itertools.pairwise(bounds):
        if piece := text[begin:end].strip():
            first, last = (start + length * offset / len(text) for offset in (begin, end))
            yield Sentence(first, last, piece)


def _joined(pieces: Sequence[Sentence], most_words: int) -> Iterator[Sentence]:
    part: list[Sentence] = []
    num_words = 0
    for number, piece in enumerate(pieces):
        part.append(piece)
        num_words += num_words_in(piece.text)
        after = pieces[number + 1].start_seconds if number + 1 < len(pieces) else None
        paused = (
            most_words < _MOST_WORDS
            and after is not None
            and after - piece.end_seconds >= _PAUSE_SECONDS
        )
        if after is None or paused or num_words >= most_words or ends_sentence(piece.text):
            text = " ".join(one.text for one in part)
            yield Sentence(part[0].start_seconds, max(one.end_seconds for one in part), text)
            part, num_words = [], 0
