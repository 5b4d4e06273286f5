"""Which tunings' folders nobody goes on with: they hold answers word for word."""

import os
from pathlib import Path
from typing import Any

import pytest

from impressions_assets.assets.left_trainings import left_trainings
from impressions_assets.rows import QAPairs
from impressions_assets.storage.forgetting import bury, remove_rows
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.assets.test_tuning import pair, prepared

NO_PROCESS = 2**22 + 1


def laid_out(home: Home, tmp_path: Path, parent_pid: int = NO_PROCESS, **variant: Any) -> Path:
    """A tuning of two videos' pairs, that was stopped."""
    tuning = prepared(home, tmp_path, {"a": (pair(0),), "b": (pair(1),)}, **variant)
    tuning.run.model_copy(update={"parent_pid": parent_pid}).save(tuning.run_file)
    return tuning.folder


@pytest.mark.parametrize("documents", [False, True])
def test_a_stopped_tuning_stays_until_something_that_it_learns_is_forgotten(
    home: Home, tmp_path: Path, *, documents: bool
) -> None:
    folder = laid_out(home, tmp_path, documents=documents)
    assert list(left_trainings(home, tmp_path / "scratch")) == []
    bury(home, "b")
    remove_rows(home, "b")
    assert list(left_trainings(home, tmp_path / "scratch")) == [folder]


def test_a_stopped_tuning_is_left_when_a_video_is_forgotten_whose_passage_it_learns(
    home: Home, tmp_path: Path
) -> None:
    folder = laid_out(home, tmp_path, passages=4)
    assert list(left_trainings(home, tmp_path / "scratch")) == []
    bury(home, "c")  # which asks nothing
    remove_rows(home, "c")
    assert list(left_trainings(home, tmp_path / "scratch")) == [folder]


def test_a_tuning_whose_pair_was_rejected_is_left_unless_it_runs(
    home: Home, tmp_path: Path
) -> None:
    folder = laid_out(home, tmp_path)
    rejected = QAPairs(video_id="a", pairs=(pair(0, review="rejected"),))
    home.table("qa_pairs").put("talks", [Entry(rejected)])
    assert list(left_trainings(home, tmp_path / "scratch")) == [folder]
    laid_out(home, tmp_path, os.getpid())
    home.table("qa_pairs").put("talks", [Entry(rejected)])
    assert list(left_trainings(home, tmp_path / "scratch")) == []


def test_a_folder_that_cannot_be_read_is_left(home: Home, tmp_path: Path) -> None:
    folder = laid_out(home, tmp_path)
    (folder / "exchanges.jsonl").write_text("{")
    assert list(left_trainings(home, tmp_path / "scratch")) == [folder]
