"""Passages: documents cut into pieces that a search can give, each with the seconds it is said in.

A passage is some paragraphs of one document, as long as a person reads at a glance and a prompt
can hold several of: dialogue is joined until it says something, long written paragraphs are cut
where a sentence ends. A heading always begins one.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from impressions_assets.rows import Document
from impressions_assets.sentence_ends import inner_sentence_ends
from impressions_assets.text.paragraphs import MOST_WORDS, num_words_in

_ENOUGH_WORDS = 120
_FEW_WORDS = 30
_BLANK = re.compile(r"\n{2,}")


class Source(Struct, frozen=True):
    """A passage as it is shown, and as it goes into a prompt."""

    video_id: Annotated[str, Meta(description="the video")]
    title: Annotated[str, Meta(description="its title; the id when it has none")]
    link: Annotated[str, Meta(description="the video's page at that second, '' without a page")]
    start_seconds: Annotated[float | None, Meta(description="start; null where nobody spoke")]
    end_seconds: Annotated[float | None, Meta(description="end; null where the text ends")]
    text: Annotated[str, Meta(description="the passage")]
    score: Annotated[
        float,
        Meta(
            description="how well it matches, for this question alone: BM25; with an encoder,"
            " meaning and words together, at most 1"
        ),
    ]


class Passage(NamedTuple):
    """A piece of a document, and when it is said; None where nobody spoke."""

    text: str
    start_seconds: float | None
    end_seconds: float | None  # None as well where the document ends


def passages_of(document: Document) -> list[Passage]:
    """A document's passages in order; they hold all of its text but the blanks between them."""
    return [
        Passage(document.text[start:end], _second_at(document, start), _second_after(document, end))
        for start, end in _joined(document.text)
    ]


def _joined(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs joined until there are enough words; a few at the end join what is before them."""
    before: tuple[int, int] | None = None
    first, last, num_words = -1, -1, 0
    for start, end in _pieces(text):
        if first >= 0 and (num_words >= _ENOUGH_WORDS or text.startswith("#", start)):
            yield from [before] if before else []
            before, first, num_words = (first, last), -1, 0
        first, last = (start if first < 0 else first), end
        num_words += num_words_in(text[start:end])
    if before and num_words < _FEW_WORDS and not text.startswith("#", first):
        yield before[0], last
    elif first >= 0:
        yield from [before] if before else []
        yield first, last


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The paragraphs, long ones in pieces."""
    start = 0
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        if text[start:end].strip():
            yield from _readable(text, start, end)
        start = gap.end() if gap else end


def _readable(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A paragraph, cut at ends of sentences into pieces of at most so many words."""
    if num_words_in(text[start:end]) <= MOST_WORDS:
        yield start, end
        return
    bounds = [start, *(start + offset for offset in inner_sentence_ends(text[start:end])), end]
    first = start
    for begin, stop in itertools.pairwise(bounds):
        if begin > first and num_words_in(text[first:stop]) > MOST_WORDS:
            yield from _whole_words(text, first, begin)
            first = begin
    yield from _whole_words(text, first, end)


def _whole_words(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences; one that never ends is cut between words, or anywhere where there are none."""
    most = 8 * MOST_WORDS  # characters
    while end - start > most:
        space = text.rfind(" ", start + most // 2, start + most)
        cut = space + 1 if space >= 0 else start + most
        yield start, cut
        start = cut
    yield start, end


def _second_at(document: Document, start: int) -> float | None:
    """When the passage that begins there is said; a paragraph may open with its speaker's name."""
    offsets = document.anchor_offsets
    if not offsets:
        return None
    opens = start == 0 or document.text[start - 1] == "\n"
    number = bisect_left(offsets, start) if opens else bisect_right(offsets, start) - 1
    return document.anchor_seconds[max(0, min(number, len(offsets) - 1))]


def _second_after(document: Document, end: int) -> float | None:
    number = bisect_left(document.anchor_offsets, end)
    return document.anchor_seconds[number] if number < len(document.anchor_seconds) else None


def excerpt_of(text: str, holds: Callable[[str], float], most_words: int = 50) -> str:
    """The sentences in a row that hold most, of about so many words; `…` stands for the rest."""
    ends = [offset for offset in inner_sentence_ends(text) if offset < len(text)]
    best, found = (0, len(text)), -1.0
    for start in [0, *ends]:
        end = start
        for stop in [*ends, len(text)]:
            if stop > start and (end == start or num_words_in(text[start:stop]) <= most_words):
                end = stop
        if (held := holds(text[start:end])) > found:
            best, found = (start, end), held
    cut = text[best[0] : best[1]].strip()
    return f"{'… ' if best[0] else ''}{cut}{' …' if best[1] < len(text) else ''}"
