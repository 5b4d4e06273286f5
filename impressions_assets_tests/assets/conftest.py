"""A channel of three talks whose data is made, and short trainings of it."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.storage.records import Artifact
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House, Run
from impressions_assets_tests.recognizers import python_of

SHORT = {
    "model_preset": "debug",
    "max_iters": 6,
    "eval_interval": 3,
    "eval_iters": 2,
    "log_interval": 1,
    "device": "cpu",
}


SMALL = {"vocab_size": 300}


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storage of three talks, whose data is made once."""
    folder = tmp_path_factory.mktemp("made")
    archive = Archive(folder / "archive").add("talk-a").add("talk-b").add("talk-c")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("IMPRESSIONS_HOME", str(folder))
        house = House(folder, instance)
        house.declare("talks", archive.folder, tokenizer=SMALL)
        assert house.data("talks").ok
    return folder / "storage"


@pytest.fixture
def talks(house: House, archive: Archive, _made: Path) -> str:
    """A copy of that, beside an archive of the test's own with the same talks."""
    storage, ours = house.folder / "storage", shutil.ignore_patterns(CHANNELS_FILE)
    shutil.copytree(_made, storage, dirs_exist_ok=True, ignore=ours)
    return house.declare("talks", archive.folder, tokenizer=SMALL)


def train(house: House, channel: str, **flags: Any) -> Run:
    return house.model(channel, "checkpoint", **{**SHORT, **flags})


def versions(house: House, channel: str) -> list[tuple[int, bool]]:
    return [(v.version, v.current) for v in house.home.artifacts(channel, "checkpoint")]


def weights(house: House, version: Artifact) -> dict[str, str]:
    return {f.name: f.digest for f in version.files if f.name.endswith(".safetensors")}


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for whisperx counts what it did, and is told what to do wrong."""
    folder = tmp_path / "counted"
    folder.mkdir()
    monkeypatch.setenv("ASR_PYTHON", str(python_of(tmp_path)))
    monkeypatch.setenv("COUNTED", str(folder))
    return folder
