"""Stretches of a talk: sentences as parts of segments, so that one can be cut out or cut at.

Captions break anywhere, so a sentence may begin inside one segment and end inside another. It ends
where its punctuation says so, where the speaker changes, and at a pause: most automatic captions
have no punctuation. A part begins at the second of its first word where words have times, else in
proportion to the segment's time until the next one begins.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from impressions_assets.rows import Dropped, Segment
from impressions_assets.sentence_ends import ends_sentence, inner_sentence_ends
from impressions_assets.transforms import Kept

_PAUSE_SECONDS = 1.5


class Stretch(NamedTuple):
    """`segments[number].text[begin:end]`."""

    number: int
    begin: int
    end: int


class Spoken(NamedTuple):
    """A sentence as it is judged."""

    text: str
    start_seconds: float
    speaker: str | None


Judge = Callable[[Sequence[Spoken]], Sequence[str]]
"""From a talk's sentences to the reason for which each is dropped, '' for those that stay."""


def sentences_in(segments: Sequence[Segment]) -> list[list[Stretch]]:
    """The talk's sentences in their order, each as the stretches it consists of."""
    found: list[list[Stretch]] = []
    ended = True
    last: Segment | None = None
    for number, segment in enumerate(segments):
        ended = ended or last is None or _apart(last, segment)
        for begin, end in itertools.pairwise(
            (0, *inner_sentence_ends(segment.text), len(segment.text))
        ):
            text = segment.text[begin:end].strip()
            if text:
                found += [[]] if ended else []
                found[-1].append(Stretch(number, begin, end))
                ended, last = ends_sentence(text), segment
    return found


def parts_of(segments: Sequence[Segment], stretches: Iterable[Stretch]) -> list[Segment]:
    """The stretches as segments; those that adjoin in one segment are one again."""
    return [_part(segments, stretch) for stretch in _joined(stretches)]


def text_of(segments: Sequence[Segment], stretches: Iterable[Stretch]) -> str:
    """What is said in the stretches."""
    return " ".join(
        segments[stretch.number].text[stretch.begin : stretch.end].strip()
        for stretch in _joined(stretches)
    )


def without(segments: Sequence[Segment], judge: Judge) -> Kept[Segment]:
    """The talk without the sentences for which there is a reason to go."""
    dropped: list[Dropped] = []
    while True:  # what an aside had kept apart may now be one sentence
        segments, gone = _judged(segments, judge)
        if not gone:
            return Kept(segments, sorted(dropped, key=lambda one: one.start_seconds or 0.0))
        dropped += gone


def _apart(last: Segment, segment: Segment) -> bool:
    paused = segment.start_seconds - last.end_seconds >= _PAUSE_SECONDS
    return paused or segment.speaker != last.speaker


def _judged(segments: Sequence[Segment], judge: Judge) -> Kept[Segment]:
    sentences = sentences_in(segments)
    spoken = [
        Spoken(
            text_of(segments, sentence),
            _second_at(segments, sentence[0].number, sentence[0].begin),
            segments[sentence[0].number].speaker,
        )
        for sentence in sentences
    ]
    reasons = judge(spoken)
    dropped = [
        Dropped(reason, one.text, one.start_seconds)
        for one, reason in zip(spoken, reasons, strict=True)
        if reason
    ]
    if not dropped:
        return Kept(segments)
    stays = zip(sentences, reasons, strict=True)
    return Kept(
        parts_of(segments, [s for one, reason in stays if not reason for s in one]), dropped
    )


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    whole: Stretch | None = None
    for stretch in stretches:
        if whole and (whole.number, whole.end) == stretch[:2]:
            whole = whole._replace(end=stretch.end)
        else:
            if whole:
                yield whole
            whole = stretch
    if whole:
        yield whole


def _part(segments: Sequence[Segment], stretch: Stretch) -> Segment:
    number, begin, end = stretch
    segment = segments[number]
    if begin == 0 and end == len(segment.text):
        return segment
    start = _second_at(segments, number, begin)
    is_last = end == len(segment.text)
    stop = segment.end_seconds if is_last else _second_at(segments, number, end)
    words = segment.words
    if len(words) == len(segment.text.split()):
        before = len(segment.text[:begin].split())
        words = words[before : before + len(segment.text[begin:end].split())]
    else:
        words = ()
    text = segment.text[begin:end].strip()
    return Segment(start, max(start, stop), text, segment.speaker, segment.confidence, words)


def _second_at(segments: Sequence[Segment], number: int, offset: int) -> float:
    segment = segments[number]
    start, stop = segment.start_seconds, segment.end_seconds
    if offset == 0:
        return start
    if number + 1 < len(segments):  # captions overlap, and what is said first begins first
        stop = min(stop, segments[number + 1].start_seconds)
    before = len(segment.text[:offset].split())
    if len(segment.words) == len(segment.text.split()) and before < len(segment.words):
        second = segment.words[before].start_seconds
    else:
        second = start + (stop - start) * offset / len(segment.text)
    return max(start, min(stop, round(second, 3)))
