"""How a channel stands: what is known, what is waited for until when, what was given up and why.

Read from the tables alone; for `impressions status` and for the assets' metadata.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from impressions_assets.storage.attempts import is_of_video, is_source
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import ROW_TYPES, SHARED, WHOLE_CHANNEL, Allowance, Attempt


class Waiting(Struct, frozen=True):
    """Videos that a stage tries again; `next_try` is when the first of them is due (ISO, UTC)."""

    stage: str
    num_videos: int
    next_try: str


class GivenUp(Struct, frozen=True):
    """Videos that failed for good in a stage, all for one reason."""

    stage: str
    reason: str
    video_ids: tuple[str, ...]


class Standing(Struct, frozen=True):
    """A channel at a glance."""

    videos: Mapping[str, int]
    """Videos by status: ok, private, deleted, live, blocked."""
    transcripts: Mapping[str, int]
    """Transcripts by origin: manual, automatic, translated, whisperx, text, none."""
    without_words: Mapping[str, int]
    """Videos without any words by the reason: disabled, none, language; '' when not told."""
    waiting: tuple[Waiting, ...]
    given_up: tuple[GivenUp, ...]
    unread: tuple[Attempt, ...]
    """Sources that could not be read at the last look, and why."""
    pauses: tuple[Attempt, ...]
    """What all of the channel waits for, stage by stage."""
    storage_bytes: int
    """Tables and files of this channel; raw captures are shared by all channels, and not in it."""
    last_change: str | None
    """When a row of `videos` changed last (ISO, UTC)."""


def standing_of(home: Home, channel: str) -> Standing:
    """Read how a channel stands."""
    open_failures = list(home.table("attempts").rows(channel))
    videos = home.table("videos").columns(channel, "video_id", "status")
    failures = [row for row in open_failures if is_of_video(row)]
    origins = home.table("transcripts").columns(channel, "origin", "reason")
    return Standing(
        videos=dict(Counter(status for _, status in videos).most_common()),
        transcripts=dict(Counter(origin for origin, _ in origins).most_common()),
        without_words=dict(Counter(why or "" for o, why in origins if o == "none").most_common()),
        waiting=tuple(_waiting([row for row in failures if row.next_try])),
        given_up=tuple(_given_up([row for row in failures if not row.next_try])),
        unread=tuple(row for row in open_failures if is_source(row)),
        pauses=tuple(row for row in open_failures if row.video_id == WHOLE_CHANNEL),
        storage_bytes=_storage_bytes(home, channel),
        last_change=_iso(home.table("videos").changed_at(channel)),
    )


def allowances(home: Home) -> list[Allowance]:
    """Return what was asked of each service on its last day, and what is left alone."""
    return list(home.table("allowances").rows(SHARED))


def _waiting(failures: list[Attempt]) -> list[Waiting]:
    stages = dict.fromkeys(row.stage for row in failures)
    return [
        Waiting(stage, len(times), min(times))
        for stage in stages
        if (times := [row.next_try for row in failures if row.stage == stage and row.next_try])
    ]


def _given_up(failures: list[Attempt]) -> list[GivenUp]:
    """Join failures that differ in nothing but the video they name; the most frequent first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in failures:
        name = rf"(?<![\w-]){re.escape(row.video_id)}(?![\w-])"
        reason = re.sub(name, "…", row.error)
        found.setdefault((row.stage, reason), []).append(row.video_id)
    most = sorted(found.items(), key=lambda item: -len(item[1]))
    return [GivenUp(stage, reason, tuple(sorted(ids))) for (stage, reason), ids in most]


def _storage_bytes(home: Home, channel: str) -> int:
    tables = sum(home.table(name).size_bytes(channel) for name in ROW_TYPES)
    versions = home.table("artifacts").rows(channel)
    files: dict[str, int] = {f.digest: f.size_bytes for row in versions for f in row.files}
    return tables + sum(files.values())


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
