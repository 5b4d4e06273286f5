"""What is valid, what is due: the anti-join that makes every stage incremental.

A stage wants one row for each video that all the tables it reads have. Each wanted row has an
input digest: the hash of the upstream rows' output digests, the settings that matter to the stage,
and the stage's version. Work to do = wanted − valid. A batch is one commit, so a crash loses at
most the batch in flight and a rerun does only what is missing. Failures are kept in `attempts`,
never in a digest.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from impressions_assets.errors import ImpressionsError, SourcePaused
from impressions_assets.rows import Correction, Failed
from impressions_assets.storage.attempts import (
    attempts,
    forget,
    is_source,
    keep_pause,
    paused,
    settle,
)
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Attempt, correction_key
from impressions_assets.storage.tables import WINDOW, Entry

BATCH_SECONDS = 30.0
_NOTHING: Mapping[str, str] = MappingProxyType({})

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
    corrected: Callable[[Any, Correction], Any] | None = None
    """Applies what a person changed to the row as it was made."""


@dataclass(frozen=True)
class Report:
    """What a refresh did, and how the table stands."""

    num_videos: int
    num_computed: int
    num_removed: int
    failed: tuple[Attempt, ...]
    data_version: str
    paused: Attempt | None = None  # a source wants to be left alone; the rest is due then


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


def plan(
    home: Home,
    stage: Stage,
    channel: str,
    settings: object,
    now: datetime,
    access: str = "",
    beside: Mapping[str, str] = _NOTHING,
) -> Plan:
    """Say what is due in a stage, reading only digests."""
    wanted = _wanted(home, stage, channel, settings, beside)
    have = home.table(stage.table).digests(channel)
    missing = {k: d for k, d in wanted.items() if k not in have or have[k].input != d}
    failed = attempts(home, channel, stage.table)
    waiting = frozenset(
        key
        for key, digest in missing.items()
        if _must_wait(failed.get(key), _tried_with(digest, access), now)
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
    access: str = "",
    beside: Mapping[str, str] = _NOTHING,
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
        access: names how sources are reached; a change lifts failures, and computes no row again.
        beside: what rows are made from that no table has, by key; a change computes that row again.
        now: the time, for retries.
        progress: called with (done, due) after each commit.

    Raises:
        SourcePaused: a source wants to be left alone, and there is nothing at all yet. Where there
            is something, the report tells of the pause, and what follows goes on with it.
    """
    now = now or datetime.now(UTC)
    todo = plan(home, stage, channel, settings, now, access, beside)
    table = home.table(stage.table)
    outcomes = work(_inputs(home, stage, channel, sorted(todo.due)))
    corrected = _by_hand(home, stage, channel, todo.due)
    done = 0
    pause: SourcePaused | None = None
    try:
        for batch in batches(outcomes):
            rows = [corrected(row) for row in batch if not isinstance(row, Failed)]
            table.put(channel, [Entry(row, todo.due[key_of(row.video_id)]) for row in rows])
            failures = [row for row in batch if isinstance(row, Failed)]
            digests = {
                row.video_id: _tried_with(todo.due[key_of(row.video_id)], access)
                for row in failures
            }
            succeeded = {key_of(row.video_id) for row in rows}
            settle(home, channel, stage.table, succeeded, failures, digests, now)
            done += len(batch)
            progress(done, len(todo.due))
    except SourcePaused as raised:
        pause = raised
    table.remove(channel, todo.gone)
    forget(home, channel, stage.table, todo.obsolete)
    keep_pause(home, channel, stage.table, pause)
    table.tidy(channel)
    report = report_of(home, stage.table, channel, done, len(todo.gone))
    if pause and not report.num_videos:
        raise pause
    return report


def report_of(home: Home, name: str, channel: str, computed: int, removed: int) -> Report:
    """Say how a table stands."""
    table = home.table(name)
    return Report(
        num_videos=table.count(channel),
        num_computed=computed,
        num_removed=removed,
        failed=tuple(a for a in attempts(home, channel, name).values() if not is_source(a)),
        data_version=table.data_version(channel),
        paused=paused(home, channel, name),
    )


def _wanted(
    home: Home, stage: Stage, channel: str, settings: object, beside: Mapping[str, str]
) -> dict[str, str]:
    upstream = [home.table(name).digests(channel) for name in stage.reads]
    keys = set(upstream[0]).intersection(*upstream[1:])
    by_hand = _corrections(home, stage, channel)
    return {
        key: digest_of(
            stage.table,
            stage.version,
            settings,
            [d[key].output for d in upstream]
            + by_hand.get(key, [])
            + ([beside[key]] if key in beside else []),
        )
        for key in sorted(keys)
    }


def _corrections(home: Home, stage: Stage, channel: str) -> dict[str, list[str]]:
    """Return the digests of what people changed in the stage's rows, by the rows' keys."""
    if stage.corrected is None:
        return {}
    suffix = correction_key("", stage.table)
    known = home.table("corrections").digests(channel)
    return {
        key.removesuffix(suffix): [digests.output]
        for key, digests in known.items()
        if key.endswith(suffix)
    }


def _by_hand(home: Home, stage: Stage, channel: str, due: Iterable[str]) -> Callable[[Any], Any]:
    """Return what applies to a row that is due what people changed in it.

    It is read once a run: a change made since the plan makes the row due again.
    """
    apply = stage.corrected
    if apply is None:
        return lambda row: row
    keys = [correction_key(key, stage.table) for key in due]
    changes = {change.video_id: change for change in home.table("corrections").rows(channel, keys)}
    return lambda row: apply(row, changes[row.video_id]) if row.video_id in changes else row


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


def batches(outcomes: Iterator[Any]) -> Iterator[list[Any]]:
    """Cut into commits. When the work raises, what it gave before that is a last batch."""
    batch: list[Any] = []
    started = time.monotonic()
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) >= WINDOW or time.monotonic() - started > BATCH_SECONDS:
                yield batch
                batch = []
                started = time.monotonic()
    except ImpressionsError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _tried_with(input_digest: str, access: str) -> str:
    return digest_of(input_digest, access) if access else input_digest


def _must_wait(attempt: Attempt | None, made_from: str, now: datetime) -> bool:
    if attempt is None or attempt.made_from != made_from:
        return False
    return attempt.next_try is None or datetime.fromisoformat(attempt.next_try) > now
