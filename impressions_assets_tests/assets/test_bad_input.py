"""Bad input: one clear error on the right video, the others go on, nothing published is lost."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterError
from sqlalchemy.exc import OperationalError

from impressions_assets.assets.declare import channel_asset
from impressions_assets.assets.retries import RETRY_TAG
from impressions_assets_tests.archives import Archive, talk, vtt
from impressions_assets_tests.houses import House, Run

pytestmark = pytest.mark.slow  # whole runs, 28 seconds together

GOOD = {"talk-a", "talk-c"}


def failed_videos(run: Run, asset: str) -> dict[str, str]:
    """The videos that an asset's check lists, with their errors."""
    check = run.check(asset, "no_video_failed")
    if check.passed:
        return {}
    table: Any = check.metadata["videos"]
    return {record.data["video"]: record.data["error"] for record in table.records}


@pytest.mark.parametrize(
    ("damage", "stage", "says"),
    [
        ("truncated info", "videos", "talk-b.info.json"),
        ("hostile id", "videos", "'../../etc' is not allowed"),
        ("info of NUL bytes", "videos", "talk-b.info.json"),
        ("captions that are a picture", "transcripts", "talk-b"),
    ],
)
def test_a_damaged_video_fails_alone_with_its_reason(
    house: House, archive: Archive, damage: str, stage: str, says: str
) -> None:
    info, captions = archive.info("talk-b"), archive.captions("talk-b")
    match damage:
        case "truncated info":
            info.write_text(info.read_text()[:40])
        case "hostile id":
            info.write_text(json.dumps({"id": "../../etc", "title": "x"}))
        case "info of NUL bytes":
            info.write_bytes(b"\0" * 500)
        case "captions that are a picture":
            captions.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(400))
    house.declare("talks", archive.folder)
    run = house.data("talks")
    assert run.ok
    failed = failed_videos(run, stage)
    assert len(failed) == 1, failed
    assert says in " ".join(failed.values())
    assert run.metadata(stage)["failed"] == 1
    assert house.decoded("talks").keys() == GOOD
    outside = [p for p in house.folder.rglob("*") if p.name == "etc"]
    assert outside == []


