"""Segmentation: chapters for a video that lists none, from what is said in it.

They begin where a sentence does, as long as people's chapters mostly are, with titles made of the
talk's own words. Their origin `segmented` says that nobody wrote them.
"""

import itertools
import math
from collections.abc import Sequence

from impressions_assets.rows import Chapter, Transcript
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.cohesion import most_cohesive
from impressions_assets.text.key_phrases import titles_of
from impressions_assets.text.sentences import Sentence, sentences_of

_FEWEST_SENTENCES = 20
_TYPICAL_SECONDS = 100.0  # in a video of 10 minutes
_TEN_MINUTES = 600.0


def segmented(
    transcript: Transcript,
    duration_seconds: float | None = None,
    *,
    min_duration_seconds: float = 300.0,
    typical_seconds: float | None = None,
) -> list[Chapter]:
    """Chapters from 0:00 to the end; none of a short talk, or of one that keeps to its words.

    Args:
        transcript: what was said; text without times has no chapters.
        duration_seconds: length of the video, when known.
        min_duration_seconds: shorter videos get none.
        typical_seconds: the length of a chapter to aim at; by the talk's length when None.
    """
    if not transcript.is_timed:
        return []
    segments = sorted(clean_transcript(transcript).segments, key=lambda s: s.start_seconds)
    limit = math.inf if duration_seconds is None else duration_seconds
    sentences = [one for one in sentences_of(segments) if one.start_seconds < limit]
    end = duration_seconds or max((one.end_seconds for one in sentences), default=0.0)
    if end < min_duration_seconds or len(sentences) < _FEWEST_SENTENCES:
        return []
    numbers = boundaries_of(sentences, typical_seconds)
    if not numbers:
        return []
    cuts = [0, *numbers, len(sentences)]
    spans = [sentences[a:b] for a, b in itertools.pairwise(cuts)]
    titles = titles_of([[one.text for one in span] for span in spans])
    starts = [0.0, *(sentences[number].start_seconds for number in numbers)]
    return [
        Chapter(start, title, stop, "segmented")
        for start, title, stop in zip(starts, titles, [*starts[1:], end], strict=True)
    ]


def boundaries_of(sentences: Sequence[Sentence], typical_seconds: float | None = None) -> list[int]:
    """The numbers of the sentences at which the talk turns to another topic, without the first."""
    if not sentences:
        return []
    end = max(one.end_seconds for one in sentences)
    times = [one.start_seconds for one in sentences]
    ends = [times[0], *(one.end_seconds for one in sentences[:-1])]
    pauses = [max(0.0, start - stop) for start, stop in zip(times, ends, strict=True)]
    typical = typical_seconds or _typical_seconds(end - times[0])
    found = most_cohesive([one.text for one in sentences], [*times, end], pauses, typical)
    # Sentences of one second cannot be told apart by time.
    return [number for number in found if times[number] > max(times[number - 1], 0.0) and number]


def _typical_seconds(duration_seconds: float) -> float:
    """Longer videos have more chapters and longer ones: 100 s in 10 minutes, 245 in an hour."""
    return max(1.0, _TYPICAL_SECONDS * math.sqrt(duration_seconds / _TEN_MINUTES))
