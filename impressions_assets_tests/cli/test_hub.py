"""The Hugging Face hub: what is pushed there with a token, and what it does not give."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")

from impressions_assets_tests.cli.conftest import Impressions
from impressions_assets_tests.servers.hub import Hub

TOKEN = "hf_of_a_test"
pytestmark = pytest.mark.slow  # its address is read where the hub's library is imported: children


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub(TOKEN)
    with made.running():
        yield made


def in_child(hub: Hub, tmp_path: Path, *arguments: str, token: str = "") -> tuple[int, str]:
    """Run Python where the hub is ours."""
    known = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "COLUMNS": "500"}
    known |= {"HF_TOKEN": token} if token else {}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, *arguments], env=inherited | known, capture_output=True, text=True
    )
    return done.returncode, done.stderr


def exported(hub: Hub, tmp_path: Path, to: str, token: str = "") -> tuple[int, str]:
    export = ("-m", "impressions_assets", "export", "talks", "--format", "jsonl", "--to", to)
    return in_child(hub, tmp_path, *export, token=token)


@pytest.fixture
def permitted(talks: Path, in_talks: Impressions) -> None:
    """The channel says that it may be published."""
    file = talks / "storage" / "channels.yaml"
    named = "  talks:\n"
    text = file.read_text("utf-8")
    assert named in text
    file.write_text(text.replace(named, f"{named}    permission: We said it ourselves.\n"), "utf-8")


@pytest.mark.usefixtures("permitted")
def test_a_dataset_and_its_card_are_pushed_in_one_commit(hub: Hub, tmp_path: Path) -> None:
    code, said = exported(hub, tmp_path, "hf://datasets/me/talks/data", TOKEN)
    assert code == 0, said
    [(name, [files])] = hub.commits.items()
    assert name == "datasets/me/talks"
    assert {path.partition("/")[0] for path in files} == {"data"}
    assert b"We said it ourselves." in files["data/README.md"]
    assert files["data/documents.jsonl"].count(b"\n") == 3


@pytest.mark.usefixtures("permitted")
def test_a_push_without_a_token_says_how_to_get_one(hub: Hub, tmp_path: Path) -> None:
    for token in ("", "hf_wrong"):
        code, said = exported(hub, tmp_path, "hf://me/talks", token)
        assert code == 1
        assert "https://huggingface.co/settings/tokens" in said
        assert "HF_TOKEN" in said
    assert hub.commits == {}


@pytest.mark.usefixtures("permitted")
def test_a_push_to_half_a_name_says_how_it_is_written(hub: Hub, tmp_path: Path) -> None:
    code, said = exported(hub, tmp_path, "hf://datasets/me", TOKEN)
    assert (code, "hf://datasets/OWNER/NAME" in said) == (1, True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "meta/gated-8b",
            ("is gated", "huggingface.co/meta/gated-8b", "settings/tokens", "HF_TOKEN"),
        ),
        ("me/nothing", ("has no me/nothing for you", "HF_TOKEN")),
        ("me/forbidden", ("refuses me/forbidden", "settings/tokens", "HF_TOKEN")),
        ("me/broken", ("cannot fetch me/broken", "whole path of a folder")),
    ],
)
def test_a_base_that_the_hub_does_not_give_says_how_to_get_it(
    hub: Hub, tmp_path: Path, name: str, told: tuple[str, ...]
) -> None:
    pytest.importorskip("transformers")
    opened = f"from impressions_assets.chat.base import open_base; open_base({name!r})"
    code, said = in_child(hub, tmp_path, "-c", opened)
    assert code == 1
    assert "ConfigError" in said
    assert all(part in said for part in told)
