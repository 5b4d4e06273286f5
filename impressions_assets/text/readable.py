"""Speech as a reader wants it: no leftovers of captions, and sentences that begin and end.

Real tracks of people hold parts that a recognizer wrote: minutes without a stop among punctuated
talk. Such a run is restored for itself. What people wrote in sentences is left alone, but for one
that goes on behind a quotation ("I am the queen!" or "the king"): no paragraph may cut it there.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from impressions_assets.rows import Segment
from impressions_assets.sentence_ends import ends_sentence
from impressions_assets.text.casing import opens_small, with_capital
from impressions_assets.text.paragraphs import num_words_in
from impressions_assets.text.restoring import restored

_SOUND = re.compile(
    r"(?:MUSIC|APPLAUSE|LAUGHTER)(?: PLAYING)?[. ]*"
    r"|[-–—*~]+ ?(?i:music|applause|laughter)(?i: playing)? ?[-–—*~]+"
)
_FROM_SILENCE = re.compile(r"(?:^|(?<=[.!?]) )you$")
_WORDS_OF_A_RUN = 80
_PLAIN_END = re.compile(r"[^\W\d][.?]$")
_LONGEST_JOINED = 500  # characters: a sentence, not a track whose every caption begins small


def readable(segments: Sequence[Segment], about: str, language: str) -> list[Segment]:
    """Cleaned speech for an article; `about` tells how names are written."""
    spoken = restored(_without_leftovers(segments), about, language)
    runs = [part for run in _runs(spoken) for part in _restored_run(run, about, language)]
    return list(_unbroken(runs))


def _without_leftovers(segments: Sequence[Segment]) -> list[Segment]:
    """Without sounds that no bracket marks, and the "you" that Whisper hears in closing silence."""
    kept = [segment for segment in segments if not _SOUND.fullmatch(segment.text)]
    before = kept[-2].text if len(kept) > 1 else "."
    if not kept or not ends_sentence(before) or not _FROM_SILENCE.search(kept[-1].text):
        return kept
    text = _FROM_SILENCE.sub("", kept[-1].text)
    return [*kept[:-1], *([replace(kept[-1], text=text, words=())] if text else [])]


def _runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The segments from one end of a sentence to the next, by one speaker."""
    for _, turn in groupby(segments, key=lambda segment: segment.speaker):
        run: list[Segment] = []
        for segment in turn:
            run.append(segment)
            if ends_sentence(segment.text):
                yield run
                run = []
        if run:
            yield run


def _restored_run(run: list[Segment], about: str, language: str) -> list[Segment]:
    is_long = sum(num_words_in(segment.text) for segment in run) >= _WORDS_OF_A_RUN
    return restored(run, about, language) if is_long else run


def _unbroken(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Each sentence begins with a capital, or stays in one segment with what it goes on from."""
    last: Segment | None = None
    for segment in segments:
        if last is None or not _goes_on(last, segment):
            yield from [last] if last else []
            last = segment
        elif _stands_alone(last.text, segment.text):
            yield last
            last = replace(segment, text=with_capital(segment.text))
        else:
            text = f"{last.text} {segment.text}"
            last = replace(last, text=text, end_seconds=segment.end_seconds, words=())
    yield from [last] if last else []


def _goes_on(last: Segment, segment: Segment) -> bool:
    same = last.speaker == segment.speaker
    small = opens_small(segment.text.lstrip(".… "))
    return same and small and ends_sentence(last.text)


def _stands_alone(last: str, text: str) -> bool:
    """Whether the text is a sentence of its own that lacks but its capital."""
    is_plain = text[0] not in ".…" and _PLAIN_END.search(last[-2:]) is not None
    return is_plain or len(last) > _LONGEST_JOINED
