"""Who is who: labels of a diarization become names, by how long each one talks.

A diarization tells voices apart within one video, and numbers them anew in each. In a channel's
videos the one who talks longest is nearly always the same person, so names can be given once for
all of them, the main speaker's first.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from impressions_assets.rows import Segment


def with_names(segments: Sequence[Segment], names: Sequence[str] = ()) -> list[Segment]:
    """Give each speaker a name, or `Speaker 2`; a lone one without a name stays unnamed."""
    named = _names_of(by_talking_time(segments), names)
    return [replace(one, speaker=named.get(one.speaker or "")) for one in segments]


def by_talking_time(segments: Sequence[Segment]) -> list[str]:
    """The speakers' labels, the main speaker's first; of equals, who comes first."""
    seconds: Counter[str] = Counter()
    for segment in segments:
        if segment.speaker:
            seconds[segment.speaker] += segment.end_seconds - segment.start_seconds  # type: ignore[assignment]
    return [label for label, _ in seconds.most_common()]


def _names_of(labels: Sequence[str], names: Sequence[str]) -> dict[str, str | None]:
    if len(labels) == 1 and not names:
        return {}
    numbered = [f"Speaker {number}" for number in range(1, len(labels) + 1)]
    return dict(zip(labels, [*names, *numbered[len(names) :]], strict=False))
