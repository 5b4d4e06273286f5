"""What is valid, what is due: the anti-join that makes every stage incremental.

A stage wants one row for each video that all the tables it reads have. Each wanted row has an
input digest: the hash of the upstream rows' output digests, the settings that matter to the stage,
and the stage's version. Work to do = wanted − valid. A batch is one commit, so a crash loses at
most the batch in flight and a rerun does only what is missing. Failures are kept in `attempts`,
never in a digest.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from impressions_assets.errors import ImpressionsError
from impressions_assets.home import Attempt, Home, attempt_key
from impressions_assets.rows import Failed, Video
from impressions_assets.tables import WINDOW, Digests, Entry, digest_of, key_of

BATCH_SECONDS = 30.0
_NONE = Digests("", "")
_FIRST_DELAY = timedelta(minutes=5)
_LONGEST_DELAY = timedelta(days=1)

Inputs = tuple[Any, ...]
Work = Callable[[Iterator[Inputs]], Iterator[Any]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Stage:
    """A table that is made from others, video by video.

    Raise `version` when the same input must give a different row from now on.
    """

    table: str
    version: int
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a refresh did, and how the table stands."""

    num_videos: int
    num_computed: int
    num_removed: int
    failed: tuple[Attempt, ...]
    data_version: str


@dataclass(frozen=True)
class Plan:
    """What a refresh would do."""

    due: dict[str, str]  # key → input digest
    gone: frozenset[str]  # rows whose video is no longer wanted
    waiting: frozenset[str]  # failed before, and not to be tried yet
    obsolete: frozenset[str]  # failures of videos that are valid by now, or no longer wanted


def each(function: Callable[..., Any]) -> Work:
    """Make the work of a stage out of a function from one video's rows to its row."""

    def work(inputs: Iterator[Inputs]) -> Iterator[Any]:
        for rows in inputs:
            try:
                yield function(*rows)
            except ImpressionsError as error:
                yield Failed(video_id=rows[0].video_id, error=str(error), retry=error.retry)

    return work


def plan(home: Home, stage: Stage, channel: str, settings: object, now: datetime) -> Plan:
    """Say what is due in a stage, reading only digests."""
    wanted = _wanted(home, stage, channel, settings)
    have = home.table(stage.table).digests(channel)
    missing = {k: d for k, d in wanted.items() if k not in have or have[k].input != d}
    failed = attempts(home, channel, stage.table)
    waiting = frozenset(
        key for key, made_from in missing.items() if _must_wait(failed.get(key), made_from, now)
    )
    return Plan(
        due={key: d for key, d in missing.items() if key not in waiting},
        gone=frozenset(have.keys() - wanted.keys()),
        waiting=waiting,
        obsolete=frozenset(failed.keys() - missing.keys()),
    )


def refresh(
    home: Home,
    stage: Stage,
    channel: str,
    work: Work,
    settings: object = None,
    *,
    now: datetime | None = None,
    progress: Progress = lambda done, due: None,
) -> Report:
    """Bring a stage's table up to date for one channel.

    Args:
        home: the storage root.
        stage: what to make, from what.
        channel: the partition.
        work: from the upstream rows of each due video, in the order of `stage.reads`, to its row,
            or to a Failed. It may read ahead.
        settings: plain values that matter to the stage; a change computes every row again.
        now: the time, for retries.
        progress: called with (done, due) after each commit.
    """
    now = now or datetime.now(UTC)
    todo = plan(home, stage, channel, settings, now)
    table = home.table(stage.table)
    outcomes = work(_inputs(home, stage, channel, sorted(todo.due)))
    done = 0
    for batch in _batches(outcomes):
        rows = [row for row in batch if not isinstance(row, Failed)]
        table.put(channel, [Entry(row, todo.due[key_of(row.video_id)]) for row in rows])
        failures = [row for row in batch if isinstance(row, Failed)]
        digests = {row.video_id: todo.due.get(key_of(row.video_id), "") for row in failures}
        settle(
            home, channel, stage.table, {key_of(r.video_id) for r in rows}, failures, digests, now
        )
        done += len(batch)
        progress(done, len(todo.due))
    table.remove(channel, todo.gone)
    _forget_attempts(home, channel, stage.table, todo.obsolete)
    table.tidy(channel)
    return report_of(home, stage.table, channel, done, len(todo.gone))


