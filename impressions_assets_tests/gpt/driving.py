"""Driving a training from a test: killed or signalled at a log line, or as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.gpt.trainer import train

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and go on."""


def trained(
    run: TrainingRun, *, at: tuple[str, Callable[[], None]] | None = None, lines=None
) -> TrainingResult:
    """Train; call the second of `at` when a log line starts with the first."""

    def log(line: str) -> None:
        if lines is not None:
            lines.append(line)
        if at and " ".join(line.split()).startswith(at[0]):
            at[1]()

    with StopRequest() as stop:
        return train(run, log, stop)


def kill() -> None:
    raise Killed


def killed(run: TrainingRun, line: str) -> None:
    with pytest.raises(Killed):
        trained(run, at=(line, kill))


def send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def started(run: TrainingRun, folder: Path, wrapper: str = "") -> subprocess.Popen[str]:
    run.save(folder / "run.json")
    command = [sys.executable, "-m", "impressions_assets.gpt.train", str(folder / "run.json")]
    if wrapper:
        command = [sys.executable, "-c", wrapper, *command]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for_line(process: subprocess.Popen[str], start: str | tuple[str, ...]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith(start):
            return
    raise AssertionError(f"the training ended without a line {start!r}")
