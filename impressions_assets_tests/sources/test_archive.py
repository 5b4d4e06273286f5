"""What an archive on disk becomes: real-looking, half-empty and damaged ones."""

import hashlib
import json
import os

import pytest

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Chapter, Failed, Video
from impressions_assets.sources.archive import ArchiveSource

VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n"
FULL = {
    "id": "aaaaaaaaaaa",
    "title": "Attention  explained",
    "channel": "A channel",
    "description": "First line\nSecond line",
    "upload_date": "20240131",
    "duration": 61,
    "tags": ["one", None, "two"],
    "language": "en",
    "license": "Creative Commons Attribution license (reuse allowed)",
    "webpage_url": "https://www.youtube.com/watch?v=aaaaaaaaaaa",
    "availability": "public",
    "live_status": "not_live",
    "chapters": [
        {"start_time": 0.0, "end_time": 5, "title": "<Untitled Chapter 1>"},
        {"start_time": 5.0, "end_time": 61, "title": "Why attention"},
    ],
    "formats": [{"url": "https://example.com", "height": 1}],
}


@pytest.fixture
def write(tmp_path):
    def write(name, content=VTT):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, str) else json.dumps(content)
        path.write_text(data, encoding="utf-8")
        return data

    return write


def listed(folder):
    return list(ArchiveSource(folder).list_videos())


def one(folder):
    [video] = listed(folder)
    assert isinstance(video, Video), video
    return video


def test_an_info_json_becomes_a_video_with_its_captions(write, tmp_path):
    write("a.info.json", FULL)
    data = write("a.en.vtt")
    video = one(tmp_path)
    assert (video.video_id, video.title, video.channel_title) == (
        "aaaaaaaaaaa",
        "Attention explained",
        "A channel",
    )
    assert (video.published, video.duration_seconds, video.tags) == (
        "2024-01-31",
        61.0,
        ("one", "two"),
    )
    assert video.chapters == (Chapter(5.0, "Why attention", 61.0, "youtube"),)
    assert (video.status, video.is_short, video.live) == ("ok", False, "none")
    [track] = video.tracks
    assert (track.location, track.format, track.kind) == ("a.en.vtt", "vtt", "manual")
    assert track.digest == hashlib.sha256(data.encode()).hexdigest()
    assert ArchiveSource(tmp_path).fetch(video, track) == data.encode()


def test_everything_but_the_id_may_be_missing_or_null(write, tmp_path):
    write("a.info.json", {"id": "a1", **dict.fromkeys(set(FULL) - {"id"})})
    write("b.info.json", {"id": "b1"})
    assert listed(tmp_path) == [
        Video(video_id="a1", source="archive"),
        Video(video_id="b1", source="archive"),
    ]


def test_fields_of_other_types_are_read_or_left_out(write, tmp_path):
    chapters = [{"start_time": 1, "title": "One"}, {"title": "no time"}, 7]
    odd = {
        "tags": r"['x', 'y\ud800', 3]",
        "chapters": str(chapters),
        "duration": "61.5",
        "title": ["no"],
    }
    write("a.info.json", {"id": 12345, **odd, "timestamp": "soon", "license": 1})
    video = one(tmp_path)
    assert (video.video_id, video.tags, video.duration_seconds) == ("12345", ("x", "y"), 61.5)
    assert video.chapters == (Chapter(1.0, "One", None, "youtube"),)
    assert (video.title, video.published, video.license) == ("", None, None)


@pytest.mark.parametrize(
    ("fields", "published"),
    [
        ({"timestamp": 1706745600, "upload_date": "20240131"}, "2024-02-01T00:00:00Z"),
        ({"upload_date": "20240131", "release_year": 2020}, "2024-01-31"),
        ({"upload_date": "20241331", "release_date": "20230405"}, "2023-04-05"),
        ({"release_year": 2017}, "2017"),
        ({"upload_date": "NA"}, None),
    ],
)
def test_the_most_exact_date_is_taken(write, tmp_path, fields, published):
    write("a.info.json", {"id": "a", **fields})
    assert one(tmp_path).published == published