def reconcile(
    home: Home,
    channel: str,
    listing: Iterable[Video | Failed],
    *,
    complete: Callable[[], bool] = lambda: True,
    now: datetime | None = None,
) -> Report:
    """Make the `videos` of a channel what its sources list, touching only rows that changed.

    A video that a source could not read keeps the row it has. Videos that are no longer listed
    are removed only when the listing was `complete`: a failed read is never an empty list. A file
    of many records that could not be read stands for all of them: their ids begin with its own.
    """
    now = now or datetime.now(UTC)
    table = home.table("videos")
    have = table.digests(channel)
    seen: set[str] = set()
    failures: list[Failed] = []
    written = 0
    for batch in _batches(iter(listing)):
        failures += [item for item in batch if isinstance(item, Failed)]
        entries = [Entry(item, digest_of(item)) for item in batch if isinstance(item, Video)]
        changed = [
            entry
            for entry in entries
            if have.get(key_of(entry.row.video_id), _NONE).output != entry.input_digest
        ]
        table.put(channel, changed)
        written += len(changed)
        seen |= {key_of(item.video_id) for item in batch}
    gone = have.keys() - seen if complete() else set()
    if gone and failures:
        gone -= _records_of(failures, home, channel)
    table.remove(channel, gone)
    known = attempts(home, channel, "videos").keys()
    settle(home, channel, "videos", known if complete() else known & seen, failures, {}, now)
    table.tidy(channel)
    return report_of(home, "videos", channel, written, len(gone))


def attempts(home: Home, channel: str, stage: str) -> dict[str, Attempt]:
    """Return the open failures of a stage by the video's key."""
    rows = home.table("attempts").rows(channel)
    return {key_of(row.video_id): row for row in rows if row.stage == stage}


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
    _forget_attempts(home, channel, stage, over)
    rows = [
        _attempt_of(f, stage, known.get(key_of(f.video_id)), digests.get(f.video_id, ""), now)
        for f in failures
    ]
    news = [row for row in rows if not _is_known(row, known.get(key_of(row.video_id)))]
    home.table("attempts").put(channel, [Entry(row, row.made_from) for row in news])


def report_of(home: Home, name: str, channel: str, computed: int, removed: int) -> Report:
    """Say how a table stands."""
    table = home.table(name)
    return Report(
        num_videos=table.count(channel),
        num_computed=computed,
        num_removed=removed,
        failed=tuple(attempts(home, channel, name).values()),
        data_version=table.data_version(channel),
    )


def _records_of(failures: Sequence[Failed], home: Home, channel: str) -> set[str]:
    """Return the keys of the videos that came out of files which now cannot be read."""
    files = tuple(f"{failure.video_id}-" for failure in failures)
    ids = (video_id for (video_id,) in home.table("videos").columns(channel, "video_id"))
    return {key_of(video_id) for video_id in ids if video_id.startswith(files)}


def _wanted(home: Home, stage: Stage, channel: str, settings: object) -> dict[str, str]:
    upstream = [home.table(name).digests(channel) for name in stage.reads]
    keys = set(upstream[0]).intersection(*upstream[1:])
    return {
        key: digest_of(stage.table, stage.version, settings, [d[key].output for d in upstream])
        for key in sorted(keys)
    }


def _inputs(home: Home, stage: Stage, channel: str, keys: list[str]) -> Iterator[Inputs]:
    """Join the upstream tables on their keys; each is read once, in order."""
    if not keys:
        return
    streams = [home.table(name).items(channel, keys) for name in stage.reads]
    heads: list[tuple[str, Any] | None] = [next(stream, None) for stream in streams]
    while all(heads):
        last = max(head[0] for head in heads if head)
        if all(head and head[0] == last for head in heads):
            yield tuple(head[1] for head in heads if head)
            heads = [next(stream, None) for stream in streams]
        else:  # a row vanished under us: skip to the next key that all of them have
            heads = [
                head if head and head[0] == last else next(stream, None)
                for head, stream in zip(heads, streams, strict=True)
            ]


def _batches(outcomes: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    started = time.monotonic()
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) >= WINDOW or time.monotonic() - started > BATCH_SECONDS:
            yield batch
            batch = []
            started = time.monotonic()
    if batch:
        yield batch


def _must_wait(attempt: Attempt | None, made_from: str, now: datetime) -> bool:
    if attempt is None or attempt.made_from != made_from:
        return False
    return attempt.next_try is None or datetime.fromisoformat(attempt.next_try) > now


def _attempt_of(
    failure: Failed, stage: str, before: Attempt | None, made_from: str, now: datetime
) -> Attempt:
    count = 1 + (before.count if before else 0)
    delay = min(_FIRST_DELAY * 2 ** min(count - 1, 20), _LONGEST_DELAY)
    return Attempt(
        video_id=failure.video_id,
        stage=stage,
        status="retry" if failure.retry else "permanent",
        error=failure.error,
        count=count,
        next_try=(now + delay).isoformat(timespec="seconds") if failure.retry else None,
        made_from=made_from,
    )


def _is_known(attempt: Attempt, before: Attempt | None) -> bool:
    """Say whether nothing new can be told of a permanent failure: not worth a commit."""
    return (
        before is not None
        and attempt.status == before.status == "permanent"
        and (attempt.error, attempt.made_from) == (before.error, before.made_from)
    )


def _forget_attempts(home: Home, channel: str, stage: str, keys: Iterable[str]) -> None:
    home.table("attempts").remove(channel, [attempt_key(key, stage) for key in keys])
