"""What a person corrected in a transcript, applied to it whenever it is made anew.

A segment is known by its text and by how often that text came before. Where better captions say
something else, the correction fits nothing any more; it is kept with that reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from impressions_assets.rows import (
    CorrectedSegment,
    Correction,
    Dropped,
    Segment,
    Transcript,
)

REMOVED = "removed by hand"
UNFIT = "correction fits no segment"

Place = tuple[str, int]


def places_of(segments: Iterable[Segment]) -> Iterator[tuple[Place, Segment]]:
    """Yield each segment with the text it was found with and how often that came before."""
    seen: Counter[str] = Counter()
    for segment in segments:
        found = segment.text if segment.found is None else segment.found
        yield (found, seen[found]), segment
        seen[found] += 1


def corrected_transcript(transcript: Transcript, correction: Correction) -> Transcript:
    """The transcript with the changes that fit; what they remove is kept with the reason."""
    changes = {(change.found, change.occurrence): change for change in correction.segments}
    kept: list[Segment] = []
    dropped = list(transcript.dropped)
    for place, segment in places_of(transcript.segments):
        change = changes.pop(place, None)
        if change is None:
            kept.append(segment)
        elif change.text:
            kept.append(_changed(segment, change))
        else:
            dropped.append(Dropped(REMOVED, segment.text, segment.start_seconds))
    dropped += [Dropped(UNFIT, left.text, left.start_seconds) for left in changes.values()]
    kept.sort(key=lambda segment: segment.start_seconds)
    return replace(transcript, segments=tuple(kept), dropped=tuple(dropped))


def _changed(segment: Segment, change: CorrectedSegment) -> Segment:
    """The segment as the person wants it; times of words that were changed fit no more."""
    same_words = (change.text, change.start_seconds, change.end_seconds) == (
        segment.text, segment.start_seconds, segment.end_seconds,
    )  # fmt: skip
    return Segment(
        start_seconds=change.start_seconds,
        end_seconds=change.end_seconds,
        text=change.text,
        speaker=change.speaker,
        confidence=segment.confidence if same_words else None,
        words=segment.words if same_words else (),
        found=segment.text,
    )