@pytest.mark.parametrize(
    ("fields", "status", "is_short", "live"),
    [
        ({"availability": "private"}, "private", False, "none"),
        ({"availability": "subscriber_only"}, "blocked", False, "none"),
        ({"live_status": "is_upcoming"}, "live", False, "upcoming"),
        ({"is_live": True}, "live", False, "live"),
        ({"was_live": True, "is_live": False}, "ok", False, "ended"),
        ({"webpage_url": "https://www.youtube.com/shorts/abc"}, "ok", True, "none"),
        ({"width": 720, "height": 1280, "duration": 180}, "ok", True, "none"),
        ({"width": 720, "height": 1280, "duration": 181}, "ok", False, "none"),
        ({"width": 1280, "height": 720, "duration": 30}, "ok", False, "none"),
    ],
)
def test_status_shorts_and_streams_are_told(write, tmp_path, fields, status, is_short, live):
    write("a.info.json", {"id": "a", **fields})
    video = one(tmp_path)
    assert (video.status, video.is_short, video.live) == (status, is_short, live)


def test_languages_and_formats_are_read_from_names_with_dots_in_titles(write, tmp_path):
    write("v1.2 on text [aaaaaaaaaaa].info.json", FULL)
    endings = ["en-US.srt", "zh-Hans.json3", "de.srv3", "fr.ttml", "en-orig.srv1"]
    for ending in [*endings, "live_chat.json", "en.vtt.part"]:
        write(f"v1.2 on text [aaaaaaaaaaa].{ending}")
    write("v1.2 on text [aaaaaaaaaaa].vtt")
    found = {(track.language, track.format) for track in one(tmp_path).tracks}
    assert found == {
        ("en-US", "srt"),
        ("zh-Hans", "json3"),
        ("de", "timedtext"),
        ("fr", "timedtext"),
        ("en-orig", "timedtext"),
        ("und", "vtt"),
    }


def test_info_json_tells_who_wrote_the_captions(write, tmp_path):
    automatic = {name: [{}] for name in ("en", "en-orig", "de", "fr", "de-en")}
    info = {"id": "a", "subtitles": {"en": [{}]}, "automatic_captions": automatic}
    write("a.info.json", info)
    for language in ("en", "en-orig", "de", "de-en"):
        write(f"a.{language}.vtt")
    video = one(tmp_path)
    assert {track.language: track.kind for track in video.tracks} == {
        "en": "manual",
        "en-orig": "automatic",
        "de": "translated",
        "de-en": "translated",
    }
    assert video.language == "en"


def test_a_name_of_two_languages_is_a_translation_even_where_the_original_is_unknown(
    write, tmp_path
):
    write("a.info.json", {"id": "a", "automatic_captions": {"en": [], "de-en": []}})
    write("a.en.vtt")
    write("a.de-en.vtt")
    kinds = {track.language: track.kind for track in one(tmp_path).tracks}
    assert kinds == {"en": "automatic", "de-en": "translated"}


def test_captions_that_info_json_does_not_know_are_judged_by_their_look(write, tmp_path):
    write("a.info.json", {"id": "a"})
    write("a.en.vtt", VTT.replace("hello", "we<00:00:01.500><c> cut</c>"))
    write("a.de.json3", '{"events": [{"segs": [{"utf8": "a", "tOffsetMs": 10}]}]}')
    write("a.it.vtt", VTT.replace("WEBVTT", "WEBVTT\nKind: captions"))
    assert {track.language: track.kind for track in one(tmp_path).tracks} == {
        "en": "automatic",
        "de": "automatic",
        "it": "manual",
    }


def test_folders_are_searched_in_the_order_of_paths_and_playlists_passed_over(write, tmp_path):
    write("b/2/c.info.json", {"id": "c"})
    write("b/1/d.info.json", {"id": "d"})
    write("b/1/d.en.vtt")
    write("z.info.json", {"id": "z"})
    write("b/list.info.json", {"id": "PLx", "_type": "playlist"})
    write(".git/x.info.json", {"id": "hidden"})
    videos = listed(tmp_path)
    assert [video.video_id for video in videos] == ["z", "d", "c"]
    assert videos[1].tracks[0].location == "b/1/d.en.vtt"


def test_a_truncated_info_json_fails_alone_under_the_id_in_its_name(write, tmp_path):
    write("Talk [bbbbbbbbbbb].info.json", json.dumps(FULL)[:200])
    write("Talk [bbbbbbbbbbb].en.vtt")
    write("z.info.json", {"id": "z"})
    failed, video = listed(tmp_path)
    assert isinstance(failed, Failed)
    assert failed.video_id == "bbbbbbbbbbb"
    assert "Talk [bbbbbbbbbbb].info.json" in failed.error
    assert "cut short" in failed.error
    assert video.video_id == "z"


