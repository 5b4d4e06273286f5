"""What failed, and when it is worth another try: the table `attempts`.

Failures are kept here and never in a digest. A failure of a video holds for the input it had: a
change of the input lifts even a permanent one. When a source wants to be left alone, all of a
channel waits, and no video is marked.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta

from impressions_assets.errors import SourcePaused
from impressions_assets.rows import SOURCE, Failed
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import WHOLE_CHANNEL, Attempt, attempt_key
from impressions_assets.storage.tables import Entry

_FIRST_DELAY = timedelta(minutes=5)
_LONGEST_DELAY = timedelta(days=1)


def attempts(home: Home, channel: str, stage: str) -> dict[str, Attempt]:
    """Return the open failures of a stage by the video's key."""
    rows = home.table("attempts").rows(channel)
    ours = (row for row in rows if row.stage == stage and row.video_id != WHOLE_CHANNEL)
    return {key_of(row.video_id): row for row in ours}


def is_source(attempt: Attempt) -> bool:
    """Whether a whole source could not be read, and not one video."""
    return attempt.video_id.startswith(SOURCE)


def is_of_video(attempt: Attempt) -> bool:
    """Whether one video failed, and neither a source nor the whole channel waits."""
    return attempt.video_id != WHOLE_CHANNEL and not is_source(attempt)


def settle(
    home: Home,
    channel: str,
    stage: str,
    done: Set[str],
    failures: Sequence[Failed],
    digests: Mapping[str, str],
    now: datetime,
) -> None:
    """Write new failures, and take back those of the keys that are done."""
    known = attempts(home, channel, stage)
    failed = {key_of(failure.video_id) for failure in failures}
    over = (done & known.keys()) - failed
    forget(home, channel, stage, over)
    rows = [
        _attempt_of(f, stage, known.get(key_of(f.video_id)), digests.get(f.video_id, ""), now)
        for f in failures
    ]
    news = [row for row in rows if not _is_known(row, known.get(key_of(row.video_id)))]
    home.table("attempts").put(channel, [Entry(row, row.made_from) for row in news])


def paused(home: Home, channel: str, stage: str) -> Attempt | None:
    """Return for what, and until when, all of a channel waits in a stage."""
    found: Attempt | None = home.table("attempts").get(channel, _pause_key(stage))
    return found


def keep_pause(home: Home, channel: str, stage: str, pause: SourcePaused | None) -> None:
    """Write down until when a channel waits, so that a sensor starts it then; or that it does not.

    A pause is never an attempt at a video: nothing is known of those that were not asked.
    """
    before = paused(home, channel, stage)
    if pause is None:
        if before:
            home.table("attempts").remove(channel, [_pause_key(stage)])
        return
    until = pause.until.astimezone(UTC).isoformat(timespec="seconds")
    after = Attempt(
        video_id=WHOLE_CHANNEL,
        stage=stage,
        status="retry",
        error=str(pause),
        count=1 + (before.count if before else 0),
        next_try=until,
        made_from="",
    )
    home.table("attempts").put(channel, [Entry(after)])


def _pause_key(stage: str) -> str:
    return attempt_key(key_of(WHOLE_CHANNEL), stage)


def _attempt_of(
    failure: Failed, stage: str, before: Attempt | None, made_from: str, now: datetime
) -> Attempt:
    count = 1 + (before.count if before else 0)
    delay = min(_FIRST_DELAY * 2 ** min(count - 1, 20), _LONGEST_DELAY)
    later = failure.not_before or (now + delay).isoformat(timespec="seconds")
    return Attempt(
        video_id=failure.video_id,
        stage=stage,
        status="retry" if failure.retry else "permanent",
        error=failure.error,
        count=count,
        next_try=later if failure.retry else None,
        made_from=made_from,
    )


def _is_known(attempt: Attempt, before: Attempt | None) -> bool:
    """Say whether nothing new can be told of a permanent failure: not worth a commit."""
    return (
        before is not None
        and attempt.status == before.status == "permanent"
        and (attempt.error, attempt.made_from) == (before.error, before.made_from)
    )


def forget(home: Home, channel: str, stage: str, keys: Iterable[str]) -> None:
    """Take back the failures of some keys."""
    home.table("attempts").remove(channel, [attempt_key(key, stage) for key in keys])
