"""Runs of this instance: started here or in the queue, followed, and ended when their process died.

Does not belong here: what a run does (jobs.py, assets/), how it looks on a terminal (cli/).
"""

import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import psutil

# Dagster has no public names for these: to launch a run is, to it, the work of its own tools.
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.events import RunFailureReason
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_run_id
from filelock import FileLock

from impressions_assets.jobs import LANE_TAG
from impressions_assets.resources.impressions import PROCESS_TAG

LOCATION = "impressions_assets.definitions"  # also its name in workspace.yaml and `dagster dev -m`
HEARTBEAT_SECONDS = 45.0  # a daemon gives a sign of life every 30
POLL_SECONDS = 0.5
_QUEUE_DAEMON = "QUEUED_RUN_COORDINATOR"

Listener = Callable[[dg.EventLogEntry], None]

JUST_STARTED_SECONDS = 10.0  # a run in another terminal, about to leave its mark
START_SECONDS = 180.0  # as run_monitoring.start_timeout_seconds in the instance's settings


def open_instance(dagster_home: Path) -> dg.DagsterInstance:
    """Open the instance in a folder, putting the embedded settings in place the first time.

    Opening creates Dagster's SQLite tables, which it does without a lock: of three commands that
    opened a new folder at once, about half ended with "table runs already exists".
    """
    dagster_home.mkdir(parents=True, exist_ok=True)
    settings = dagster_home / "dagster.yaml"
    with FileLock(dagster_home / "opening.lock"):
        if not settings.exists():
            settings.write_text(_embedded_settings(), encoding="utf-8")
        return dg.DagsterInstance.from_config(str(dagster_home))


def _embedded_settings() -> str:
    return files("impressions_assets").joinpath("dagster.yaml").read_text(encoding="utf-8")


def fail_dead_runs(instance: dg.DagsterInstance, *, nobody_starts_runs: bool = False) -> list[str]:
    """Report runs as failed whose process on this host is gone; return their ids.

    Dagster's default launcher has no health check, even with run monitoring: a run whose process
    was killed stays "started" for ever, and holds its slot in the pool `gpu` and in its lane.
    Where a launcher has one (Kubernetes), run monitoring does this, and a run without a process may
    wait for a node for as long as it takes: only what died on this host is ours to tell.

    Args:
        instance: the instance.
        nobody_starts_runs: no daemon is alive, so a run that is still "starting" never will be.
    """
    failed = []
    is_watched = instance.run_launcher.supports_check_run_worker_health
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        run = record.dagster_run
        mark = _own_mark(run)
        age = datetime.now(UTC) - record.update_timestamp.replace(tzinfo=UTC)
        patience = JUST_STARTED_SECONDS if nobody_starts_runs else START_SECONDS
        unborn = mark is None and not is_watched and age > timedelta(seconds=patience)
        if unborn or (mark is not None and is_gone(mark)):
            instance.report_run_failed(run, f"its process ({mark or 'never seen'}) is gone")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            failed.append(run.run_id)
    return failed


def _own_mark(run: dg.DagsterRun) -> str | None:
    """Return the process of a run; None when the mark is that of the run which it retries.

    Retries inherit tags: each one was ended before it began, for the process of the first was gone.
    """
    mark, _, run_id = run.tags.get(PROCESS_TAG, "").partition(" ")
    return mark if mark and run_id in ("", run.run_id) else None


