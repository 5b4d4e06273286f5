"""Webserver, daemon and code server as processes of their own, as deploy/compose.yaml starts them.

Each has a session of its own, so that `kill` ends what it began as well: a container that is
killed takes all of its processes along.
"""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from impressions_assets.runs import LOCATION
from impressions_assets_tests.servers.dagster_dev import (
    BOOT_SECONDS,
    DagsterDev,
    eventually,
    free_port,
)

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
_DAEMON = YAML(typ="safe").load(DEPLOY / "compose.yaml")["services"]["daemon"]
_WORKSPACE = str(DEPLOY / "workspace.yaml")


class Deployed(DagsterDev):
    """The services of one server over a home and a database; `with` ends them all."""

    def __init__(self, home: Path, database: Mapping[str, str], changes: Mapping[str, str]) -> None:
        """Put deploy/dagster.yaml in place, with `changes` of single lines to be quicker."""
        port, code = free_port(), free_port()
        here = {"DAGSTER_HOME": str(home / "dagster"), "IMPRESSIONS_CODE_HOST": "127.0.0.1"}
        here["IMPRESSIONS_CODE_PORT"] = str(code)
        super().__init__(home, **{**_DAEMON["environment"], **database, **here})
        self.url = f"http://127.0.0.1:{port}"
        listen = ("-h", "127.0.0.1", "-p")
        self._commands = {
            "code": ["dagster", "api", "grpc", "-m", LOCATION, *listen, str(code)],
            "webserver": ["dagster_webserver", "-w", _WORKSPACE, *listen, str(port)],
            "daemon": ["dagster._daemon", "run", "-w", _WORKSPACE],
        }
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        settings = (DEPLOY / "dagster.yaml").read_text("utf-8")
        for old, new in changes.items():
            assert old in settings, f"deploy/dagster.yaml has no {old!r}"
            settings = settings.replace(old, new)
        (home / "dagster").mkdir(parents=True)
        (home / "dagster" / "dagster.yaml").write_text(settings, "utf-8")

    def start(self) -> None:
        """Start code server and webserver, and wait until the code location is loaded.

        The daemon starts by itself, so that a test can first say what it is not to begin.
        """
        self.start_service("code")
        self.start_service("webserver")
        eventually(self._is_up, "the webserver to load the assets", BOOT_SECONDS)

    def start_service(self, name: str) -> None:
        """Start the code server, the webserver or the daemon."""
        with (self.home / f"{name}.log").open("ab") as log:
            self._services[name] = subprocess.Popen(
                [sys.executable, "-m", *self._commands[name]],
                env=self.environ,
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill_service(self, name: str) -> None:
        """`kill -9` a service, and every process that it began."""
        process = self._services.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ended_services(self) -> list[str]:
        """The services that ended by themselves."""
        return [name for name, service in self._services.items() if service.poll() is not None]

    def heartbeats(self) -> dict[str, float]:
        """When each part of the daemon that is wanted said last that it lives."""
        found = self.query(
            """{ instance { daemonHealth { allDaemonStatuses {
              daemonType required lastHeartbeatTime } } } }"""
        )["instance"]["daemonHealth"]["allDaemonStatuses"]
        return {s["daemonType"]: s["lastHeartbeatTime"] or 0.0 for s in found if s["required"]}

    def kill(self) -> None:
        """`kill -9` everything."""
        for name in list(self._services):
            self.kill_service(name)

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """Ask over GraphQL, and again where the database was gone in between.

        Each of the webserver's three stores holds a connection that notices only when it is used.
        """
        for _ in range(3):
            with contextlib.suppress(urllib.error.HTTPError):
                return super().query(text, **variables)
        return super().query(text, **variables)

    def prepare(self) -> None:
        """Make the schema and the pool's limit, as the service `prepare` does."""
        for words in (["migrate"], ["concurrency", "set", "gpu", "1"]):
            command = [sys.executable, "-m", "dagster", "instance", *words]
            done = subprocess.run(command, env=self.environ, cwd=self.home, capture_output=True)
            assert done.returncode == 0, done.stderr.decode()

    def _is_alive(self) -> bool:
        return self._services["webserver"].poll() is None
