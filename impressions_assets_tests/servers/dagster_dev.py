"""`impressions dev` on a free port, in a process group of its own, driven over GraphQL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from impressions_assets.jobs import lane
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.runs import LOCATION

T = TypeVar("T")

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
_IMPRESSIONS = "from impressions_assets.cli.main import app; app()"
BOOT_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 180.0
_GOING = ("REQUESTED", "CANCELING", "COMPLETED_NOT_EVALUATED")


class DagsterDev:
    """Webserver and daemon over one IMPRESSIONS_HOME; `with` ends them, and all that they began."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.home = home
        self.environ = {**os.environ, **environ, "IMPRESSIONS_HOME": str(home)}
        self.log = home / "dev.log"
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start on a free port, and wait until the code location is loaded."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _IMPRESSIONS, "dev", "-p", str(port)],
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            eventually(self._is_up, "`impressions dev` to load the assets", BOOT_SECONDS)
        except BaseException:  # nobody ends what was never entered
            self.kill()
            raise

    def kill(self) -> None:
        """`kill -9` the whole group: webserver, daemon, code server, runs, trainings."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def command(self, *arguments: str) -> str:
        """What `impressions` prints, in this home; it must succeed."""
        command = [sys.executable, "-c", _IMPRESSIONS, *arguments]
        return subprocess.run(
            command, env=self.environ, check=True, capture_output=True, text=True
        ).stdout

    def get(self, path: str) -> tuple[int, str]:
        """Fetch a page: its status and text."""
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return response.status, response.read().decode()

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """Ask over GraphQL; errors of the query itself fail the test."""
        body = json.dumps({"query": text, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + "/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        found: dict[str, Any] = answer["data"]
        return found

    # What people do in the UI

    def launch_training(
        self,
        channel: str,
        config: Mapping[str, Any] | None = None,
        assets: Sequence[str] = ("checkpoint",),
    ) -> str:
        """Materialize a channel's checkpoint, and what follows it; the run's id."""
        flags = {"ops": {"checkpoint": {"config": dict(config or {})}}}
        return self._launch("channel_model", flags, _tags(channel), assets)

    def launch_data(self, channel: str, *assets: str) -> str:
        """Launch the job `channel_data`, or some of its assets; the run's id."""
        return self._launch("channel_data", {}, _tags(channel), assets)

    def launch_add_channel(self, *sources: str, name: str) -> str:
        """Launch the job `add_channel`; the run's id."""
        config = {"sources": list(sources), "name": name}
        return self._launch("add_channel", {"ops": {"write_channel": {"config": config}}})

    def add_partition(self, channel: str) -> None:
        """Add a channel's partition, which the sensor adds else."""
        found = self.query(
            """mutation($name: String!, $key: String!, $of: RepositorySelector!) {
              addDynamicPartition(partitionsDefName: $name, partitionKey: $key,
                repositorySelector: $of) { __typename } }""",
            name=CHANNEL_DIMENSION,
            key=channel,
            of=REPOSITORY,
        )["addDynamicPartition"]
        assert found["__typename"] == "AddDynamicPartitionSuccess", found

    def launch_backfill(self, channels: Sequence[str], assets: Sequence[str]) -> str:
        """Backfill assets of some channels; the backfill's id."""
        found = self.query(
            """mutation($params: LaunchBackfillParams!) {
              launchPartitionBackfill(backfillParams: $params) {
                __typename ... on LaunchBackfillSuccess { backfillId }
                ... on PythonError { message } } }""",
            params={
                "partitionNames": list(channels),
                "assetSelection": [{"path": [asset]} for asset in assets],
                "tags": [],
            },
        )["launchPartitionBackfill"]
        assert found["__typename"] == "LaunchBackfillSuccess", found
        return str(found["backfillId"])

    def table(self, asset: str, channel: str, name: str) -> list[dict[str, Any]]:
        """The rows of a table in the metadata of an asset's last materialization."""
        found = self.query(
            """query($key: AssetKeyInput!, $of: [String!]) { assetOrError(assetKey: $key) {
              ... on Asset { assetMaterializations(partitions: $of, limit: 1) { metadataEntries {
                label ... on TableMetadataEntry { table { records } } } } } } }""",
            key={"path": [asset]},
            of=[channel],
        )["assetOrError"]["assetMaterializations"]
        entries = {entry["label"]: entry for entry in found[0]["metadataEntries"]}
        return [json.loads(record) for record in entries[name]["table"]["records"]]

    def terminate(self, run_id: str) -> None:
        """Press "Terminate"."""
        found = self.query(
            """mutation($id: String!) {
              terminateRun(runId: $id) { __typename ... on TerminateRunFailure { message } } }""",
            id=run_id,
        )["terminateRun"]
        assert found["__typename"] == "TerminateRunSuccess", found

    def runs(self, **tags: str) -> list[dict[str, Any]]:
        """The runs with these tags ('__' is written for '/'), the newest first."""
        wanted = [{"key": key.replace("__", "/"), "value": tags[key]} for key in tags]
        return list(
            self.query(
                """query($filter: RunsFilter) { runsOrError(filter: $filter) {
                  ... on Runs { results {
                    runId status jobName tags { key value }
                    stepStats { stepKey startTime endTime } } } } }""",
                filter={"tags": wanted},
            )["runsOrError"]["results"]
        )

    def run(self, run_id: str) -> dict[str, Any]:
        """One run: its status, and when its steps began and ended."""
        found: dict[str, Any] = self.query(
            """query($id: ID!) { runOrError(runId: $id) { ... on Run {
              runId status stepStats { stepKey startTime endTime } } } }""",
            id=run_id,
        )["runOrError"]
        return found

    def messages(self, run_id: str) -> list[str]:
        """The lines of a run's log, its errors among them."""
        found = self.query(
            """query($id: ID!) { logsForRun(runId: $id, limit: 1000) {
              ... on EventConnection { events { ... on MessageEvent { message } } } } }""",
            id=run_id,
        )
        return [event["message"] for event in found["logsForRun"]["events"]]

    def ended(self, run_id: str, seconds: float = LONGEST_WAIT_SECONDS) -> str:
        """Wait for a run's end; its status."""
        ends = ("SUCCESS", "FAILURE", "CANCELED")

        def end() -> str | None:
            status = str(self.run(run_id)["status"])
            return status if status in ends else None

        return eventually(end, f"run {run_id} to end", seconds)

    def ended_backfill(self, backfill: str, seconds: float = LONGEST_WAIT_SECONDS) -> str:
        """Wait for a backfill's end; its status."""

        def end() -> str | None:
            found = self.query(
                """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
                  ... on PartitionBackfill { status } } }""",
                id=backfill,
            )
            status = str(found["partitionBackfillOrError"]["status"])
            return None if status in _GOING else status

        return eventually(end, f"backfill {backfill} to end", seconds)

    def _launch(
        self,
        job: str,
        config: Mapping[str, Any],
        tags: Sequence[Mapping[str, str]] = (),
        assets: Sequence[str] = (),
    ) -> str:
        selection = {"assetSelection": [{"path": [asset]} for asset in assets]} if assets else {}
        found = self.query(
            """mutation($params: ExecutionParams!) {
              launchRun(executionParams: $params) {
                __typename ... on LaunchRunSuccess { run { runId } }
                ... on PythonError { message } } }""",
            params={
                "selector": {**REPOSITORY, "jobName": job, **selection},
                "mode": "default",
                "runConfigData": dict(config),
                "executionMetadata": {"tags": list(tags)},
            },
        )["launchRun"]
        assert found["__typename"] == "LaunchRunSuccess", found
        return str(found["run"]["runId"])

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _is_up(self) -> bool:
        assert self._is_alive(), f"the webserver ended: see the logs in {self.home}"
        try:
            found = self.query(
                "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
            )
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return bool(found["repositoriesOrError"].get("nodes"))


def eventually(look: Callable[[], T | None], what: str, seconds: float = LONGEST_WAIT_SECONDS) -> T:
    """Look every half second until there is something to see."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} seconds for {what}"
        time.sleep(0.5)
    return found


def _tags(channel: str) -> list[dict[str, str]]:
    tags = {"dagster/partition": channel, **lane(channel, "model")}
    return [{"key": key, "value": value} for key, value in tags.items()]


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def small_channel(name: str, archive: Path, *, max_iters: int, eval_iters: int) -> str:
    """A channel as channels.yaml has it, whose model is trained in seconds."""
    training = f"max_iters: {max_iters}, eval_interval: 20, eval_iters: {eval_iters}, device: cpu"
    return f"""\
  {name}:
    sources:
      - archive: {archive}
    tokenizer: {{vocab_size: 300}}
    model: {{preset: debug}}
    training: {{length: quick, {training}}}
"""