def is_gone(mark: str) -> bool:
    """Say whether a process of this host, as `this_process` names it, no longer runs."""
    host, pid, started = mark.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        return bool(
            abs(process.create_time() - float(started)) > 1
            or process.status() == psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return True


def daemon_is_alive(instance: dg.DagsterInstance) -> bool:
    """Say whether a daemon takes runs from the instance's queue.

    Dagster calls a daemon healthy for half an hour after its last sign of life; after `kill -9` our
    runs would wait in its queue for as long. What `impressions dev` started is known by its mark.
    """
    beat = instance.get_daemon_heartbeats().get(_QUEUE_DAEMON)
    is_fresh = beat is not None and time.time() - beat.timestamp < HEARTBEAT_SECONDS
    mark = dev_mark(Path(instance.root_directory))
    if not mark.exists() or not is_gone(mark.read_text(encoding="utf-8")):
        return is_fresh
    if not is_fresh:
        mark.unlink(missing_ok=True)
    return False


class KnownRun(NamedTuple):
    """A run of ours, for people."""

    run_id: str
    lane: str
    status: str
    began: str


def latest_runs(
    instance: dg.DagsterInstance, channel: str | None, limit: int = 6
) -> list[KnownRun]:
    """Return the newest runs, of one channel or of all."""
    tags = {PARTITION_NAME_TAG: channel} if channel else {}
    records = instance.get_run_records(dg.RunsFilter(tags=tags), limit=limit)
    return [
        KnownRun(
            record.dagster_run.run_id,
            _lane_of(record.dagster_run),
            record.dagster_run.status.value.lower(),
            f"{record.create_timestamp:%Y-%m-%d %H:%M} UTC",
        )
        for record in records
    ]


def _lane_of(run: dg.DagsterRun) -> str:
    """Say the lane, or what stands for it: automation and the UI start runs outside of lanes."""
    return run.tags.get(LANE_TAG) or f"{run.tags.get(PARTITION_NAME_TAG, '-')}:assets"


def dev_mark(dagster_home: Path) -> Path:
    """Return the file in which `impressions dev` names its process."""
    return dagster_home / "dev-process"


# Launching and following


@dataclass(frozen=True)
class Launch:
    """A run to be: some assets of a job, for one channel."""

    job: str
    channel: str
    assets: tuple[str, ...]
    tags: Mapping[str, str]
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asset_keys(self) -> list[dg.AssetKey]:
        """The assets as Dagster names them."""
        return [dg.AssetKey(name) for name in self.assets]


def run_here(
    instance: dg.DagsterInstance, job: dg.JobDefinition, launch: Launch, listen: Listener
) -> bool:
    """Run in this process to the end; return whether all went well.

    Raises:
        KeyboardInterrupt: the run was interrupted; its children saved and ended before.
    """
    run_id = make_new_run_id()
    instance.add_event_listener(run_id, listen)
    done = job.execute_in_process(
        instance=instance,
        run_id=run_id,
        partition_key=launch.channel,
        asset_selection=launch.asset_keys,
        run_config=dict(launch.config),
        tags=dict(launch.tags),
        raise_on_error=False,
    )
    if any(_was_interrupted(event) for event in done.all_events):
        raise KeyboardInterrupt
    return bool(done.success)


def submit(
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    launch: Launch,
    image: str | None = None,
    context: Mapping[str, Any] | None = None,
) -> str:
    """Put a run into the instance's queue, as the UI does; return its id.

    Where runs are containers, their launcher reads the image and what it is given from the run.

    The daemon finds our code by the name of its location, so no code server has to be started here
    (`dagster job launch` starts one, which takes longer than many a run).
    """
    repository = ReconstructableRepository.for_module(
        LOCATION, "defs", container_image=image, container_context=context
    )
    origin = ManagedGrpcPythonEnvCodeLocationOrigin(
        LoadableTargetOrigin(executable_path=sys.executable, module_name=LOCATION), LOCATION
    )
    run = instance.create_run_for_job(
        job_def=job,
        run_config=dict(launch.config),
        tags={**launch.tags, PARTITION_NAME_TAG: launch.channel},
        asset_selection=frozenset(launch.asset_keys),
        remote_job_origin=RemoteRepositoryOrigin(origin, SINGLETON_REPOSITORY_NAME).get_job_origin(
            job.name
        ),
        job_code_origin=repository.get_reconstructable_job(job.name).get_python_origin(),
    )
    # Only a launcher needs a workspace; the queue takes the run as it is.
    instance.submit_run(run.run_id, workspace=None)  # type: ignore[arg-type]
    return str(run.run_id)


def follow(instance: dg.DagsterInstance, run_id: str, listen: Listener) -> bool | None:
    """Pass on the events of a queued run until it ends; return whether all went well.

    Returns None when the daemon died before it took the run: the run is then taken back.
    """
    cursor = None
    while True:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        found = instance.get_records_for_run(run_id, cursor)
        cursor = found.cursor
        for record in found.records:
            listen(record.event_log_entry)
        if found.has_more:
            continue
        if run.is_finished:
            return bool(run.is_success)
        if run.status == dg.DagsterRunStatus.QUEUED and not daemon_is_alive(instance):
            instance.report_run_canceled(run, message="no daemon takes runs from the queue")
            return None
        time.sleep(POLL_SECONDS)


def stop(instance: dg.DagsterInstance, run_id: str) -> None:
    """Ask a queued or running run to end, wherever it runs; its children save first."""
    instance.run_coordinator.cancel_run(run_id)


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    return bool(
        event.is_run_failure
        and event.job_failure_data.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION
    )
