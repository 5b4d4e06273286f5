"""Runs: who takes them, how they are followed, and what becomes of those whose process died."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.storage.runs.schema import RunsTable
from dagster._daemon.types import DaemonHeartbeat

from impressions_assets.definitions import defs
from impressions_assets.jobs import lane
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.resources.impressions import PROCESS_TAG, this_process
from impressions_assets.runs import (
    HEARTBEAT_SECONDS,
    Launch,
    daemon_is_alive,
    dev_mark,
    fail_dead_runs,
    follow,
    is_gone,
    latest_runs,
    open_instance,
    run_here,
    stop,
    submit,
)
from impressions_assets.settings import load_settings
from impressions_assets_tests.archives import Archive

LAUNCH = Launch("channel_data", "talks", ("videos",), lane("talks", "data"))
GONE = "/1/1.00"  # process 1 began at another time


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(tmp_path / "home/dagster") as instance:
        instance.add_dynamic_partitions(CHANNEL_DIMENSION, ["talks"])
        yield instance


def beat(instance: dg.DagsterInstance, seconds_ago: float) -> None:
    """The queue's daemon gives a sign of life."""
    now = time.time() - seconds_ago
    instance.add_daemon_heartbeat(DaemonHeartbeat(now, "QUEUED_RUN_COORDINATOR", "id", []))


def data_job() -> dg.JobDefinition:
    return defs.resolve_job_def("channel_data")


def a_dead_process() -> str:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    host = this_process().split("/")[0]
    return f"{host}/{process.pid}/1.00"


def test_a_daemon_is_alive_as_long_as_it_gives_signs_of_life(instance: dg.DagsterInstance) -> None:
    assert not daemon_is_alive(instance)
    beat(instance, seconds_ago=1)
    assert daemon_is_alive(instance)
    beat(instance, seconds_ago=HEARTBEAT_SECONDS + 1)
    assert not daemon_is_alive(instance)


def test_a_killed_daemon_is_known_at_once_by_the_mark_of_dev(instance: dg.DagsterInstance) -> None:
    beat(instance, seconds_ago=1)
    mark = dev_mark(Path(instance.root_directory))
    mark.write_text(this_process())
    assert daemon_is_alive(instance)
    mark.write_text(a_dead_process())
    assert not daemon_is_alive(instance)


def test_a_stale_mark_does_not_hide_a_daemon_started_by_hand(instance: dg.DagsterInstance) -> None:
    mark = dev_mark(Path(instance.root_directory))
    mark.write_text(a_dead_process())
    assert not daemon_is_alive(instance)
    assert not mark.exists()
    beat(instance, seconds_ago=1)
    assert daemon_is_alive(instance)


def test_a_process_is_gone_when_its_number_belongs_to_another() -> None:
    host = this_process().split("/")[0]
    assert not is_gone(this_process())
    assert is_gone(host + GONE)
    assert is_gone(a_dead_process())
    assert not is_gone("another-host" + GONE)  # only that host could tell


