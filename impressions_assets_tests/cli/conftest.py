"""A home of the test's own, and the command line in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from ruamel.yaml import YAML
from typer.testing import CliRunner

from impressions_assets.cli.main import app
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.once import made_once

ROOT = Path(__file__).parents[2]
Impressions = Callable[..., Any]
DATA = "videos,transcripts,chapters,articles,qa_pairs,documents,tokenizer,token_shards"


def _command_line(*arguments: str, typed: str | None = None) -> Any:
    # Lines as long as they come: what is tested is what is said, not where it is broken.
    return CliRunner().invoke(app, arguments, typed, env={"COLUMNS": "300", "TERM": "dumb"})


@pytest.fixture(scope="session", autouse=True)
def _commands_made_once() -> Iterator[None]:
    """Typer makes all commands anew for each that it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


@pytest.fixture
def impressions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Impressions:
    """Runs a command in an empty home."""
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IMPRESSIONS_STORAGE", raising=False)
    return _command_line


@pytest.fixture(scope="session")
def made_talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a dataset of three talks, made once; what was said stands beside it."""
    folder = tmp_path_factory.mktemp("talks")
    archive = Archive(folder / "archive")
    stamps = "0:00 Beginning\n0:20 Middle\n0:40 End"
    archive.add("talk-a", description=stamps).add("talk-b").add("talk-c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPRESSIONS_HOME", str(folder / "home"))
        patch.delenv("IMPRESSIONS_STORAGE", raising=False)
        added = _command_line("add", str(archive.folder), "--name", "talks")
        assert added.exit_code == 0, added.output
        made = _command_line("materialize", "talks", "--select", DATA)
        assert made.exit_code == 0, made.output
    (folder / "said").write_text(made.stderr)
    return folder / "home"


@pytest.fixture
def talks(made_talks: Path, tmp_path: Path) -> Path:
    """The home of the three talks, to change as one likes."""
    return shutil.copytree(made_talks, tmp_path / "talks")


@pytest.fixture
def in_talks(talks: Path, impressions: Impressions, monkeypatch: pytest.MonkeyPatch) -> Impressions:
    """Runs a command in the home of the three talks."""
    monkeypatch.setenv("IMPRESSIONS_HOME", str(talks))
    return impressions


def set_in_channels(home: Path, **settings: object) -> None:
    """Write settings of the channel of three talks."""
    path, yaml = home / "storage" / "channels.yaml", YAML()
    written = yaml.load(path)
    written["channels"]["talks"] |= settings
    yaml.dump(written, path)


@pytest.fixture(scope="session")
def made_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves: its `home`, a copy `untouched`, and what it `said`."""
    return made_once(tmp_path_factory, "demo", _make_demo)


def _make_demo(folder: Path) -> None:
    """Run it as a newcomer does, but for the environment, which is the one that tests run in."""
    folder.mkdir(parents=True)
    environ = {**os.environ, "IMPRESSIONS_HOME": str(folder / "home"), "COLUMNS": "300"}
    environ.pop("IMPRESSIONS_STORAGE", None)
    here = [f"BIN={Path(sys.executable).parent}", "--assume-old", ".venv/ready"]
    command = ["make", "--no-print-directory", "demo", *here]
    made = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (folder / "said").write_text(made.stdout, "utf-8")
    shutil.copytree(folder / "home", folder / "untouched")
