"""From an archive to token shards: all rows, nothing twice, the way back, one video alone."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.gpt.manifest import MANIFEST, locate
from impressions_assets.reader import open_channel
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets_tests.archives import Archive, talk
from impressions_assets_tests.houses import House, Run
from impressions_assets_tests.text.test_segmentation import TOPICS
from impressions_assets_tests.text.test_segmentation import talk as topics

pytestmark = pytest.mark.slow  # whole runs

TABLES = ("videos", "transcripts", "chapters", "articles", "qa_pairs", "documents")
TALKS = {"talk-a", "talk-b", "talk-c"}
CHAPTERS = "0:00 Opening\n0:20 The middle part\n0:40 How it ends"


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Run]]:
    """A house with the channel "talks", and the run that filled it: for tests that only look."""
    folder = tmp_path_factory.mktemp("lived-in")
    archive = Archive(folder / "archive").add("talk-a").add("talk-b").add("talk-c")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("IMPRESSIONS_HOME", str(folder / "home"))
        house = House(folder / "home", instance)
        house.declare("talks", archive.folder)
        first = house.data("talks")
        assert first.ok
        yield house, first


@pytest.fixture
def talks(house: House, archive: Archive) -> str:
    """A channel of three talks that is up to date."""
    house.declare("talks", archive.folder)
    assert house.data("talks").ok
    return "talks"


def versions(house: House, channel: str) -> dict[str, str]:
    return {name: house.data_version(name, channel) for name in (*TABLES, "token_shards")}


def input_digests(home: Home, channel: str) -> dict[str, dict[str, str]]:
    return {
        table: {key: found.input for key, found in home.table(table).digests(channel).items()}
        for table in TABLES
    }


def changed_rows(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> set[str]:
    return {
        key
        for table in TABLES
        for key in before[table].keys() | now[table].keys()
        if before[table].get(key) != now[table].get(key)
    }


def check_shards_say_what_the_documents_say(house: House, channel: str) -> None:
    documents = house.home.table("documents").columns(channel, "video_id", "text")
    assert house.decoded(channel) == {video_id: text for video_id, text in documents if text}


def test_every_video_has_a_row_in_every_table(lived_in: tuple[House, Run]) -> None:
    house, _ = lived_in
    assert {table: house.ids(table, "talks") for table in TABLES} == dict.fromkeys(TABLES, TALKS)
    assert house.home.table("attempts").count("talks") == 0


def test_decoded_shards_are_the_documents_byte_for_byte(lived_in: tuple[House, Run]) -> None:
    house, _ = lived_in
    assert house.decoded("talks").keys() == TALKS
    check_shards_say_what_the_documents_say(house, "talks")


def test_captions_hold_every_sentence_and_its_second(lived_in: tuple[House, Run]) -> None:
    house, _ = lived_in
    row = house.home.table("transcripts").get("talks", key_of("talk-b"))
    assert row is not None
    said = [(segment.start_seconds, segment.text) for segment in row.segments]
    assert said == [(5.0 * n, sentence) for n, sentence in enumerate(talk("talk-b"))]


def test_a_token_range_leads_back_to_its_video_and_second(lived_in: tuple[House, Run]) -> None:
    house, _ = lived_in
    folder, manifest = house.shards("talks")
    for shard in manifest.shards:
        for listed in shard.documents:
            start, end = listed.token_start, listed.token_end
            (first,) = locate(folder, shard.file, start, start + 1)
            (last,) = locate(folder, shard.file, end - 1, end)
            assert (first.video_id, first.start_seconds) == (listed.video_id, 0.0)
            assert (last.video_id, last.start_seconds) == (listed.video_id, 55.0)


def test_a_reader_finds_the_second_without_knowing_the_files(lived_in: tuple[House, Run]) -> None:
    house, _ = lived_in
    talks = open_channel("talks", house.home.root)
    for listed in talks.shards().itertuples():
        found = talks.locate(listed.file, listed.token_end - 1, listed.token_end)
        assert list(found["video_id"]) == [listed.video_id]
        assert list(found["start_seconds"]) == [55.0]
    assert set(talks.locate("train", 0, 10**6)["video_id"]) <= TALKS


def test_nothing_is_computed_when_nothing_changed(house: House, talks: str) -> None:
    before, digests = versions(house, talks), input_digests(house.home, talks)
    again = house.data(talks)
    assert again.computed() == dict.fromkeys(TABLES, 0)
    assert again.metadata("token_shards")["rewritten_shards"] == 0
    assert versions(house, talks) == before
    assert input_digests(house.home, talks) == digests


def test_one_video_more_is_computed_alone(house: House, talks: str, archive: Archive) -> None:
    before = input_digests(house.home, talks)
    archive.add("talk-d")
    again = house.data(talks)
    assert again.computed() == dict.fromkeys(TABLES, 1)
    assert changed_rows(before, input_digests(house.home, talks)) == {key_of("talk-d")}
    assert house.decoded(talks).keys() == TALKS | {"talk-d"}
    check_shards_say_what_the_documents_say(house, talks)


def test_one_video_more_rewrites_one_shard_of_many(house: House, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "large")
    for number in range(300):
        archive.add(f"talk-{number}", sentences=talk(str(number), 3))
    house.declare("many", archive.folder, documents={"min_characters": 10})
    first = house.data("many").metadata("token_shards")
    archive.add("one-more", sentences=talk("one more", 3))
    blobs = [blob for blob in (house.folder / "storage" / "files").rglob("*") if blob.is_file()]
    for blob in blobs:
        os.utime(blob, (0, 0))
    again = house.data("many").metadata("token_shards")
    # Storing a file again, even the same bytes, makes it young: the other shards were not made.
    shards = [f for f in house.home.version("many", "token_shards").files if f.name != MANIFEST]
    old = {blob.name for blob in blobs if blob.stat().st_mtime == 0}
    assert len([file for file in shards if file.digest not in old]) == 2  # tokens and anchors
    assert first["rewritten_shards"] == first["shards"] >= 4
    assert again["rewritten_shards"] == 1
    assert again["documents"] == 301
    check_shards_say_what_the_documents_say(house, "many")


def test_a_changed_description_is_computed_alone_and_stops_where_it_changes_nothing(
    house: House, talks: str, archive: Archive
) -> None:
    before, digests = versions(house, talks), input_digests(house.home, talks)
    archive.add("talk-b", description="More talks: https://talks.example")
    again = house.data(talks)
    assert set(again.computed().values()) == {1}
    assert changed_rows(digests, input_digests(house.home, talks)) == {key_of("talk-b")}
    now = versions(house, talks)
    assert {name for name in now if now[name] != before[name]} == {"videos"}
    assert again.metadata("token_shards")["rewritten_shards"] == 0


def test_new_chapters_in_a_description_reach_the_shards_of_that_video_alone(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder, documents={"structure": "light"})
    assert house.data("talks").ok
    before = versions(house, "talks")
    texts = house.decoded("talks")
    archive.add("talk-b", description=CHAPTERS)
    again = house.data("talks")
    assert again.computed() == dict.fromkeys(TABLES, 1)
    assert again.metadata("token_shards")["rewritten_shards"] == 1
    now, decoded = versions(house, "talks"), house.decoded("talks")
    assert {name for name in now if now[name] == before[name]} <= {"transcripts", "qa_pairs"}
    assert {i for i in decoded if decoded[i] != texts[i]} == {"talk-b"}
    assert "## The middle part" in decoded["talk-b"]


def test_what_lists_no_chapters_is_segmented_unless_the_channel_says_no(
    house: House, archive: Archive
) -> None:
    said = topics(*TOPICS)
    archive.add("long", sentences=said, duration=600)
    archive.add("listed", sentences=said, duration=600, description=CHAPTERS)
    for name, options in (("cut", {}), ("whole", {"chapters": {"segment": False}})):
        house.declare(name, archive.folder, **options)
        assert house.data(name).ok
    found = dict(house.home.table("chapters").columns("cut", "video_id", "chapters.origin"))
    assert set(found["long"]) == {"segmented"}
    assert set(found["listed"]) == {"description"}
    whole = dict(house.home.table("chapters").columns("whole", "video_id", "chapters.origin"))
    assert whole["long"] == []
    texts = [
        dict(house.home.table("documents").columns(name, "video_id", "text"))
        for name in ("cut", "whole")
    ]
    assert texts[0] == texts[1]


def test_a_changed_setting_computes_its_stage_for_all_and_no_stage_before_it(
    house: House, archive: Archive, talks: str
) -> None:
    text = house.home.store.read_text("channels.yaml") or ""
    house.home.store.write_text("channels.yaml", text + "    documents: {structure: light}\n")
    again = house.data(talks)
    assert again.computed() == {**dict.fromkeys(TABLES, 0), "documents": 3}


def test_a_transform_computes_the_stages_that_it_works_on_and_no_other(
    house: House, archive: Archive, talks: str
) -> None:
    text = house.home.store.read_text("channels.yaml") or ""
    phrase = json.dumps(talk("talk-b")[3])
    steps = "    transforms:\n      - split_answers: {max_words: 50}\n"
    house.home.store.write_text("channels.yaml", text + steps)
    assert house.data(talks).computed() == {**dict.fromkeys(TABLES, 0), "qa_pairs": 3}
    steps += f"      - drop_asides: {{phrases: [{phrase}]}}\n"
    house.home.store.write_text("channels.yaml", text + steps)
    again = house.data(talks)
    assert again.computed() == {**dict.fromkeys(TABLES, 0), "qa_pairs": 3, "documents": 3}
    assert again.metadata("documents")["num_dropped"] == 1
    gone = open_channel(talks, house.home.root).dropped()
    assert gone[["table", "transform", "start_seconds"]].to_numpy().tolist() == [
        ["qa_pairs", "drop_asides", 15.0],
        ["documents", "drop_asides", 15.0],
    ]
    check_shards_say_what_the_documents_say(house, talks)


def test_a_video_that_left_the_archive_leaves_every_table(
    house: House, talks: str, archive: Archive
) -> None:
    archive.remove("talk-b")
    again = house.data(talks)
    assert {table: house.ids(table, talks) for table in TABLES} == dict.fromkeys(
        TABLES, TALKS - {"talk-b"}
    )
    assert again.metadata("videos")["removed"] == 1
    assert again.computed() == dict.fromkeys(TABLES, 0)
    assert house.decoded(talks).keys() == TALKS - {"talk-b"}


def test_the_order_in_which_videos_came_leaves_no_trace(house: House, tmp_path: Path) -> None:
    at_once = Archive(tmp_path / "at-once").add("x").add("y").add("z")
    grown = Archive(tmp_path / "grown").add("x").add("other").add("z")
    for name, source in (("once", at_once), ("grown", grown)):
        house.declare(name, source.folder)
    assert house.data("once").ok
    assert house.data("grown").ok
    grown.remove("other")
    grown.add("y")
    assert house.data("grown").ok
    for table in ("transcripts", "chapters", "articles", "qa_pairs", "documents"):
        assert house.data_version(table, "grown") == house.data_version(table, "once"), table


def test_a_channel_of_one_text_is_split_within_it(house: House, tmp_path: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text("\n\n".join(talk("book", 60)))
    house.declare("book", text)
    run = house.data("book")
    assert run.ok
    _, manifest = house.shards("book")
    parts = {shard.split: shard.num_bytes for shard in manifest.shards}
    assert 0.05 < parts["val"] / sum(parts.values()) < 0.15
    check_shards_say_what_the_documents_say(house, "book")
    assert run.check("token_shards", "val_is_not_empty").passed
    assert house.data("book").metadata("token_shards")["rewritten_shards"] == 0


def test_sources_of_all_kinds_mix(house: House, archive: Archive, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "note.txt").write_text(" ".join(talk("note")))
    (tmp_path / "rows").mkdir()
    texts = [" ".join(talk(f"row {n}")) for n in range(20)]
    lines = [json.dumps({"text": text}) for text in texts]
    (tmp_path / "rows" / "train.jsonl").write_text("\n".join(lines))
    house.declare("mixed", archive.folder, notes, {"dataset": str(tmp_path / "rows")})
    assert house.data("mixed").ok
    kinds = house.home.table("videos").columns("mixed", "source")
    assert sorted(kind for (kind,) in kinds) == ["archive"] * 3 + ["dataset", "text"]
    together = "".join(house.decoded("mixed").values())
    assert len(house.decoded("mixed")) == 5
    assert all(text in together for text in (*texts, " ".join(talk("note"))))
    check_shards_say_what_the_documents_say(house, "mixed")


def test_channels_with_a_source_in_common_do_not_disturb_each_other(
    house: House, talks: str, archive: Archive, tmp_path: Path
) -> None:
    before = versions(house, talks)
    house.declare("both", archive.folder, Archive(tmp_path / "more").add("talk-z").folder)
    assert house.data("both").ok
    assert house.ids("documents", "both") == TALKS | {"talk-z"}
    assert house.ids("documents", talks) == TALKS
    assert versions(house, talks) == before


def test_captions_are_fetched_once_for_all_channels(
    house: House, talks: str, archive: Archive
) -> None:
    kept = house.home.table("captures").digests("_shared")
    house.declare("again", archive.folder)
    assert house.data("again").ok
    assert house.home.table("captures").digests("_shared") == kept
    assert len(kept) == 3


def test_metadata_previews_hold_titles_and_counts_and_no_transcripts(
    lived_in: tuple[House, Run],
) -> None:
    _, first = lived_in
    shown = repr([first.metadata(name) for name in (*TABLES, "tokenizer", "token_shards")])
    assert "Talk talk-a" in shown
    assert not any(sentence in shown for i in TALKS for sentence in talk(i))
    assert first.metadata("documents")["dagster/row_count"] == 3
    assert all("Talk talk-a" in repr(first.metadata(name)) for name in ("chapters", "documents"))


def test_every_check_is_reported_for_its_partition(lived_in: tuple[House, Run]) -> None:
    _, first = lived_in
    evaluations = first.result.get_asset_check_evaluations()
    assert {e.partition for e in evaluations} == {"talks"}
    assert all(e.passed for e in evaluations), [e.check_name for e in evaluations if not e.passed]


def test_a_pass_of_one_channel_does_not_hide_the_failure_of_another(
    house: House, talks: str, tmp_path: Path
) -> None:
    silent = Archive(tmp_path / "silent").add("mute")
    silent.captions("mute").unlink()
    house.declare("silent", silent.folder)
    house.data("silent", "videos", "transcripts")
    assert house.data(talks).ok  # the latest run of all
    status = {
        name: check_status(house.instance, "transcripts", "coverage", name)
        for name in (talks, "silent")
    }
    assert status == {talks: True, "silent": False}


def check_status(instance: dg.DagsterInstance, asset: str, check: str, channel: str) -> bool:
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    for record in records:  # newest first
        event = record.event.dagster_event if record.event else None
        if event and event.asset_check_evaluation_data.partition == channel:
            return event.asset_check_evaluation_data.passed
    raise AssertionError(f"{check} was never evaluated for {channel}")


def test_runs_leave_the_mark_of_their_process(lived_in: tuple[House, Run]) -> None:
    house, _ = lived_in
    (record, *_) = house.instance.get_run_records(limit=1)
    assert record.dagster_run.tags["impressions/process"].count("/") == 2
    assert record.dagster_run.tags["impressions/lane"] == "talks:data"


def test_the_parts_of_an_only_document_are_not_taken_for_the_whole_one(
    house: House, tmp_path: Path
) -> None:
    archive = Archive(tmp_path / "growing").add("talk-a")
    house.declare("growing", archive.folder, documents={"min_characters": 10})
    assert house.data("growing").ok
    archive.add("talk-b")  # now one of the two stands alone in each split
    assert house.data("growing").ok
    assert house.decoded("growing").keys() == {"talk-a", "talk-b"}
    check_shards_say_what_the_documents_say(house, "growing")