@pytest.mark.parametrize("damage", ["cut", "cut UTF-16", "latin-1", "NUL", "empty", "blank"])
def test_captions_that_can_be_read_in_part_are(house: House, archive: Archive, damage: str) -> None:
    captions, text = archive.captions("talk-b"), archive.captions("talk-b").read_text()
    match damage:
        case "cut":
            captions.write_text(text[: len(text) * 3 // 4])
        case "cut UTF-16":
            captions.write_bytes(text.encode("utf-16")[:-1])
        case "latin-1":
            captions.write_bytes(text.replace("a model", "un modèle").encode("latin-1"))
        case "NUL":
            captions.write_text(text.replace("the", "t\0e"))
        case "empty":
            captions.write_text("")
        case "blank":
            captions.write_text(vtt([" "] * 12))
    house.declare("talks", archive.folder)
    assert house.data("talks").ok
    decoded = house.decoded("talks")
    assert decoded.keys() >= GOOD
    assert "\0" not in "".join(decoded.values())
    has_text = damage not in ("empty", "blank")
    assert ("talk-b" in decoded) == has_text
    attempts = {row.video_id for row in house.home.table("attempts").rows("talks")}
    reasons = [
        dropped.reason
        for row in house.home.table("documents").rows("talks")
        if row.video_id == "talk-b"
        for dropped in row.dropped
    ]
    assert has_text or reasons or attempts == {"talk-b"}


def test_a_video_that_breaks_later_keeps_what_was_published(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    house.data("talks")
    before = house.decoded("talks")
    archive.info("talk-b").write_text('{"id": "talk-b", "ti')
    # Its id cannot be read any more; the name of the file still tells which video it was.
    run = house.data("talks")
    assert run.ok
    assert failed_videos(run, "videos").keys() == {"talk-b"}
    assert house.decoded("talks") == before
    archive.add("talk-b")
    mended = house.data("talks")
    assert failed_videos(mended, "videos") == {}
    assert house.home.table("attempts").count("talks") == 0


def test_one_id_in_two_sources_with_other_content_is_said_once_and_the_first_stays(
    house: House, archive: Archive, tmp_path: Path
) -> None:
    other = Archive(tmp_path / "other").add("talk-a", title="Another talk", sentences=talk("no"))
    house.declare("talks", archive.folder, other.folder)
    run = house.data("talks")
    (error,) = failed_videos(run, "videos").values()
    assert "'talk-a' comes from two sources" in error
    assert "Another talk" in error
    assert talk("talk-a")[0] in house.decoded("talks")["talk-a"]
    assert len(house.decoded("talks")) == 3


def test_a_source_that_vanished_loses_no_row_while_another_works(
    house: House, archive: Archive, tmp_path: Path
) -> None:
    second = Archive(tmp_path / "second").add("talk-z")
    house.declare("talks", archive.folder, second.folder)
    house.data("talks")
    shutil.rmtree(archive.folder)
    second.add("talk-y")
    run = house.data("talks")
    assert run.ok
    check = run.check("videos", "every_source_was_read")
    assert not check.passed
    assert "there is no folder" in repr(check.metadata)
    assert house.decoded("talks").keys() == GOOD | {"talk-b", "talk-y", "talk-z"}


def test_a_channel_whose_only_source_vanished_fails_and_keeps_its_rows(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    house.data("talks")
    shutil.rmtree(archive.folder)
    run = house.data("talks")
    assert not run.ok
    assert "there is no folder" in run.failure()
    assert "Is the path right and mounted?" in run.failure()
    assert house.ids("videos", "talks") == GOOD | {"talk-b"}
    assert len(house.decoded("talks")) == 3


def test_captions_that_vanished_after_they_were_listed_are_tried_again(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    house.data("talks", "videos")
    archive.captions("talk-b").unlink()
    run = house.data("talks", "transcripts")
    assert run.ok
    assert "cannot read talk-b.en.vtt" in failed_videos(run, "transcripts")["talk-b"]
    (attempt,) = house.home.table("attempts").rows("talks")
    assert (attempt.stage, attempt.status, attempt.count) == ("transcripts", "retry", 1)
    assert attempt.next_try is not None


def test_a_channel_without_videos_says_so_and_asks_for_text(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder, filters={"title_includes": ["nothing has this"]})
    run = house.data("talks")
    assert not run.check("videos", "not_empty").passed
    assert "channel 'talks' has no text to train a tokenizer on" in run.failure()


def test_a_channel_that_is_emptied_keeps_the_shards_that_it_has(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    house.data("talks")
    before = house.decoded("talks")
    for video_id in before:
        archive.captions(video_id).unlink()
    run = house.data("talks")
    assert "has no text to cut into shards" in run.failure()
    assert house.decoded("talks") == before


def test_a_malformed_channels_yaml_fails_with_file_line_and_field(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    text = house.home.store.read_text("channels.yaml") or ""
    house.home.store.write_text("channels.yaml", text + "    documents: {min_characters: few}\n")
    run = house.data("talks", "videos")
    line = text.count("\n") + 1
    assert f"channels.yaml:{line}: " in run.failure()
    assert "min_characters" in run.failure()


def test_a_retired_channel_fails_with_the_way_back(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    house.home.store.write_text("channels.yaml", "channels: {}\n")
    message = house.data("talks", "videos").failure()
    assert "'talks' is not in" in message
    assert "retired" in message


def test_a_full_disk_fails_the_run_and_what_was_published_stays(
    house: House, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.declare("talks", archive.folder)
    house.data("talks")
    before, version = house.decoded("talks"), house.home.version("talks", "token_shards")
    archive.add("talk-d")

    def no_space(descriptor: int) -> None:
        """A disk with late allocation tells it when the file is flushed."""
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", no_space)
        run = house.data("talks")
    assert not run.ok
    assert "No space left on device" in run.failure()
    assert "Nothing was published" in run.failure()
    assert house.home.version("talks", "token_shards") == version
    assert list(house.folder.rglob("*.part")) == []
    assert house.data("talks").ok
    assert house.decoded("talks").keys() == before.keys() | {"talk-d"}


def test_a_damaged_stored_file_is_named_and_made_again_when_it_is_deleted(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    house.data("talks")
    (file, *_) = house.home.version("talks", "tokenizer").files
    blob = house.folder / "storage" / "files" / file.digest[:2] / file.digest
    blob.write_bytes(blob.read_bytes()[:-7])
    archive.add("talk-d")
    run = house.data("talks")
    assert file.name in run.failure()
    assert "was damaged after it was stored" in run.failure()
    blob.unlink()
    assert house.data("talks").ok
    assert house.decoded("talks").keys() == GOOD | {"talk-b", "talk-d"}


def test_shards_that_vanished_from_the_store_are_made_again(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    house.data("talks")
    before = house.home.version("talks", "token_shards")
    for file in before.files:
        (house.folder / "storage" / "files" / file.digest[:2] / file.digest).unlink()
    assert house.data("talks", "token_shards").ok
    assert house.home.version("talks", "token_shards") == before
    assert house.decoded("talks").keys() == GOOD | {"talk-b"}


def test_a_run_is_retried_only_where_trying_again_helps(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    shutil.rmtree(archive.folder)  # a disk that is not mounted may be mounted later
    away = house.data("talks")
    house.home.store.write_text("channels.yaml", "channels: {}\n")
    retired = house.data("talks")
    tags = [house.instance.get_run_by_id(run.result.run_id).tags for run in (away, retired)]
    # What is due again is in `attempts`, with a time of its own.
    assert [tag[RETRY_TAG] for tag in tags] == ["false", "false"]


@pytest.mark.parametrize("asset", ["videos", "transcripts"])  # one step, and a graph of several
def test_a_run_whose_database_was_away_is_begun_anew(
    house: House, archive: Archive, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    house.declare("talks", archive.folder)
    assert house.data("talks", "videos").ok
    store = house.instance.event_log_storage.store_event

    def refuse(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event and event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            raise DagsterError("too many retries") from OperationalError("INSERT", {}, OSError())
        store(entry)

    monkeypatch.setattr(house.instance.event_log_storage, "store_event", refuse)
    default = "run_retries_retry_on_asset_or_op_failure"  # as deploy/dagster.yaml sets it
    monkeypatch.setattr(dg.DagsterInstance, default, False)
    run = house.data("talks", asset)
    assert not run.ok
    assert house.instance.get_run_by_id(run.result.run_id).tags[RETRY_TAG] == "true"


def test_a_mistake_of_ours_is_not_dressed_up_as_the_users() -> None:
    @channel_asset(group="text", kinds=set(), version=1)
    def breaks() -> None:
        """Break."""
        raise KeyError("a bug")

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("channel", ["talks"])
        result = dg.materialize(
            [breaks], partition_key="talks", instance=instance, raise_on_error=False
        )
        (event,) = [e for e in result.all_events if e.is_step_failure]
        assert event.step_failure_data.user_failure_data is None
