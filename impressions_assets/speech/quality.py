"""How much captions are worth: whether they have stops, say things once, and last to the end.

Each part is a share, and captions are as good as their worst part: half a talk with perfect
punctuation is half a talk. Measured on tracks of real channels: what people wrote has a stop every
7 to 25 words, what a machine wrote has one in a thousand or none.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from impressions_assets.rows import Segment, Transcript
from impressions_assets.sentence_ends import ends_sentence, inner_sentence_ends

_WORDS_A_STOP = 40  # and fewer: written by somebody who wrote stops
_PAUSE_SECONDS = 20.0  # that counts as covered: who thinks, draws or drinks


class Quality(NamedTuple):
    """Shares from 0 (bad) to 1."""

    punctuation: float
    """Of the stops that a sentence every 40 words would need."""
    originality: float
    """Of the segments that do not say what the one before them said."""
    coverage: float
    """Of the video's length that segments reach, pauses of 20 seconds included."""

    @property
    def worst(self) -> float:
        """What the captions are worth as a whole."""
        return min(self)

    def __str__(self) -> str:
        """Name the worst part."""
        return {
            self.punctuation: f"{self.punctuation:.0%} of the stops that sentences need",
            self.originality: f"{1 - self.originality:.0%} repeated",
            self.coverage: f"{self.coverage:.0%} of the video covered",
        }[self.worst]


def quality_of(transcript: Transcript, duration_seconds: float | None) -> Quality:
    """Estimate what a transcript is worth; without a length, all of it counts as covered."""
    segments = transcript.segments
    num_words = sum(len(segment.text.split()) for segment in segments)
    num_stops = sum(_num_stops(segment.text) for segment in segments)
    return Quality(
        punctuation=_share(num_stops * _WORDS_A_STOP, num_words),
        originality=_share(sum(_is_new(segments)), len(segments)),
        coverage=_share(sum(_covered(segments)), duration_seconds) if duration_seconds else 1.0,
    )


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole else 0.0


def _num_stops(text: str) -> int:
    return len(inner_sentence_ends(text)) + ends_sentence(text)


def _is_new(segments: Sequence[Segment]) -> Iterator[bool]:
    before = ""
    for segment in segments:
        said = segment.text.casefold()
        yield said != before
        before = said


def _covered(segments: Sequence[Segment]) -> Iterator[float]:
    """Seconds that each segment adds, with the pause before it where that is none too long."""
    end = 0.0
    for segment in segments:
        start = end if segment.start_seconds - end <= _PAUSE_SECONDS else segment.start_seconds
        yield max(0.0, segment.end_seconds - start)
        end = max(end, segment.end_seconds)
