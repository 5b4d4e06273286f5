"""Many small channels: what a refresh with nothing new, the daemon's ticks and the UI cost.

`python -m impressions_assets_tests.bench.many --channels 1000` (an hour of a core). The assets run
in this process without an instance, and their materializations are reported to one without runs:
its ticks are measured. The webserver is a process of its own over that instance, and in the end a
daemon with all sensors on, which refreshes some of the channels by runs of its own.
"""

import argparse
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from inspect import isgenerator
from pathlib import Path
from typing import Any

import dagster as dg
import fsspec
import psutil

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.definitions import defs
from impressions_assets.freshness import NEWS_SENSORS
from impressions_assets.jobs import DATA_ASSETS, MODEL_ASSETS
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.resources.impressions import Impressions
from impressions_assets.runs import LOCATION, open_instance
from impressions_assets.sensors import SENSORS
from impressions_assets.staleness import stale_channels
from impressions_assets.storage.copying import copy_home
from impressions_assets.storage.home import Home
from impressions_assets.storage.store import Store
from impressions_assets_tests.bench.archive import write_video
from impressions_assets_tests.bench.channel import run_assets
from impressions_assets_tests.bench.meter import Cost, Meter, peak_mb
from impressions_assets_tests.servers.dagster_dev import (
    REPOSITORY,
    DagsterDev,
    eventually,
    free_port,
)
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

_TOLD = 50  # channels made between two lines of progress
_REFRESHED = 50  # channels refreshed with nothing new
_ASKED = 5  # channels whose requests to a bucket are counted
_BACKFILLED = 50  # channels that a daemon refreshes
_BACKFILL_SECONDS = 3600.0
_CHANNEL = (
    "  {name}:\n    sources:\n      - archive: {archive}\n    tokenizer: {{vocab_size: 300}}\n"
)
_GRAPH = """{ assetNodes { id groupName isPartitioned assetKey { path }
  dependencyKeys { path } dependedByKeys { path } } }"""
_HEALTH = """{ assetNodes { assetKey { path } partitionStats {
  numMaterialized numFailed numPartitions numMaterializing } assetPartitionStatuses {
  ... on DefaultPartitionStatuses { materializedPartitions failedPartitions } } } }"""


_SET_CURSOR = """mutation($sensor: SensorSelector!, $cursor: String!) {
  setSensorCursor(sensorSelector: $sensor, cursor: $cursor) { __typename } }"""
_TICKS = """query($of: RepositorySelector!) { sensorsOrError(repositorySelector: $of) {
  ... on Sensors { results { name sensorState {
    ticks(limit: 1000) { status timestamp endTimestamp runIds } } } } } }"""


def measure(folder: Path, num_channels: int, num_videos: int, num_words: int) -> Iterator[str]:
    """Make the channels, and tell line by line what they cost."""
    os.environ.update(IMPRESSIONS_HOME=str(folder), IMPRESSIONS_STORAGE="")
    names = [f"c{number:05}" for number in range(num_channels)]
    declare(folder, names, num_videos, num_words)
    with open_instance(folder / "dagster") as instance:
        instance.add_dynamic_partitions(CHANNEL_DIMENSION, names)
        meter = Meter()
        for number, name in enumerate(names, start=1):
            report(instance, name, refreshed(folder, name))
            if number % _TOLD == 0 or number == num_channels:
                yield f"{number} made: {told_of(meter.read())}"
        yield from unchanged(folder, names[:_REFRESHED])
        yield from ticks(instance)
        yield from asked_of_a_bucket(folder, names)
    with webserver(folder) as (ui, process):
        yield from questions(ui)
        yield from by_the_daemon(ui, names)
        yield f"webserver: {process.memory_info().rss / 2**20:.0f} MB"
    yield f"most memory of this process: {peak_mb():.0f} MB"


