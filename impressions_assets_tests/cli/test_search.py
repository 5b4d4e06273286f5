"""`search`."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from impressions_assets.storage import forgetting
from impressions_assets_tests.chat.tiny import write_encoder
from impressions_assets_tests.cli.conftest import Impressions, set_in_channels


def test_a_passage_is_shown_with_its_title_and_time(in_talks: Impressions) -> None:
    said = in_talks("search", "talks", "talk", "a", "11", "-n", "1")
    assert said.exit_code == 0, said.stderr
    assert said.stdout.startswith("1. Talk talk-a at 0:00\n")
    assert "talk-a 11." in said.stdout


def test_programs_get_whole_passages(in_talks: Impressions) -> None:
    said = in_talks("search", "talks", "tokens attention", "--json")
    found = json.loads(said.stdout)
    assert {one["title"] for one in found} == {"Talk talk-a", "Talk talk-b", "Talk talk-c"}
    assert [one["score"] for one in found] == sorted((o["score"] for o in found), reverse=True)
    assert found[0]["start_seconds"] == 0.0


def test_words_that_nobody_says_are_no_error(in_talks: Impressions) -> None:
    said = in_talks("search", "talks", "elephants")
    assert (said.exit_code, said.stdout) == (0, "")
    assert "no passage of 'talks' holds any of these words" in said.stderr
    assert json.loads(in_talks("search", "talks", "elephants", "--json").stdout) == []


def test_an_unknown_channel_is_told_what_there_is(in_talks: Impressions) -> None:
    said = in_talks("search", "walks", "tokens")
    assert said.exit_code == 1
    assert "did you mean talks?" in said.stderr


def test_a_forgotten_video_is_found_no_more(in_talks: Impressions) -> None:
    assert "Talk talk-a" in in_talks("search", "talks", "talk a 11").stdout
    in_talks("forget", "talk-a", "--yes")
    assert "Talk talk-a" not in in_talks("search", "talks", "talk a 11").stdout


def test_with_an_encoder_what_nobody_says_is_found_and_the_first_search_tells_what_it_makes(
    in_talks: Impressions, talks: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    folder = write_encoder(tmp_path / "model", ["talk", "elephants"])
    set_in_channels(talks, search={"encoder": str(folder)})
    first, again = (in_talks("search", "talks", "elephants", "--json") for _ in range(2))
    assert first.exit_code == 0, first.stderr
    assert "3 passages to encode, for search by meaning; interrupted, it goes on" in first.stderr
    assert "to encode" not in again.stderr
    assert first.stdout == again.stdout
    assert {one["title"] for one in json.loads(first.stdout)} == {
        "Talk talk-a",
        "Talk talk-b",
        "Talk talk-c",
    }


@pytest.mark.parametrize("is_cut_short", [False, True])
def test_a_forgotten_video_costs_the_vectors_of_its_own_channels_alone(
    in_talks: Impressions,
    talks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_cut_short: bool,
) -> None:
    """They take hours to make."""
    pytest.importorskip("transformers")
    folder = write_encoder(tmp_path / "model", ["talk", "elephants"])
    set_in_channels(talks, search={"encoder": str(folder)})
    assert in_talks("search", "talks", "elephants").exit_code == 0
    ours, theirs = (talks / "scratch/search" / f"{name}.vectors" for name in ("talks", "others"))
    shutil.copytree(ours, theirs)
    (talks / "storage" / "channels.yaml").write_text("channels: {}\n", "utf-8")
    if is_cut_short:
        monkeypatch.setattr(forgetting, "remove_rows", lambda *_: sys.exit(3))
    assert in_talks("forget", "talk-a", "--yes").exit_code == 3 * is_cut_short
    assert not ours.exists()
    assert list(theirs.rglob("*.npz"))


def test_an_encoder_that_is_not_there_is_told(in_talks: Impressions, talks: Path) -> None:
    pytest.importorskip("transformers")
    set_in_channels(talks, search={"encoder": "/nowhere"})
    said = in_talks("search", "talks", "tokens")
    assert said.exit_code == 1
    assert "cannot load a model from /nowhere: there is no such folder" in said.stderr


def test_a_channel_that_left_channels_yaml_is_searched_by_words(
    in_talks: Impressions, talks: Path
) -> None:
    (talks / "storage" / "channels.yaml").write_text("channels: {}\n", "utf-8")
    assert "Talk talk-a" in in_talks("search", "talks", "talk", "a", "11").stdout
