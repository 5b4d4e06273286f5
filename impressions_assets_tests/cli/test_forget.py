"""`forget`: what it leaves of a video is a tombstone."""

import time
from pathlib import Path

import pytest
from pyarrow import parquet

from impressions_assets.reader import open_channel
from impressions_assets.rows import PUBLISHED
from impressions_assets.sources.archive import ArchiveSource
from impressions_assets.sources.remembered import Remembered
from impressions_assets.storage.forgetting import channels_with_shards_of, is_buried, learned_from
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import ROW_TYPES
from impressions_assets_tests.assets.test_tuning import pair, prepared
from impressions_assets_tests.cli.conftest import DATA, Impressions

TRAIN = ("--preset", "debug", "--max-iters", "2", "--eval-interval", "1", "--device", "cpu")


def home_of(talks: Path) -> Home:
    return Home(str(talks / "storage"))


def rows_of(home: Home, video_id: str) -> list[str]:
    """The tables that hold a row of a video, in any channel."""
    return [
        name
        for name in ROW_TYPES
        for channel in home.table(name).channels()
        if name not in ("artifacts", "allowances", "tombstones")
        and any(row.video_id == video_id for row in home.table(name).rows(channel))
    ]


def everything_in(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(parquet.ParquetFile(path).read().to_pylist())
    return path.read_text()


def test_without_yes_it_only_shows_what_would_go(in_talks: Impressions, talks: Path) -> None:
    said = in_talks("forget", "talk-b")
    assert said.exit_code == 0, said.stderr
    assert "nothing was removed" in said.stderr
    assert {line.split()[0] for line in said.stdout.splitlines()[1:]} >= {*PUBLISHED, "captures"}
    assert len(rows_of(home_of(talks), "talk-b")) == len(PUBLISHED) + 1


@pytest.mark.slow
def test_its_rows_captures_and_tokens_go_and_no_run_brings_it_back(
    in_talks: Impressions, talks: Path
) -> None:
    said = in_talks("forget", "talk-b", "--yes")
    assert said.exit_code == 0, said.stderr
    home = home_of(talks)
    assert rows_of(home, "talk-b") == []
    assert is_buried(home, "talk-b")
    assert channels_with_shards_of(home, "talk-b") == []
    assert channels_with_shards_of(home, "talk-a") == ["talks"]

    again = in_talks("materialize", "talks", "--select", DATA)
    assert again.exit_code == 0, again.stderr
    assert rows_of(home_of(talks), "talk-b") == []
    assert set(open_channel("talks", str(talks / "storage")).shards()["video_id"]) == {
        "talk-a",
        "talk-c",
    }


def test_no_file_of_the_storage_holds_its_words_any_more(
    in_talks: Impressions, talks: Path
) -> None:
    def holding(words: str) -> set[str]:
        files = [path for path in (talks / "storage/tables").rglob("*") if path.is_file()]
        return {path.parent.as_posix() for path in files if words in everything_in(path)}

    assert any("/transcripts/" in folder for folder in holding("talk-c 3"))
    files = {path.name for path in (talks / "storage/files").rglob("*") if path.is_file()}
    in_talks("forget", "talk-c", "--yes")
    assert holding("talk-c 3") == set()
    assert holding("Talk talk-c") == set()
    left = {path.name for path in (talks / "storage/files").rglob("*") if path.is_file()}
    gone = files - left
    assert gone
    assert {f.digest for f in home_of(talks).version("talks", "token_shards").files} <= left


def test_what_was_remembered_of_its_archive_goes_as_well(
    in_talks: Impressions, talks: Path, made_talks: Path
) -> None:
    later = Remembered(talks / "scratch", lambda: time.time_ns() + 60_000_000_000)
    assert len(list(ArchiveSource(made_talks.parent / "archive", memory=later).list_videos())) == 3
    (listing,) = (talks / "scratch/listings").iterdir()
    assert "Talk talk-b" in listing.read_text()
    in_talks("forget", "talk-b", "--yes")
    assert not listing.exists()


def test_a_stopped_tuning_with_its_answers_goes_and_one_that_is_being_prepared_stays(
    in_talks: Impressions, talks: Path
) -> None:
    home = home_of(talks)
    pairs = {"talk-a": (pair(0),), "talk-b": (pair(1),)}
    tuning = prepared(home, talks, pairs)
    tuning.run.model_copy(update={"parent_pid": 2**22 + 1}).save(tuning.run_file)
    begun = talks / "scratch" / "tuning" / "talks-begun"
    begun.mkdir()
    in_talks("forget", "talk-b", "--yes")
    assert not tuning.folder.exists()
    assert begun.is_dir()


@pytest.mark.slow
def test_a_model_that_learned_from_it_is_shown_as_stale(in_talks: Impressions, talks: Path) -> None:
    trained = in_talks("train", "talks", *TRAIN)
    assert trained.exit_code == 0, trained.stderr
    (made,) = home_of(talks).artifacts("talks", "checkpoint")
    assert learned_from(home_of(talks), made) == {"talk-a", "talk-b", "talk-c"}
    assert "stale" not in in_talks("models", "talks").stdout

    said = in_talks("forget", "talk-b", "--yes").stdout
    assert "stale: checkpoint version 1 of talks, the promoted one learned from it" in said
    assert "stale: learned from 1 forgotten video" in in_talks("models", "talks").stdout


@pytest.mark.slow
def test_a_model_that_went_on_from_a_stale_one_is_stale_too(
    in_talks: Impressions, talks: Path
) -> None:
    assert in_talks("train", "talks", *TRAIN).exit_code == 0
    assert in_talks("forget", "talk-b", "--yes").exit_code == 0
    again = in_talks("train", "talks", *TRAIN, "--init", "last")
    assert again.exit_code == 0, again.stderr
    _, second = home_of(talks).artifacts("talks", "checkpoint")
    assert "talk-b" in learned_from(home_of(talks), second)


@pytest.mark.slow
def test_a_plan_does_not_promise_what_was_forgotten(in_talks: Impressions, talks: Path) -> None:
    in_talks("forget", "talk-b", "--yes")
    said = in_talks("materialize", "talks", "--select", "videos", "--plan")
    (line,) = [line for line in said.stdout.splitlines() if line.startswith("videos")]
    assert line.split()[1:] == ["0", "0", "2", "0"]


@pytest.mark.slow
def test_forgetting_that_was_cut_short_goes_on(in_talks: Impressions, talks: Path) -> None:
    from impressions_assets.storage.forgetting import bury, remove_rows

    home = home_of(talks)
    bury(home, "talk-b")
    remove_rows(home, "talk-b")
    assert channels_with_shards_of(home, "talk-b") == ["talks"]
    said = in_talks("forget", "talk-b", "--yes")
    assert said.exit_code == 0, said.stderr
    assert channels_with_shards_of(home_of(talks), "talk-b") == []


def test_the_shards_of_a_channel_that_left_the_file_go_as_a_whole(
    in_talks: Impressions, talks: Path
) -> None:
    (talks / "storage/channels.yaml").write_text("channels: {}\n")
    said = in_talks("forget", "talk-b", "--yes")
    assert said.exit_code == 0, said.stderr
    assert home_of(talks).current("talks", "token_shards") is None


@pytest.mark.slow
def test_what_is_forgotten_already_is_said_to_be(in_talks: Impressions) -> None:
    assert in_talks("forget", "talk-b", "--yes").exit_code == 0
    said = in_talks("forget", "talk-b")
    assert (said.exit_code, said.stdout) == (0, "")
    assert said.stderr == "talk-b is forgotten already, and in no table\n"


@pytest.mark.parametrize("unknown", ["talk-x", "https://youtu.be/talk-x"])
def test_a_video_that_is_nowhere_is_an_error_that_names_what_is_near(
    in_talks: Impressions, unknown: str
) -> None:
    said = in_talks("forget", unknown, "--yes")
    assert said.exit_code == 1
    assert "video 'talk-x' is not in any channel (talks)" in said.stderr
