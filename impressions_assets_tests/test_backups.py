"""Backups of a server, as deploy/README.md makes and brings them back, with a real Postgres."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from impressions_assets_tests.servers.postgres import Postgres, programs

README = (Path(__file__).parents[1] / "deploy" / "README.md").read_text()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(programs() is None, reason="no PostgreSQL here: apt-get install postgresql"),
]


def test_a_database_is_brought_back_to_what_it_was(tmp_path: Path) -> None:
    (dump,) = re.findall(r"exec -T postgres (pg_dump .*)$", README, re.MULTILINE)
    (restore,) = re.findall(r"exec -T postgres (psql .*)$", README, re.MULTILINE)
    with Postgres() as server:

        def told(command: str) -> str:
            place = {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(server.port),
                "PGPASSWORD": server.password,
            }
            path = f"{programs()}:{os.environ['PATH']}"
            environ = {**os.environ, **place, "PATH": path}
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environ, check=True, capture_output=True
            )
            return done.stdout.decode().strip()

        def asked(sql: str, database: str = "impressions") -> str:
            return told(f'psql -U impressions -At {database} -c "{sql}"')

        asked("CREATE DATABASE impressions", "postgres")
        asked("CREATE TABLE runs AS SELECT 1 AS id")
        told(dump)
        asked("DELETE FROM runs")
        asked("ALTER TABLE runs ADD COLUMN later int")
        told(restore)
        assert asked("SELECT * FROM runs") == "1"
