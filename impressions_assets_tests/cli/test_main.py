"""The command as a whole: what it offers, how it speaks of mistakes, what it loads."""

import errno
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import typer

from impressions_assets.cli.main import app
from impressions_assets_tests.cli.conftest import Impressions

COMMANDS = {
    "add", "channels", "materialize", "train", "generate", "show", "redo", "search", "ask",
    "export", "models", "correct", "status", "forget", "gc", "dev", "demo", "nanogpt", "serve",
    "storage",
    "guard",
}  # fmt: skip


def test_every_command_is_there() -> None:
    group = typer.main.get_command(app)
    assert set(group.commands) == COMMANDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_documented_with_an_example(name: str) -> None:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.help
    assert f"impressions {name}" in command.epilog
    undescribed = [p.name for p in command.params if not getattr(p, "help", None)]
    assert undescribed == []


@pytest.mark.parametrize(
    ("name", "usage"),
    [("add", "[SOURCE]..."), ("train", "{NAME}"), ("show", "{VIDEO}"), ("correct", "[SHEET]...")],
)
def test_arguments_are_called_in_help_as_in_our_pages(
    impressions: Impressions, name: str, usage: str
) -> None:
    assert f" {usage}\n" in re.sub(" +\n", "\n", impressions(name, "--help").output)


def test_help_shows_examples_that_fit_a_narrow_terminal(impressions: Impressions) -> None:
    shown = impressions("--help")
    assert "impressions materialize mine" in shown.output
    group = typer.main.get_command(app)
    epilogs = [group.epilog, *(c.epilog for c in group.commands.values())]  # type: ignore[attr-defined]
    assert max(len(line) for text in epilogs for line in text.splitlines()) <= 78


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = {"dagster", "torch", "pandas", "deltalake", "pyarrow"}
    code = f"import sys, impressions_assets.cli.main; print({heavy!r} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_a_mistake_is_one_line_on_standard_error_and_exit_code_1(impressions: Impressions) -> None:
    said = impressions("materialize", "nowhere")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith("error: channel 'nowhere' is not in")
    assert said.stderr.count("\n") == 1


def test_wrong_usage_is_exit_code_2(impressions: Impressions) -> None:
    assert impressions("materialize").exit_code == 2
    assert impressions("materialise", "mine").exit_code == 2
    assert impressions("train", "mine", "--max-iterations", "3").exit_code == 2
    assert impressions("add").exit_code == 2


def test_a_home_that_is_a_file_is_one_line(
    impressions: Impressions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "file"))
    said = impressions("channels")
    assert said.exit_code == 1
    assert "is a file; write a folder" in said.stderr


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("(sqlite3.OperationalError) database or disk is full"),
    ],
)
def test_a_full_disk_is_one_line(
    impressions: Impressions, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("impressions_assets.cli.channels.open_place", Mock(side_effect=error))
    said = impressions("channels")
    assert said.exit_code == 1
    assert said.stderr.startswith("error: the disk is full")


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "impressions_assets", "--help"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "A channel goes in" in ran.stdout


def test_what_the_system_refuses_is_one_line(in_talks: Impressions, tmp_path: Path) -> None:
    (tmp_path / "talks/dagster").rename(tmp_path / "dagster")
    (tmp_path / "talks/dagster").write_text("a file where a folder should be")
    said = in_talks("materialize", "talks", "--select", "videos")
    assert said.exit_code == 1
    assert said.stderr.startswith("error: [Errno 17] File exists")
    assert "Traceback" not in said.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_mistake(in_talks: Impressions) -> None:
    command = f"{sys.executable} -m impressions_assets show talk-a | head -1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("Talk talk-a\n", "")