@pytest.mark.parametrize("video_id", ["../../etc", "a\0b", "", "x" * 129, "a/b", ".hidden", "a..b"])
def test_an_id_that_is_not_allowed_fails_under_a_stable_stand_in(write, tmp_path, video_id):
    write("a.info.json", {"id": video_id})
    [failed] = listed(tmp_path)
    assert isinstance(failed, Failed)
    assert failed.video_id.startswith("invalid-")
    assert len(failed.video_id) == len("invalid-") + 8
    assert "not allowed" in failed.error
    assert listed(tmp_path) == [failed]


@pytest.mark.parametrize(
    "content", ["[]", "null", "3", '{"title": "no id"}', '{"title": ' + "[" * 100_000, "\udcff", ""]
)
def test_json_that_is_no_video_fails_alone(write, tmp_path, content):
    (tmp_path / "a.info.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    [failed] = listed(tmp_path)
    assert isinstance(failed, Failed)
    assert failed.video_id == "a"


def test_the_same_video_twice_comes_once(write, tmp_path):
    for folder in ("1", "2"):
        write(f"{folder}/a.info.json", FULL)
        write(f"{folder}/a.en.vtt")
    assert one(tmp_path).tracks[0].location == "1/a.en.vtt"


def test_the_same_id_with_other_content_keeps_the_first_and_names_both(write, tmp_path):
    write("1/a.info.json", FULL)
    write("2/a.info.json", FULL | {"title": "Another"})
    video, failed = listed(tmp_path)
    assert video.title == "Attention explained"
    assert isinstance(failed, Failed)
    assert "1/a.info.json" in failed.error
    assert "2/a.info.json" in failed.error


def test_captions_without_an_info_json_are_told(write, tmp_path):
    write("a.info.json", {"id": "a"})
    write("b.en.vtt")
    _, failed = listed(tmp_path)
    assert (failed.video_id, "without an info.json" in failed.error) == ("b", True)


def test_a_missing_or_empty_folder_is_never_an_empty_list(write, tmp_path):
    with pytest.raises(SourceMissing, match="no folder"):
        listed(tmp_path / "gone")
    write("notes.txt")
    with pytest.raises(SourceMissing, match=r"no \*.info.json"):
        listed(tmp_path)


def test_a_folder_that_cannot_be_listed_stops_the_listing(write, tmp_path, monkeypatch):
    write("a.info.json", {"id": "a"})
    write("locked/b.info.json", {"id": "b"})
    scandir = os.scandir

    def refusing(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SourceMissing, match=r"cannot list .*locked: Permission denied"):
        listed(tmp_path)


def test_a_track_that_changed_or_went_is_not_passed_off_as_the_listed_one(write, tmp_path):
    write("a.info.json", {"id": "a"})
    write("a.en.vtt")
    video = one(tmp_path)
    write("a.en.vtt", VTT + "more")
    with pytest.raises(SourceBroken, match=r"a\.en\.vtt.*changed since it was listed: run again"):
        ArchiveSource(tmp_path).fetch(video, video.tracks[0])
    (tmp_path / "a.en.vtt").unlink()
    with pytest.raises(SourceMissing, match=r"a\.en\.vtt"):
        ArchiveSource(tmp_path).fetch(video, video.tracks[0])


def test_a_location_outside_of_the_archive_is_refused(write, tmp_path):
    write("in/a.info.json", {"id": "a"})
    write("in/a.en.vtt")
    write("secret")
    video = one(tmp_path / "in")
    track = type(video.tracks[0])(language="en", kind="manual", format="vtt", location="../secret")
    with pytest.raises(SourceBroken, match="outside"):
        ArchiveSource(tmp_path / "in").fetch(video, track)


def test_a_file_name_that_is_not_utf8_fails_alone(write, tmp_path):
    write("z.info.json", {"id": "z"})
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.info.json")).write_text('{"id": "c"}')
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    failed, video = listed(tmp_path)
    assert "not UTF-8" in failed.error
    failed.error.encode()
    assert video.video_id == "z"