def declare(folder: Path, names: list[str], num_videos: int, num_words: int) -> None:
    """Write an archive for each channel, and channels.yaml."""
    for number, name in enumerate(names):
        archive = folder / "archives" / name
        archive.mkdir(parents=True)
        for video in range(num_videos):
            write_video(archive, number * num_videos + video, num_words)
    lines = [_CHANNEL.format(name=n, archive=folder / "archives" / n) for n in names]
    home = Home(str(folder / "storage"))
    home.store.write_text(CHANNELS_FILE, "channels:\n" + "".join(lines))


def refreshed(folder: Path, name: str) -> Mapping[str, str]:
    """Run the data assets of a channel; the data version of each."""
    return run_assets(folder, channel=name).data_versions


def report(instance: dg.DagsterInstance, name: str, versions: Mapping[str, str]) -> None:
    for asset, version in versions.items():
        tags = {"dagster/data_version": version}
        made = dg.AssetMaterialization(asset_key=asset, partition=name, tags=tags)
        instance.report_runless_asset_event(made)


def unchanged(folder: Path, names: list[str]) -> Iterator[str]:
    """Refresh some channels with nothing new, as runs without an instance's database."""
    before, meter = stored(folder), Meter()
    for name in names:
        as_a_run(name)
    cost, num = meter.read(), len(names)
    yield (
        f"nothing new: {cost.wall_seconds / num:.3f} s and {cost.cpu_seconds / num:.3f} CPU-s a"
        f" channel, {len(stored(folder) - before)} files written, {cost.peak_mb:.0f} MB"
    )


def as_a_run(name: str) -> None:
    """Run the data job of a channel: it opens the root once, for all its assets."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(CHANNEL_DIMENSION, [name])
        job = defs.resolve_job_def("channel_data")
        assert job.execute_in_process(instance=instance, partition_key=name).success


def stored(folder: Path) -> set[tuple[str, int]]:
    files = (path for path in (folder / "storage").rglob("*") if path.is_file())
    return {(str(path), path.stat().st_mtime_ns) for path in files}


def ticks(instance: dg.DagsterInstance) -> Iterator[str]:
    """Tick each sensor twice: the second time is what every later one costs."""
    resources = {"impressions": Impressions()}
    for sensor in (*SENSORS, *NEWS_SENSORS, stale_channels):
        if isinstance(sensor, dg.AutomationConditionSensorDefinition):
            continue
        cursor = None
        for _ in range(2):
            meter = Meter()
            context = dg.build_sensor_context(
                instance, cursor, resources=resources, definitions=defs
            )
            told = sensor(context)
            if isgenerator(told):
                told = [*told]
            cursor = getattr(told, "cursor", None) or context.cursor
            cost = meter.read()
        yield f"tick of {sensor.name}: {told_of(cost)}"
    cursor, ours = None, dg.AssetSelection.assets(*DATA_ASSETS, *MODEL_ASSETS)
    for _ in range(2):
        meter = Meter()
        found = dg.evaluate_automation_conditions(defs, instance, ours, cursor=cursor)
        cursor, cost = found.cursor, meter.read()
    yield f"tick of automation: {told_of(cost)}, {found.total_requested} requested"


def told_of(cost: Cost) -> str:
    return f"{cost.wall_seconds:.2f} s, {cost.cpu_seconds:.2f} CPU-s"


def questions(ui: DagsterDev) -> Iterator[str]:
    """Ask the webserver what the lineage and the partitions' health ask."""
    for what, query in (("asset graph", _GRAPH), ("partition health", _HEALTH)):
        first, again = (
            timed(lambda query=query: ui.query(query)),
            timed(lambda query=query: ui.query(query)),
        )
        yield f"{what} over GraphQL: {first:.2f} s, then {again:.2f} s"


