"""Batches of speech side by side, a process each, as on a machine with several GPUs.

The cards are names alone: the stand-in for whisperx tells which one it was shown.
"""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.definitions import defs
from impressions_assets.jobs import lane
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.resources.cards import POOL
from impressions_assets.runs import fail_dead_runs, open_instance
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House
from impressions_assets_tests.recognizers import (
    check_twelve,
    done,
    lift,
    needs_ffmpeg,
    rows,
    silent,
    twelve,
)

pytestmark = [pytest.mark.slow, needs_ffmpeg]

ROOT = Path(__file__).parents[2]
WANTED = ("videos", "transcripts", "chapters", "documents")


def channel_data() -> dg.JobDefinition:
    """The job, as processes of its steps find it."""
    return defs.resolve_job_def("channel_data")


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


@pytest.fixture
def instance(house: House):
    with open_instance(house.folder / "dagster") as instance:
        instance.add_dynamic_partitions(CHANNEL_DIMENSION, ["talks"])
        yield instance


def perform(home: str, *assets: str) -> bool:
    """Run assets of the channel with the executor of the job, as a daemon's run does."""
    with (
        open_instance(Path(home) / "dagster") as instance,
        dg.execute_job(
            dg.reconstructable(channel_data),
            instance=instance,
            tags={"dagster/partition": "talks", **lane("talks", "data")},
            asset_selection=[dg.AssetKey(asset) for asset in assets],
        ) as ended,
    ):
        return ended.success


def run(house: House, *assets: str) -> bool:
    """Run in a process of its own: the server that forks its steps lives as long as it does."""
    code = f"import sys, {__name__} as here; sys.exit(not here.perform(*sys.argv[1:]))"
    command = [sys.executable, "-W", "ignore", "-c", code, str(house.folder), *assets]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


def limit_of(instance: dg.DagsterInstance) -> int:
    (limit,) = [x.limit for x in instance.event_log_storage.get_pool_limits() if x.name == POOL]
    return limit


def test_two_batches_run_at_once_each_with_a_card_of_its_own(
    house: House, instance, archive, counted, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    silent(archive, "aaa", "bbb", duration=2000)
    (counted / "meet").touch()
    house.declare("talks", archive.folder, speech={"use": "whisperx"})
    assert run(house, "videos", "transcripts")
    assert sorted((counted / "cards").read_text().split()) == ["3", "5"]
    assert {row.origin for row in rows(house, "talks").values()} == {"whisperx"}
    assert limit_of(instance) == 2
    assert fail_dead_runs(instance) == []


def test_on_the_cpu_as_many_run_at_once_as_somebody_said(
    house: House, instance, archive, counted, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "nobody-asks")
    instance.event_log_storage.set_concurrency_slots(POOL, 2)
    silent(archive, "aaa", "bbb", duration=2000)
    (counted / "meet").touch()
    house.declare("talks", archive.folder, speech={"use": "whisperx", "device": "cpu"})
    assert run(house, "videos", "transcripts")
    assert sorted(done(counted)) == ["aaa", "bbb"]


@pytest.mark.parametrize("killed", ["once", "parent"])
def test_of_twelve_videos_in_four_batches_eleven_are_recognized_once_each(
    house: House, instance, archive, counted, monkeypatch, killed
):
    """The recognizer of a batch is killed, or the whole step of that batch."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    whole = twelve(archive, counted, killed)
    house.declare("talks", archive.folder, speech={"use": "whisperx"})
    assert run(house, *WANTED) == (killed == "once")
    lift(house, "talks")
    assert run(house, *WANTED)
    check_twelve(house, "talks", counted, whole)
