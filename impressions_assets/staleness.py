"""Whose sources nobody looked at for too long: what fails the check `is_fresh`.

`videos` passes the check with each look at the sources, and only time makes it fail. So a sensor
starts a run that fails it, once until the next look; alerts tell of it as of any failed check.
Dagster's own checks of freshness know the age of a whole asset, not that of each channel. And a run
it must be: what is reported without one, Dagster 1.13 takes once for each check and partition, and
refuses ever after (idx_asset_check_executions_unique).
"""

import json
import time
from collections.abc import Iterator, Mapping

import dagster as dg

from impressions_assets.assets.videos import IS_FRESH
from impressions_assets.resources.impressions import Impressions
from impressions_assets.sensors import partitioned

_VIDEOS = dg.AssetKey("videos")


def stale_of(
    instance: dg.DagsterInstance, hours_of: Mapping[str, float], now: float
) -> dict[str, float]:
    """Say which channels were looked at too long ago, and after how many hours that is too long.

    Asks for the newest look at each channel, and once for what was the newest of all when a look
    just was recent enough: no event is read for each. A channel that was never looked at is not
    stale; its first run stands in the queue, or failed.

    Args:
        instance: whose event log tells when `videos` was materialized.
        hours_of: by channel, how old a look may be.
        now: Unix time in seconds.
    """
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(_VIDEOS, kind)
    too_old = {hours: _last_before(instance, now - hours * 3600) for hours in {*hours_of.values()}}
    return {
        name: hours
        for name, hours in hours_of.items()
        if name in newest and newest[name] <= too_old[hours]
    }


def _last_before(instance: dg.DagsterInstance, timestamp: float) -> int:
    wanted = dg.AssetRecordsFilter(asset_key=_VIDEOS, before_timestamp=timestamp)
    found = instance.fetch_materializations(wanted, limit=1).records
    return found[0].storage_id if found else -1


class Stale(dg.Config):
    """The channels that became stale."""

    hours: dict[str, float]
    """By channel, how old the last look may be."""


@dg.op(out={})
def fail_is_fresh(config: Stale) -> Iterator[dg.AssetCheckEvaluation]:
    """Fail the check of each of these channels."""
    for name, hours in config.hours.items():
        yield dg.AssetCheckEvaluation(
            asset_key=_VIDEOS,
            check_name=IS_FRESH,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            partition=name,
            metadata={"no_look_for_hours": dg.MetadataValue.float(hours)},
        )


@dg.job(description="Fail the check is_fresh of channels; the sensor stale_channels starts it.")
def mark_stale() -> None:
    """Say in the UI, and to whom alerts go, which channels are stale."""
    fail_is_fresh()


@dg.sensor(
    job=mark_stale,
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Fails the check is_fresh of channels whose sources nobody looked at for too long.",
)
def stale_channels(
    context: dg.SensorEvaluationContext, impressions: Impressions
) -> dg.SensorResult:
    """Start a run for the channels that became stale since the last tick."""
    known = set(json.loads(context.cursor or "[]"))
    channels = partitioned(context.instance, impressions)
    hours_of = {name: channel.stale_after_hours for name, channel in channels.items()}
    found = stale_of(context.instance, hours_of, time.time())
    new = {name: hours for name, hours in sorted(found.items()) if name not in known}
    config = dg.RunConfig({fail_is_fresh.name: Stale(hours=new)})
    requests = [dg.RunRequest(run_config=config)] if new else []
    told = None if new else f"{len(found)} of {len(channels)} channels are stale"
    return dg.SensorResult(requests, told, cursor=json.dumps(sorted(found)))