def by_the_daemon(ui: DagsterDev, names: list[str]) -> Iterator[str]:
    """Refresh channels with nothing new by a backfill, as the daemon's other parts go on."""
    sensor = {**REPOSITORY, "sensorName": "new_channels"}  # all of them had their first run
    ui.query(_SET_CURSOR, sensor=sensor, cursor=",".join(names))
    ours = names[:_BACKFILLED]
    with daemon(ui) as process:
        began = time.perf_counter()
        backfill = ui.launch_backfill(ours, DATA_ASSETS)
        status = ui.ended_backfill(backfill, _BACKFILL_SECONDS)
        seconds = time.perf_counter() - began
        memory = process.memory_info().rss / 2**20
    yield (
        f"backfill of {len(ours)} channels with nothing new by the daemon: {status},"
        f" {seconds / len(ours):.1f} s a channel; the daemon {memory:.0f} MB"
    )
    for sensor in ui.query(_TICKS, of=REPOSITORY)["sensorsOrError"]["results"]:
        ticks = [tick for tick in sensor["sensorState"]["ticks"] if tick["endTimestamp"]]
        took = sorted(tick["endTimestamp"] - tick["timestamp"] for tick in ticks)
        if took:
            started = sum(len(tick["runIds"]) for tick in ticks)
            failed = sum(tick["status"] == "FAILURE" for tick in ticks)
            yield (
                f"{sensor['name']} in the daemon: {len(took)} ticks, the middle one"
                f" {took[len(took) // 2]:.2f} s, the longest {took[-1]:.2f} s; {failed} failed,"
                f" {started} runs started"
            )


@contextlib.contextmanager
def webserver(folder: Path) -> Iterator[tuple[DagsterDev, psutil.Process]]:
    port = free_port()
    ui = DagsterDev(folder, DAGSTER_HOME=str(folder / "dagster"), IMPRESSIONS_STORAGE="")
    ui.url = f"http://127.0.0.1:{port}"
    with service(ui, "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)) as process:
        eventually(lambda: answers(ui), "the webserver")
        yield ui, process


@contextlib.contextmanager
def daemon(ui: DagsterDev) -> Iterator[psutil.Process]:
    with service(ui, "dagster._daemon", "run") as process:
        yield process


@contextlib.contextmanager
def service(ui: DagsterDev, *words: str) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", *words, "-m", LOCATION]
    with ui.log.open("ab") as log:
        process = subprocess.Popen(command, env=ui.environ, stdout=log, stderr=log)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def answers(ui: DagsterDev) -> bool:
    with contextlib.suppress(OSError):
        return bool(ui.query("{ assetNodes { id } }")["assetNodes"])
    return False


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def asked_of_a_bucket(folder: Path, names: list[str]) -> Iterator[str]:
    """Copy the home to a bucket on loopback, and count what a refresh asks there."""
    with GoogleCloudStorage().running() as gcs:
        copy_home(
            Store(str(folder / "storage")), Store("gs://bucket/many", gcs.file_options), folder
        )
        key = folder / "key.json"
        key.write_text(gcs.service_account, "utf-8")
        os.environ.update(GOOGLE_SERVICE_ACCOUNT=str(key), IMPRESSIONS_STORAGE="gs://bucket/many")
        fsspec.config.conf["gs"] = gcs.file_options
        for name in names[:_ASKED]:  # a copy leaves out what is found again: who says it elsewhere
            as_a_run(name)
        num_before = len(gcs.requests)
        for name in names[:_ASKED]:
            as_a_run(name)
        asked = Counter(request.split(" ")[0] for request in gcs.requests[num_before:])
    told = ", ".join(f"{num / _ASKED:.0f} {method}" for method, num in asked.items())
    yield f"nothing new, from a bucket: {told} a channel"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.many")
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--videos", type=int, default=10, help="videos of each channel")
    parser.add_argument("--words", type=int, default=100, help="words of each video")
    chosen = parser.parse_args()
    logging.disable(logging.INFO)  # Dagster tells of every batch
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as folder:
        for line in measure(Path(folder), chosen.channels, chosen.videos, chosen.words):
            print(line, flush=True)


if __name__ == "__main__":
    main()
