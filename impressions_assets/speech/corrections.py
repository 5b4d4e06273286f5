"""What a person corrected in a transcript, applied to it whenever it is made anew.

A segment is known by its text and by how often that text came before. Where a correction drops or
moves one of several with the same text, the others keep what they were known by. Where better
captions say something else, the correction fits nothing any more; it is kept with that reason.
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
from impressions_assets.storage.digests import digest_of

REMOVED = "removed by hand"
UNFIT = "correction fits no segment"
ADDED = ""  # what was found of a segment that a person added

Place = tuple[str, int]


def places_of(segments: Iterable[Segment]) -> Iterator[tuple[Place, Segment]]:
    """Yield each segment with the text it was found with and how often that came before."""
    seen: Counter[str] = Counter()
    for segment in segments:
        found = segment.text if segment.found is None else segment.found
        count = seen[found] if segment.occurrence is None else segment.occurrence
        yield (found, count), segment
        seen[found] += 1


def added_place(text: str, start_seconds: float) -> Place:
    """Return the place of a segment that a person added: the same line always adds the same one."""
    return ADDED, int(digest_of("added", text, start_seconds)[:11], 16)


def corrected_transcript(transcript: Transcript, correction: Correction) -> Transcript:
    """The transcript with the changes that fit; what they remove is kept with the reason."""
    changes = {(change.found, change.occurrence): change for change in correction.segments}
    named = {change.found for change in correction.segments}
    kept: list[Segment] = []
    dropped = list(transcript.dropped)
    for place, segment in places_of(transcript.segments):
        change = changes.pop(place, None)
        if change is None:
            kept.append(_named(segment, place) if place[0] in named else segment)
        elif change.text:
            kept.append(_changed(segment, change))
        else:
            dropped.append(Dropped(REMOVED, segment.text, segment.start_seconds))
    left = [change for change in changes.values() if change.text]  # what was to go is not there
    kept += [_added(change) for change in left if change.found == ADDED]
    dropped += [Dropped(UNFIT, c.text, c.start_seconds) for c in left if c.found != ADDED]
    kept.sort(key=lambda segment: segment.start_seconds)
    made = replace(transcript, segments=tuple(kept), dropped=tuple(dropped))
    return replace(made, origin="manual", reason="") if kept and made.origin == "none" else made


def _named(segment: Segment, place: Place) -> Segment:
    return replace(segment, found=place[0], occurrence=place[1])


def _changed(segment: Segment, change: CorrectedSegment) -> Segment:
    """The segment as the person wants it; times of words that were changed fit no more."""
    same_words = (change.text, change.start_seconds, change.end_seconds) == (
        segment.text, segment.start_seconds, segment.end_seconds,
    )  # fmt: skip
    return replace(
        _added(change),
        confidence=segment.confidence if same_words else None,
        words=segment.words if same_words else (),
    )


def _added(change: CorrectedSegment) -> Segment:
    return Segment(
        start_seconds=change.start_seconds,
        end_seconds=change.end_seconds,
        text=change.text,
        speaker=change.speaker,
        found=change.found,
        occurrence=change.occurrence,
    )
