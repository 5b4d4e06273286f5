"""What starts runs: new channels, due retries, grown datasets, the nightly sweep, dead processes.

Does not belong here: what a run does. Each sensor gathers, a small function decides.
"""

import json
from collections.abc import Iterator, Set
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg

from impressions_assets.assets.training import KIND
from impressions_assets.channels.channel import Channel
from impressions_assets.channels.cron import was_due
from impressions_assets.jobs import DATA_ASSETS, MODEL_ASSETS, lane, sweep_config
from impressions_assets.partitions import CHANNEL_DIMENSION, channel_partitions
from impressions_assets.resources.impressions import Impressions
from impressions_assets.runs import fail_dead_runs
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import WHOLE_CHANNEL

_RUNNING = dg.DefaultSensorStatus.RUNNING


class PartitionChanges(NamedTuple):
    """What a look at channels.yaml asks for."""

    add: list[str]
    first_runs: list[str]


def partition_changes(wanted: Set[str], existing: Set[str], started: Set[str]) -> PartitionChanges:
    """Say which partitions to add, and which channels never had a run.

    A channel that left the file keeps its partition: deleting one keeps its events, and adding it
    again would count as materialized. Retired channels are simply not wanted.
    """
    return PartitionChanges(sorted(wanted - existing), sorted(wanted - started))


@dg.sensor(
    job_name="channel_data",
    minimum_interval_seconds=10,
    default_status=_RUNNING,
    description="Turns the channels of channels.yaml into partitions and starts each new one.",
)
def new_channels(context: dg.SensorEvaluationContext, impressions: Impressions) -> dg.SensorResult:
    """Add partitions for new channels, and request the first run of each."""
    started = set(filter(None, (context.cursor or "").split(",")))
    existing = set(context.instance.get_dynamic_partitions(CHANNEL_DIMENSION))
    wanted = set(impressions.channels().channels)
    changes = partition_changes(wanted, existing, started)
    requests = [
        dg.RunRequest(run_key=f"first:{name}", partition_key=name, tags=lane(name, "data"))
        for name in changes.first_runs
    ]
    additions = [channel_partitions.build_add_request(changes.add)] if changes.add else []
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=additions,
        cursor=",".join(sorted(started | wanted)),
    )


@dg.sensor(
    job_name="channel_data",
    minimum_interval_seconds=60,
    default_status=_RUNNING,
    description="Starts a channel again when the retry of one of its videos is due.",
)
def due_retries(
    context: dg.SensorEvaluationContext, impressions: Impressions
) -> Iterator[dg.RunRequest]:
    """Request a run for each channel with a retry that is due, and hourly while it stays due."""
    now = datetime.now(UTC)
    first = first_due_retries(impressions.home)
    for name in partitioned(context.instance, impressions):
        due = first.get(name)
        if due and datetime.fromisoformat(due) <= now:
            run_key = f"retry:{name}:{due}:{now:%Y-%m-%dT%H}"
            yield dg.RunRequest(run_key=run_key, partition_key=name, tags=lane(name, "data"))


def first_due_retry(home: Home, channel: str) -> str | None:
    """Return the time of the earliest retry of a channel, or None."""
    return first_due_retries(home).get(channel)


def first_due_retries(home: Home) -> dict[str, str]:
    """Return the time of the earliest retry of each channel that waits for one.

    None is due in a stage that waits as a whole: a run would only be told so, each hour anew.
    """
    found = home.table("attempts").columns_of_all("video_id", "stage", "next_try")
    paused = {(channel, stage): time for channel, v, stage, time in found if v == WHOLE_CHANNEL}
    first: dict[str, str] = {}
    for channel, _, stage, time in found:
        if time:
            due = max(time, paused.get((channel, stage)) or time)
            first[channel] = min(due, first.get(channel, due))
    return first


