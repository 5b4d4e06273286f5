"""Answers of a length that a model can read: long ones as several rows, or cut short.

A row's span stays half open and within the span it came from. The first part of an answer begins
where its question was asked, every other at the second its own words are said.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import ceil
from typing import ClassVar

from pydantic import Field

from impressions_assets.rows import Dropped, Segment
from impressions_assets.text.paragraphs import num_words_in
from impressions_assets.text.stretches import Stretch, parts_of, sentences_in, text_of
from impressions_assets.transforms import Answered, Kept, OnPairs

Unit = Sequence[Stretch]


class SplitAnswers(OnPairs):
    """A long answer becomes rows of about the same length, each with the question."""

    name: ClassVar[str] = "split_answers"
    version: ClassVar[int] = 2
    max_words: int = Field(default=300, ge=1, description="words in an answer at most")

    def on_pairs(self, pairs: Sequence[Answered]) -> Kept[Answered]:
        """The pairs; those that were short enough as they were."""
        return Kept([part for pair in pairs for part in self._parts(pair)])

    def _parts(self, pair: Answered) -> list[Answered]:
        if num_words_in(pair.answer) <= self.max_words:
            return [pair]
        parts = [
            tuple(parts_of(pair.segments, chain.from_iterable(units)))
            for units in self._filled(pair)
        ]
        starts = [pair.start_seconds, *(part[0].start_seconds for part in parts[1:])]
        ends = [*starts[1:], pair.end_seconds]
        return [
            pair._replace(segments=part, start_seconds=start, end_seconds=end)
            for part, start, end in zip(parts, starts, ends, strict=True)
        ]

    def _filled(self, pair: Answered) -> Iterator[list[Unit]]:
        """The answer's units in parts; a part begins only where time has gone on."""
        units = [(unit, *_measured(pair.segments, unit)) for unit in self._units(pair.segments)]
        total = sum(num_words for _, num_words, _ in units)
        target = total / ceil(total / self.max_words)
        part: list[Unit] = []
        words, begun = 0, pair.start_seconds
        for unit, num_words, second in units:
            full = words + num_words > self.max_words or words + num_words / 2 > target
            if part and full and begun < second < pair.end_seconds:
                yield part
                part, words, begun = [], 0, second
            part.append(unit)
            words += num_words
        yield part

    def _units(self, segments: Sequence[Segment]) -> Iterator[Unit]:
        """Sentences; one that alone is too long (no punctuation) in the pieces captions made."""
        for sentence in sentences_in(segments):
            if num_words_in(text_of(segments, sentence)) <= self.max_words:
                yield sentence
                continue
            for stretch in sentence:
                yield from ([piece] for piece in self._pieces(segments, stretch))

    def _pieces(self, segments: Sequence[Segment], stretch: Stretch) -> Iterator[Stretch]:
        """A caption; cut behind words, their times in proportion, where it alone is too long."""
        begin, most = stretch.begin, self.max_words
        rest = segments[stretch.number].text[begin : stretch.end]
        while num_words_in(rest.strip()) > most:
            blank = len(rest) - len(rest.lstrip())
            words = rest.lstrip().split(" ", most)
            num_characters = len(" ".join(words[:most])) if len(words) > most else 2 * most
            end = begin + blank + num_characters
            yield stretch._replace(begin=begin, end=end)
            begin, rest = end, rest[blank + num_characters :]
        yield stretch._replace(begin=begin)


class LimitLength(OnPairs):
    """What goes beyond the limit is dropped, from the end of a sentence where one fits."""

    name: ClassVar[str] = "limit_length"
    max_characters: int = Field(default=4000, ge=1, description="characters in an answer at most")

    def on_pairs(self, pairs: Sequence[Answered]) -> Kept[Answered]:
        """The pairs, their spans ending where what was dropped begins."""
        cut = [self._cut(pair) for pair in pairs]
        return Kept([pair for pair, _ in cut], [gone for _, gone in cut if gone])

    def _cut(self, pair: Answered) -> tuple[Answered, Dropped | None]:
        if len(pair.answer) <= self.max_characters:
            return pair, None
        kept, rest = self._halves(pair.segments)
        text, second = " ".join(part.text for part in rest), rest[0].start_seconds
        moved = pair.start_seconds < second < pair.end_seconds
        end = second if moved else pair.end_seconds
        return pair._replace(segments=kept, end_seconds=end), Dropped("too long", text, second)

    def _halves(self, segments: Sequence[Segment]) -> tuple[list[Segment], list[Segment]]:
        units = sentences_in(segments)
        fit = _fitting([len(text_of(segments, unit)) for unit in units], self.max_characters)
        if not fit:  # not even one sentence: what captions made of it, then words
            units = [[stretch] for stretch in chain.from_iterable(units)]
            fit = _fitting([len(text_of(segments, unit)) for unit in units], self.max_characters)
        if not fit:
            units = [*([half] for half in self._torn(segments, units[0][0])), *units[1:]]
            fit = 1
        kept, rest = chain.from_iterable(units[:fit]), chain.from_iterable(units[fit:])
        return parts_of(segments, kept), parts_of(segments, rest)

    def _torn(self, segments: Sequence[Segment], stretch: Stretch) -> tuple[Stretch, Stretch]:
        """The stretch in two, behind the last word that fits; inside it when none does."""
        text = segments[stretch.number].text
        begin = stretch.begin + len(text[stretch.begin :]) - len(text[stretch.begin :].lstrip())
        end = begin + self.max_characters
        space = text.rfind(" ", begin, end + 1)
        middle = space + 1 if space > begin else end
        return stretch._replace(end=middle), stretch._replace(begin=middle)


def _measured(segments: Sequence[Segment], unit: Unit) -> tuple[int, float]:
    """A unit's words, and the second at which it begins."""
    return num_words_in(text_of(segments, unit)), parts_of(segments, unit)[0].start_seconds


def _fitting(lengths: Sequence[int], most: int) -> int:
    """How many texts, a space between them, fit into the limit."""
    total = -1
    for number, length in enumerate(lengths):
        total += length + 1
        if total > most:
            return number
    return len(lengths)
