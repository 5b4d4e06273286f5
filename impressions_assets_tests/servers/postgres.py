"""A PostgreSQL of the test's own on a free port of loopback, where the machine has its programs."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Literal, Self

from impressions_assets_tests.servers.dagster_dev import free_port

USER = "impressions"
_QUIETLY = "-c fsync=off -c unix_socket_directories= -c listen_addresses=127.0.0.1"


def programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are, which Debian puts on nobody's PATH; None without them."""
    found = shutil.which("initdb")
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = Path(found) if found else max(debian, key=lambda p: int(p.parts[-3]), default=None)
    return newest and newest.resolve().parent


class Postgres:
    """A database `impressions` of the user `impressions`, whom loopback lets in with a password."""

    password = "of-the-test"

    def __init__(self) -> None:
        self.port = free_port()
        self._programs = programs()
        # Not pytest's folder: the database runs as another user, whom that lets in nowhere.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._as: list[str] = []
        if os.getuid() == 0:  # as which the server refuses to run
            user = pwd.getpwnam("postgres")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as = [
                "setpriv",
                f"--reuid={user.pw_uid}",
                f"--regid={user.pw_gid}",
                "--clear-groups",
            ]

    def __enter__(self) -> Self:
        secret = self._folder / "password"
        secret.write_text(self.password)
        how = ["-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C", "-N"]
        shutil.chown(secret, self._folder.owner())
        self._run("initdb", "-D", self._data, "-U", USER, *how)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    @property
    def environ(self) -> dict[str, str]:
        """What deploy/dagster.yaml wants to know of it."""
        facts = {"HOST": "127.0.0.1", "PORT": str(self.port), "DB": "postgres"}
        facts |= {"USER": USER, "PASSWORD": self.password}
        return {f"POSTGRES_{name}": value for name, value in facts.items()}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} {_QUIETLY}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")

    def crash(self) -> None:
        """Cut every connection and every write, as a machine does that loses its power."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def restart(self, how: Literal["fast", "immediate"]) -> None:
        """Cut every connection, after its write or (`immediate`) amid it, and answer again."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-m", how, "restart")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        assert self._programs is not None, "no PostgreSQL here: apt-get install postgresql"
        command = [*self._as, str(self._programs / program), *arguments]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120
        )
        assert done.returncode == 0, done.stderr.decode()
