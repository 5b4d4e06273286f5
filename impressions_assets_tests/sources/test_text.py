"""What files of text become."""

import json
from pathlib import Path

import pytest

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Failed, Video
from impressions_assets.sources.text import TextSource


def listed(path):
    return list(TextSource(path).list_videos())


def fetched(path):
    source = TextSource(path)
    return [source.fetch(video, video.tracks[0]).decode() for video in source.list_videos()]


def test_a_file_is_one_video_with_a_readable_id_that_outlives_its_content(tmp_path):
    path = tmp_path / "Notes on Café.md"
    path.write_text("# One", encoding="utf-8")
    [before] = listed(tmp_path)
    path.write_text("# Two", encoding="utf-8")
    [after] = listed(tmp_path)
    assert before.video_id == after.video_id
    assert before.video_id.startswith("Notes-on-Cafe-")
    assert before.title == "Notes on Café"
    assert before.tracks[0].location == "Notes on Café.md"
    assert before.tracks[0].digest != after.tracks[0].digest


def test_folders_are_searched_in_order_and_same_names_do_not_meet(tmp_path):
    for name in ("b/a.txt", "c/a.txt", "a.md", "image.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    videos = listed(tmp_path)
    assert [v.tracks[0].location for v in videos] == ["a.md", "b/a.txt", "c/a.txt"]
    assert len({video.video_id for video in videos}) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_become_utf8(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("déjà vu".encode(encoding))
    assert fetched(tmp_path / "a.txt") == ["déjà vu"]


def test_a_json_document_tells_its_text_and_more(tmp_path):
    document = {
        "title": "A title",
        "date": "20240131",
        "url": "https://example.com/a",
        "language": "de",
        "license": "CC0",
        "segments": [{"text": "eins"}, "zwei"],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    [video] = listed(tmp_path)
    assert (video.title, video.published, video.language) == ("A title", "2024-01-31", "de")
    assert (video.license, video.url) == ("CC0", "https://example.com/a")
    assert fetched(tmp_path) == ["eins\n\nzwei"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_records_are_videos_of_their_own_by_id_or_place(tmp_path, name):
    records = [{"text": "one"}, {"content": "two", "id": "second"}, {"body": "three", "id": "a/b"}]
    lines = "\n\n".join(json.dumps(record) for record in records)
    (tmp_path / name).write_text(lines if name.endswith("l") else json.dumps(records))
    videos = listed(tmp_path)
    base = videos[0].video_id.removesuffix("-0")
    assert videos[1].video_id == f"{base}-second"
    assert videos[2].video_id.startswith(f"{base}-")
    assert "/" not in videos[2].video_id
    assert fetched(tmp_path) == ["one", "two", "three"]


def test_records_that_are_broken_fail_alone(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"text": "one"}\n{"words": 1}\n{"text": " "}\n7\n{"text": "tw'
    )
    video, *failures = listed(tmp_path)
    assert isinstance(video, Video)
    assert [type(item) for item in failures] == [Failed] * 4
    assert [
        word in item.error
        for word, item in zip(("'words'", "empty", "int", "not valid JSON"), failures, strict=True)
    ] == [True] * 4
    assert failures[0].error.count("a.jsonl#1") == 1


def test_the_same_record_id_with_other_text_is_told(tmp_path):
    lines = ['{"text": "one", "id": 1}', '{"text": "two", "id": 1}', '{"text": "one", "id": 1}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    video, failed = listed(tmp_path)
    assert failed.video_id == video.video_id
    assert "a.jsonl#0" in failed.error
    assert "a.jsonl#1" in failed.error


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b" \n", "empty"), (b"a\0b", "binary"), (b"\x81\x8d\xff", "UTF-8")],
)
def test_files_without_readable_text_fail_alone(tmp_path, data, reason):
    (tmp_path / "a.txt").write_bytes(data)
    (tmp_path / "b.txt").write_text("fine")
    failed, video = listed(tmp_path)
    assert isinstance(failed, Failed)
    assert reason in failed.error
    assert video.title == "b"


def test_nothing_there_is_never_an_empty_list(tmp_path):
    with pytest.raises(SourceMissing, match=r"\.jsonl"):
        listed(tmp_path)
    with pytest.raises(SourceMissing, match="no folder"):
        listed(tmp_path / "gone")


@pytest.mark.parametrize(
    ("name", "old", "new"), [("a.txt", "one", "two"), ("a.jsonl", '{"text": "one"}', "")]
)
def test_text_that_changed_is_not_passed_off_as_the_listed_one(tmp_path, name, old, new):
    (tmp_path / name).write_text(old)
    [video] = listed(tmp_path)
    (tmp_path / name).write_text(new)
    with pytest.raises(SourceBroken, match="changed since it was listed: run again"):
        TextSource(tmp_path).fetch(video, video.tracks[0])
    (tmp_path / name).unlink()
    with pytest.raises(SourceMissing, match=name):
        TextSource(tmp_path).fetch(video, video.tracks[0])


def test_two_folders_may_each_hold_a_file_of_the_same_name(tmp_path: Path) -> None:
    ids = []
    for folder in ("essays", "letters"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.txt").write_text(f"What the {folder} say.")
        ids += [item.video_id for item in TextSource(tmp_path / folder).list_videos()]
    assert len(set(ids)) == 2
    assert all(video_id.startswith("notes-") for video_id in ids)
