"""A channel's data, from captions to shards, in this process: what each asset costs.

The assets run as they do under Dagster, without its events around them, but for those of several
steps, which are run by it.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import isgenerator
from pathlib import Path
from typing import Any

import dagster as dg

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.channels.file import add_channel
from impressions_assets.channels.source_argument import source_of
from impressions_assets.definitions import defs
from impressions_assets.jobs import DATA_ASSETS
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.home import Home
from impressions_assets_tests.bench.archive import write_archive, write_video
from impressions_assets_tests.bench.meter import Cost, Meter

NAME = "bench"


@dataclass(frozen=True)
class Run:
    """What one run of all data assets took, and what they reported."""

    costs: dict[str, Cost]
    metadata: dict[str, dict[str, Any]]
    data_versions: dict[str, str]

    @property
    def cpu_seconds(self) -> float:
        return sum(cost.cpu_seconds for cost in self.costs.values())

    @property
    def wall_seconds(self) -> float:
        return sum(cost.wall_seconds for cost in self.costs.values())

    @property
    def peak_mb(self) -> float:
        return max(cost.peak_mb for cost in self.costs.values())


@dataclass(frozen=True)
class ChannelRuns:
    """The first run, one with nothing changed, and one with a video more."""

    caption_bytes: int
    full: Run
    unchanged: Run
    one_more: Run


def measure_channel(home: Path, num_videos: int, words_per_video: int) -> ChannelRuns:
    """Take a new channel through three runs; `home` is IMPRESSIONS_HOME, and empty."""
    caption_bytes = declare_channel(home, num_videos, words_per_video)
    full, unchanged = run_assets(home), run_assets(home)
    write_video(home / "archive", num_videos, words_per_video)
    return ChannelRuns(caption_bytes, full, unchanged, run_assets(home))


def declare_channel(home: Path, num_videos: int, words_per_video: int) -> int:
    """Write a channel's archive and declare it; return the bytes of its captions."""
    archive = home / "archive"
    caption_bytes = write_archive(archive, num_videos, words_per_video)
    impressions = Impressions(storage=str(home / "storage"))
    text = add_channel("", NAME, [source_of(str(archive))])
    impressions.home.store.write_text(CHANNELS_FILE, text)
    return caption_bytes


def run_assets(
    home: Path,
    assets: Sequence[str] = DATA_ASSETS,
    *,
    channel: str = NAME,
    storage: str = "",
    instance: dg.DagsterInstance | None = None,
) -> Run:
    """Run the assets, with a storage root opened anew once, as every run of ours does."""
    _home.cache_clear()
    resources = _resources(storage or str(home / "storage"))
    costs: dict[str, Cost] = {}
    metadata: dict[str, dict[str, Any]] = {}
    versions: dict[str, str] = {}
    for name in assets:
        asset = defs.resolve_assets_def(name)
        meter = Meter()
        if isinstance(asset.node_def, dg.GraphDefinition):
            job = _job(storage or str(home / "storage"))
            facts, versions[name] = _made_in_steps(job, name, channel, instance)
        else:
            context = dg.build_asset_context(partition_key=channel, instance=instance)
            wanted = {key: resources[key] for key in asset.op.required_resource_keys}
            made: Any = asset(context=context, **wanted)
            *_, result = made if isgenerator(made) else [made]  # after its checks
            facts, versions[name] = result.metadata, result.data_version.value
        costs[name] = meter.read()
        metadata[name] = dict(facts)
    return Run(costs, metadata, versions)


class _OpenedOnce(Impressions):
    """Dagster copies a resource for each asset that is called by itself: the root is in none."""

    @cached_property
    def home(self) -> Home:
        return _home(self.storage or self.settings.storage)


@cache
def _home(storage: str) -> Home:
    return Home(storage)


def _resources(storage: str) -> dict[str, Any]:
    return {"impressions": _OpenedOnce(storage=storage), "children": Children()}


@cache
def _job(storage: str) -> dg.JobDefinition:
    resources = {**(defs.resources or {}), **_resources(storage)}
    ours = dg.Definitions(assets=defs.assets, jobs=defs.jobs, resources=resources)
    return ours.resolve_job_def("channel_data")


def _made_in_steps(
    job: dg.JobDefinition, name: str, channel: str, instance: dg.DagsterInstance | None
) -> tuple[Mapping[str, Any], str]:
    """Run an asset of several steps, which none but Dagster can: what it reported, its version."""
    with ExitStack() as stack:
        if instance is None:
            instance = stack.enter_context(dg.DagsterInstance.ephemeral())
            instance.add_dynamic_partitions(CHANNEL_DIMENSION, [channel])
        done = job.execute_in_process(
            instance=instance, partition_key=channel, asset_selection=[dg.AssetKey(name)]
        )
        (event,) = done.get_asset_materialization_events()
    materialized = event.materialization
    assert materialized.tags
    facts = {key: getattr(value, "value", value) for key, value in materialized.metadata.items()}
    return facts, materialized.tags["dagster/data_version"]
