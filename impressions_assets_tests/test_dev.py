"""The house under `impressions dev`, as people run it: daemon, queue, pool, sensors, UI.

The tests share one server and its channels, and stand in the order of a channel's life. The last
ones are rough with it.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.jobs import DATA_ASSETS
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.servers.chromium import chromium, take_picture
from impressions_assets_tests.servers.dagster_dev import DagsterDev, eventually, small_channel

pytestmark = pytest.mark.slow

ENDLESS = {"max_iters": 10_000_000, "eval_interval": 50, "log_interval": 50}
"""A training that goes on until somebody ends it."""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterDev]:
    # With several cards, as many trainings would go at once.
    with DagsterDev(tmp_path_factory.mktemp("dev"), CUDA_VISIBLE_DEVICES="") as dev:
        yield dev


@pytest.fixture(scope="module")
def channels(dev: DagsterDev) -> tuple[str, str]:
    """Two channels, written to channels.yaml while everything runs; `quiet` has few captions."""
    spoken, quiet = Archive(dev.home / "spoken"), Archive(dev.home / "quiet")
    for number in range(6):
        spoken.add(f"spoken-{number}")
        quiet.add(f"quiet-{number}")
        if number >= 2:
            quiet.captions(f"quiet-{number}").unlink()
    archives = {"spoken": spoken.folder, "quiet": quiet.folder}
    texts = [small_channel(name, archives[name], max_iters=40, eval_iters=2) for name in archives]
    opened(dev).store.write_text(CHANNELS_FILE, "channels:\n" + "".join(texts))
    return ("spoken", "quiet")


def test_the_ui_is_up_and_the_lineage_shows_its_groups(dev: DagsterDev) -> None:
    status, page = dev.get("/lineage")
    nodes = dev.query("{ assetNodes { groupName assetKey { path } isPartitioned } }")["assetNodes"]

    assert status == 200
    assert "dagster" in page.lower()
    assert {node["groupName"] for node in nodes} == {"sources", "speech", "text", "gpt", "chat"}
    assert all(node["isPartitioned"] for node in nodes)


def test_a_channel_in_the_file_becomes_a_partition_with_its_first_run(
    dev: DagsterDev, channels: tuple[str, str]
) -> None:
    for name in channels:
        *_, first = eventually(
            lambda name=name: dev.runs(dagster__partition=name), f"the first run of {name}"
        )
        assert first["jobName"] == "channel_data"
        assert dev.ended(first["runId"]) == "SUCCESS"
    assert partitions(dev) == set(channels)


def test_a_failed_check_is_not_hidden_by_another_channels_pass(
    dev: DagsterDev, channels: tuple[str, str]
) -> None:
    executions = {
        name: dev.query(
            """query($partition: String) { assetCheckExecutions(
              assetKey: {path: ["transcripts"]}, checkName: "coverage",
              partition: $partition, limit: 5
            ) { status partition } }""",
            partition=name,
        )["assetCheckExecutions"]
        for name in channels
    }
    # A sensor may have started a run again by now, whose check has not ended.
    outcome = {
        name: next(one["status"] for one in found if one["status"] != "IN_PROGRESS")
        for name, found in executions.items()
    }

    assert outcome == {"spoken": "SUCCEEDED", "quiet": "FAILED"}


def test_a_backfill_of_two_channels_ends_well_as_two_runs(
    dev: DagsterDev, channels: tuple[str, str]
) -> None:
    backfill = dev.launch_backfill(channels, DATA_ASSETS)

    status = dev.ended_backfill(backfill)

    runs = dev.runs(dagster__backfill=backfill)
    assert status == "COMPLETED_SUCCESS"
    assert [run["status"] for run in runs] == ["SUCCESS", "SUCCESS"]
    assert {tag["value"] for run in runs for tag in run["tags"] if is_partition(tag)} == {*channels}


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("page", ["/asset-groups", "/assets/documents?view=partitions", "/runs"])
def test_pages_of_the_ui_are_drawn(dev: DagsterDev, tmp_path: Path, page: str) -> None:
    picture = tmp_path / "page.png"
    for _ in range(3):  # a busy machine may not fetch all that is drawn in the time it is given
        take_picture(dev.url + page, picture)
        if picture.stat().st_size > 30_000:
            break

    assert picture.stat().st_size > 30_000  # 6 kB when nothing is drawn


def test_two_trainings_go_one_after_the_other(dev: DagsterDev, channels: tuple[str, str]) -> None:
    runs = [dev.launch_training(name) for name in channels]

    assert [dev.ended(run) for run in runs] == ["SUCCESS", "SUCCESS"]
    first, second = sorted(span_of(dev, run) for run in runs)
    assert first[1] <= second[0]


def test_training_again_after_new_videos_goes_on_and_the_table_shows_old_and_new(
    dev: DagsterDev, channels: tuple[str, str]
) -> None:
    name = channels[0]
    assert dev.ended(dev.launch_data(name)) == "SUCCESS"
    assert dev.ended(dev.launch_training(name)) == "SUCCESS"
    old = versions(dev, name)[-1]
    Archive(dev.home / name).add("spoken-new")
    assert dev.ended(dev.launch_data(name)) == "SUCCESS"

    again = dev.launch_training(name, {"init": "last"}, ("checkpoint", "evaluation"))

    assert dev.ended(again) == "SUCCESS"
    new = versions(dev, name)[-1]
    assert new.fact("started_from_version") == old.version
    assert new.fact("train_tokens") > old.fact("train_tokens")
    rows = {row["version"]: row for row in dev.table("evaluation", name, "versions")}
    assert rows[new.version]["started_from"] == str(old.version)
    for version in (old, new):
        assert rows[version.version]["train_tokens"] == version.fact("train_tokens")


def test_terminating_a_training_saves_it_as_a_version(
    dev: DagsterDev, channels: tuple[str, str]
) -> None:
    before = versions(dev, channels[0])
    run = dev.launch_training(channels[0], ENDLESS)
    wait_for_steps(dev, run)

    dev.terminate(run)

    assert dev.ended(run) == "CANCELED"
    (stopped,) = versions(dev, channels[0])[len(before) :]
    assert stopped.fact("stopped") == "SIGINT"
    assert trainings_of(dev.home) == []


def test_after_kill_9_of_everything_the_next_training_starts_within_a_minute(
    dev: DagsterDev, channels: tuple[str, str]
) -> None:
    dead = dev.launch_training(channels[0], ENDLESS)
    wait_for_steps(dev, dead)

    dev.kill()
    dev.start()
    following = dev.launch_training(channels[1], {**ENDLESS, "max_iters": 60})
    wait_for_steps(dev, following, seconds=60)

    assert dev.run(dead)["status"] == "FAILURE"
    assert dev.ended(following) == "SUCCESS"


def opened(dev: DagsterDev) -> Home:
    return Home(str(dev.home / "storage"))


def partitions(dev: DagsterDev) -> set[str]:
    found = dev.query(
        '{ assetNodeOrError(assetKey: {path: ["videos"]}) { ... on AssetNode { partitionKeys } } }'
    )
    return set(found["assetNodeOrError"]["partitionKeys"])


def is_partition(tag: dict[str, str]) -> bool:
    return tag["key"] == "dagster/partition"


def span_of(dev: DagsterDev, run_id: str) -> tuple[float, float]:
    """When the training of a run began, once it had its slot, and ended."""
    (step,) = dev.run(run_id)["stepStats"]
    return step["startTime"], step["endTime"]


def versions(dev: DagsterDev, channel: str) -> list[Artifact]:
    return opened(dev).artifacts(channel, "checkpoint")


def wait_for_steps(dev: DagsterDev, run_id: str, seconds: float = 120) -> None:
    """Wait until the training of a run has made its first steps."""
    eventually(
        lambda: any(line.startswith("step ") for line in dev.messages(run_id)),
        f"run {run_id} to train",
        seconds,
    )


def trainings_of(home: Path) -> list[int]:
    """The training processes of a home."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in part for part in process.info["cmdline"] or ())
        and "impressions_assets.gpt.train" in process.info["cmdline"]
    ]
