"""A channel of three talks whose data is made, and short trainings of it."""

from pathlib import Path
from typing import Any

import pytest

from impressions_assets.storage.home import Artifact
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


@pytest.fixture
def talks(house: House, archive: Archive) -> str:
    house.declare("talks", archive.folder, tokenizer={"vocab_size": 300})
    assert house.data("talks").ok
    return "talks"


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
