"""`dev`, and commands beside it: they use its queue while it lives, and none when it died."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.runs import daemon_is_alive, open_instance
from impressions_assets_tests.cli.conftest import Impressions
from impressions_assets_tests.servers.dagster_dev import eventually

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-P", "-m", "impressions_assets"]


@pytest.fixture
def dev(talks: Path, in_talks: Impressions, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`impressions dev` in the home of the three talks, its daemon alive."""
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd/queue.py").write_text("raise SystemExit('a file of the user')\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with (tmp_path / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, "dev", "--port", port],
            cwd=tmp_path / "cwd",
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        with open_instance(talks / "dagster") as instance:
            eventually(lambda: _is_up(process, instance), "the daemon to come up")
            assert instance.event_log_storage.get_concurrency_info("gpu").limit == 1
        yield process
    finally:
        kill(process)


def environment() -> dict[str, str]:
    """Ours, in which the package is found from any folder, installed or not."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _is_up(process: subprocess.Popen[bytes], instance: dg.DagsterInstance) -> bool:
    assert process.poll() is None, "see dev.log"
    return daemon_is_alive(instance)


def kill(process: subprocess.Popen[bytes]) -> None:
    """`kill -9` of the whole group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_commands_use_the_queue_of_dev_and_do_without_when_it_was_killed(
    dev: subprocess.Popen[bytes], in_talks: Impressions, talks: Path
) -> None:
    refused = in_talks("dev", "--port", "1")
    assert (refused.exit_code, "is running already" in refused.stderr) == (1, True)
    queued = in_talks("materialize", "talks", "--select", "videos,chapters")
    assert queued.exit_code == 0, queued.stderr
    assert "is in the queue of Dagster's daemon" in queued.stderr
    assert "✓ chapters 3 rows, nothing to compute" in queued.stderr
    failed = in_talks("materialize", "talks", "--select", "evaluation")
    assert failed.exit_code == 1
    assert "error: evaluation: channel 'talks' has no current version" in failed.stderr
    _stops_a_queued_training(talks)
    kill(dev)
    here = in_talks("materialize", "talks", "--select", "videos")
    assert here.exit_code == 0, here.stderr
    assert "queue" not in here.stderr


def _stops_a_queued_training(talks: Path) -> None:
    """Ctrl-C reaches the run that the daemon started, and its training saves."""
    flags = ["--preset", "debug", "--max-iters", "100000", "--log-interval", "1"]
    with subprocess.Popen(
        [*COMMAND, "train", "talks", *flags],
        env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        lines = iter(process.stderr)
        next(line for line in lines if "step" in line and "loss" in line)
        process.send_signal(signal.SIGINT)
        said = "".join(lines)
        assert process.wait() == 130, said
    assert "stopping the run; it saves what it has" in said
    assert "stopped; kept as version 1 of talks" in said
