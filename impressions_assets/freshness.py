"""The sensors that notice news at the sources, and start the channels that have some.

They cost nothing while nothing happens. What a run does about the news, and what a source knows of
it, does not belong here; a nightly sweep (sensors.py) catches what they miss.
"""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from impressions_assets.channels.channel import (
    ArchiveSource,
    Channel,
    DatasetSource,
    TextSource,
    YouTubeSource,
)
from impressions_assets.errors import SourceError
from impressions_assets.jobs import lane
from impressions_assets.resources.impressions import Impressions
from impressions_assets.sensors import partitioned
from impressions_assets.sources.folder import fingerprint_of
from impressions_assets.storage.digests import digest_of

_RUNNING = dg.DefaultSensorStatus.RUNNING
LOOK_SECONDS = 20.0  # of one tick; Dagster ends it after 60


class Seen(NamedTuple):
    """What a channel's folders looked like: when it was started last, and at the last look."""

    started: str
    last: str


def settled(
    before: Mapping[str, Seen], now: Mapping[str, str]
) -> tuple[list[str], dict[str, Seen]]:
    """Say which channels to start, and what to remember.

    A folder that something still writes to looks different at each look: its channel is started
    once it looks the same twice. The first look at a channel starts nothing: its first run does.
    """
    after = {
        name: Seen(before[name].started, look) if name in before else Seen(look, look)
        for name, look in now.items()
    }
    changed = [
        name
        for name, seen in after.items()
        if name in before and seen.last == before[name].last and seen.last != seen.started
    ]
    return changed, after | {name: Seen(now[name], now[name]) for name in changed}


@dg.sensor(
    job_name="channel_data",
    minimum_interval_seconds=60,
    default_status=_RUNNING,
    description="Starts a channel when files of its archives, texts or local datasets changed.",
)
def changed_files(context: dg.SensorEvaluationContext, impressions: Impressions) -> dg.SensorResult:
    """Compare names, sizes and times with those of the last look; no file is opened."""
    before = {name: Seen(*seen) for name, seen in json.loads(context.cursor or "{}").items()}
    channels = partitioned(context.instance, impressions)
    now = {name: look for name, channel in channels.items() if (look := _look(channel))}
    changed, after = settled(before, now)
    requests = [
        dg.RunRequest(
            run_key=f"files:{name}:{after[name].last}",
            partition_key=name,
            tags=lane(name, "data"),
        )
        for name in changed
    ]
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(after))


@dg.sensor(
    job_name="channel_data",
    minimum_interval_seconds=30,
    default_status=_RUNNING,
    description="Starts a channel when the feed of one of its YouTube links shows something new.",
)
def new_uploads(context: dg.SensorEvaluationContext, impressions: Impressions) -> dg.SensorResult:
    """Look at the feeds whose time has come, the longest waiting first: a request each, no quota.

    What is new at one look has one run key, so a channel is started once for it, whether or not
    its run has listed it by the next look.
    """
    before: dict[str, float] = json.loads(context.cursor or "{}")
    pause_seconds = impressions.channels().youtube.check_every_minutes * 60
    began = time.time()
    requests = []
    with ExitStack() as stack:
        sources = impressions.sources_of_many(stack)
        links = {
            f"{name} {spec.youtube}": (channel, spec.youtube)
            for name, channel in partitioned(context.instance, impressions).items()
            for spec in channel.sources
            if isinstance(spec, YouTubeSource)
        }
        looked = {key: before.get(key, 0.0) for key in links}
        for key in sorted(links, key=lambda key: looked[key]):
            if not looked[key] <= time.time() - pause_seconds or time.time() - began > LOOK_SECONDS:
                break
            channel, link = links[key]
            looked[key] = time.time()
            try:
                news = sources.youtube.source(channel, link).news()
            except SourceError as error:
                context.log.warning(f"{channel.name}: {error}")
                continue
            if news:
                requests.append(
                    dg.RunRequest(
                        run_key=f"news:{key}:{news}",
                        partition_key=channel.name,
                        tags=lane(channel.name, "data"),
                    )
                )
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(looked))


def _look(channel: Channel) -> str:
    """Return what changes when a channel's local files do, '' when it has none."""
    places = [Path(place) for spec in channel.sources if (place := _place_of(spec))]
    return digest_of([fingerprint_of(place) for place in places])[:16] if places else ""


def _place_of(spec: object) -> str | None:
    if isinstance(spec, ArchiveSource):
        return spec.archive
    if isinstance(spec, TextSource):
        return spec.text
    if isinstance(spec, DatasetSource) and Path(spec.dataset).is_absolute():
        return spec.dataset
    return None


NEWS_SENSORS = [changed_files, new_uploads]