@dg.sensor(
    job_name="channel_model",
    minimum_interval_seconds=60,
    default_status=_RUNNING,
    description="Trains a channel when its `retrain` in channels.yaml says so, and only then.",
)
def due_trainings(
    context: dg.SensorEvaluationContext, impressions: Impressions
) -> Iterator[dg.RunRequest]:
    """Request a training of each channel that has grown enough, or whose scheduled time came."""
    now = datetime.now(UTC)
    last = datetime.fromisoformat(context.cursor) if context.cursor else now
    growths = growths_of_all(impressions.home)
    for name, channel in partitioned(context.instance, impressions).items():
        if (growth := growths.get(name)) is None:
            continue
        schedule = channel.retrain.schedule
        if schedule and was_due(schedule, last, now):
            yield _training(name, f"scheduled:{name}:{now:%Y-%m-%dT%H:%M}")
        elif has_grown(channel, growth):
            yield _training(name, f"grown:{name}:{growth.version}")
    context.update_cursor(now.isoformat())


def _training(channel: str, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=run_key, partition_key=channel, tags=lane(channel, "model"))


class Growth(NamedTuple):
    """The current shards of a channel, and what its newest model has learned from."""

    version: int
    num_tokens: int
    trained_tokens: int | None


def growths_of_all(home: Home) -> dict[str, Growth]:
    """Look at all channels that have shards, in one read: a read each took 40 s of a thousand."""
    shards: dict[str, tuple[int, str]] = {}
    trained: dict[str, tuple[int, str]] = {}
    columns = ("kind", "version", "current", "facts")
    for channel, kind, version, current, facts in home.table("artifacts").columns_of_all(*columns):
        if kind == "token_shards" and current:
            shards[channel] = (version, facts)
        elif kind == KIND:
            trained[channel] = max(trained.get(channel, (0, "")), (version, facts))
    return {
        channel: Growth(
            version,
            _train_tokens(facts),
            _train_tokens(trained[channel][1]) if channel in trained else None,
        )
        for channel, (version, facts) in shards.items()
    }


def _train_tokens(facts: str) -> int:
    return int(json.loads(facts)["train_tokens"])


def has_grown(channel: Channel, growth: Growth) -> bool:
    """Say whether a channel has grown, since its last training, by what it sets."""
    percent = channel.retrain.after_new_tokens_percent
    if percent is None or growth.trained_tokens is None:
        return False
    return growth.num_tokens >= growth.trained_tokens * (1 + percent / 100)


@dg.schedule(
    cron_schedule="17 3 * * *",
    job_name="channel_data",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks at every channel once a night, whatever the sensors noticed.",
)
def nightly_sweep(
    context: dg.ScheduleEvaluationContext, impressions: Impressions
) -> Iterator[dg.RunRequest]:
    """Request a data run of each channel."""
    for name in partitioned(context.instance, impressions):
        tags = lane(name, "data")
        yield dg.RunRequest(partition_key=name, tags=tags, run_config=sweep_config())


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=_RUNNING,
    description="Ends runs whose process on this machine is gone, and frees their pool slots.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Report dead runs as failed."""
    failed = fail_dead_runs(context.instance)
    return dg.SkipReason(f"failed: {', '.join(failed)}" if failed else "no dead runs")


def partitioned(instance: dg.DagsterInstance, impressions: Impressions) -> dict[str, Channel]:
    """Return the file's channels that are partitions, by name.

    A request for one that is not yet would fail the tick, and everybody's requests with it.
    """
    existing = set(instance.get_dynamic_partitions(CHANNEL_DIMENSION))
    declared = impressions.channels().channels
    return {name: declared[name] for name in sorted(existing & declared.keys())}


automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.assets(*DATA_ASSETS, *MODEL_ASSETS),
    default_status=_RUNNING,
    minimum_interval_seconds=30,
    # With backfills, a tick that finds two channels changed makes one of both: Dagster 1.13 then
    # fails it ("Unable to determine root partitions"), and both updates are lost.
    emit_backfills=False,
    description="Refreshes assets whose inputs changed in content; training is never among them.",
)

SENSORS = [new_channels, due_retries, due_trainings, dead_runs, automation]
SCHEDULES = [nightly_sweep]