@pytest.mark.slow
def test_a_run_whose_process_is_gone_fails_and_frees_its_slot(
    instance: dg.DagsterInstance,
) -> None:
    run = instance.create_run_for_job(data_job(), status=DagsterRunStatus.STARTED)
    instance.add_run_tags(run.run_id, {PROCESS_TAG: a_dead_process()})
    ours = instance.create_run_for_job(data_job(), status=DagsterRunStatus.STARTED)
    instance.add_run_tags(ours.run_id, {PROCESS_TAG: this_process()})
    instance.event_log_storage.set_concurrency_slots("gpu", 1)
    instance.event_log_storage.claim_concurrency_slot("gpu", run.run_id, "checkpoint")
    assert fail_dead_runs(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert instance.event_log_storage.get_concurrency_info("gpu").active_slot_count == 0


def test_a_retry_is_not_ended_for_the_process_of_the_run_that_it_retries(
    instance: dg.DagsterInstance,
) -> None:
    inherited = {PROCESS_TAG: f"{a_dead_process()} the-run-before"}
    retry = instance.create_run_for_job(
        data_job(), status=DagsterRunStatus.STARTING, tags=inherited
    )
    assert fail_dead_runs(instance) == []
    instance.add_run_tags(retry.run_id, {PROCESS_TAG: f"{a_dead_process()} {retry.run_id}"})
    assert fail_dead_runs(instance) == [retry.run_id]


class Asked(SyncInMemoryRunLauncher):
    """A launcher that run monitoring asks whether a run lives, as Kubernetes' does."""

    supports_check_run_worker_health = True  # type: ignore[assignment]


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_run_without_a_process_may_wait_for_a_node_only_where_its_launcher_is_asked(
    tmp_path: Path, is_asked: bool
) -> None:
    launcher = f"run_launcher: {{module: {__name__}, class: Asked}}\n" if is_asked else ""
    (tmp_path / "dagster.yaml").write_text(launcher)
    with open_instance(tmp_path) as instance:
        run = instance.create_run_for_job(data_job(), status=DagsterRunStatus.STARTING)
        long_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
        with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
            connection.execute(RunsTable.update().values(update_timestamp=long_ago))
        assert fail_dead_runs(instance) == ([] if is_asked else [run.run_id])


def test_a_run_that_is_submitted_in_a_container_starts_in_the_same_image(
    instance: dg.DagsterInstance,
) -> None:
    context = {"k8s": {"env_secrets": ["impressions"]}}
    environment = {
        "DAGSTER_CURRENT_IMAGE": "registry/impressions-code:1",
        "DAGSTER_CLI_API_GRPC_CONTAINER_CONTEXT": json.dumps(context),
    }
    run_id = submit(instance, data_job(), LAUNCH, *load_settings(environment).container)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.job_code_origin is not None
    origin = run.job_code_origin.repository_origin
    assert (origin.container_image, origin.container_context) == (
        "registry/impressions-code:1",
        context,
    )


@pytest.mark.slow
def test_a_run_here_tells_its_events_and_leaves_its_tags(
    instance: dg.DagsterInstance, archive: Archive, home_of: Path
) -> None:
    told: list[str] = []
    is_well = run_here(instance, data_job(), LAUNCH, lambda entry: told.append(kind_of(entry)))
    assert is_well
    assert {"STEP_START", "ASSET_MATERIALIZATION", "PIPELINE_SUCCESS"} <= set(told)
    (run,) = instance.get_runs()
    assert run.tags["impressions/lane"] == "talks:data"
    assert run.tags["dagster/partition"] == "talks"
    (known,) = latest_runs(instance, "talks")
    assert (known.lane, known.status) == ("talks:data", "success")
    assert latest_runs(instance, "walks") == []


def test_a_run_that_nobody_takes_from_the_queue_is_taken_back(
    instance: dg.DagsterInstance,
) -> None:
    run_id = submit(instance, data_job(), LAUNCH)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == DagsterRunStatus.QUEUED
    assert run.asset_selection == {dg.AssetKey("videos")}
    assert follow(instance, run_id, lambda entry: None) is None
    assert instance.get_run_by_id(run_id).status == DagsterRunStatus.CANCELED  # type: ignore[union-attr]


def test_a_queued_run_can_be_stopped(instance: dg.DagsterInstance) -> None:
    beat(instance, seconds_ago=1)
    run_id = submit(instance, data_job(), LAUNCH)
    stop(instance, run_id)
    assert follow(instance, run_id, lambda entry: None) is False


def kind_of(entry: dg.EventLogEntry) -> str:
    return entry.dagster_event.event_type_value if entry.dagster_event else "log"


@pytest.fixture
def home_of(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the channel `talks`."""
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
    storage = tmp_path / "home/storage"
    storage.mkdir(parents=True, exist_ok=True)
    (storage / "channels.yaml").write_text(
        f"channels:\n  talks:\n    sources:\n      - archive: {archive.folder}\n"
    )
    return tmp_path / "home"
