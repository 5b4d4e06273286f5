"""Key frames: one a chapter, of the chapter, small; and a message where there can be none."""

import struct
from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError, SourceBroken
from impressions_assets.rows import Chapter
from impressions_assets.sources.key_frames import check_ffmpeg, key_frames
from impressions_assets_tests.videos import needs_ffmpeg, write_video

RED, BLUE = Chapter(0.0, "Red", 20.0), Chapter(20.0, "Blue", 40.0)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "-a, 'film' [x].mp4"
    write_video(path, "red", "blue")
    return path


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height, by the frame header of a baseline JPEG."""
    at = 2
    while jpeg[at + 1] != 0xC0:
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
    return width, height


@needs_ffmpeg
def test_each_chapter_has_its_own_frame_always_the_same_and_not_too_wide(film: Path) -> None:
    frames = key_frames(film, [RED, BLUE])
    assert list(frames) == [0.0, 20.0]
    assert frames[0.0] != frames[20.0]
    assert key_frames(film, [Chapter(1.0, "Red", 19.0)])[1.0] == frames[0.0]
    assert size_of(frames[0.0]) == (960, 540)


@needs_ffmpeg
def test_a_chapter_behind_the_end_has_none(film: Path) -> None:
    assert list(key_frames(film, [BLUE, Chapter(500.0, "Later")])) == [20.0]


@needs_ffmpeg
def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"no video")
    with pytest.raises(SourceBroken, match=r"talk\.mp4: a frame at 0 s"):
        key_frames(tmp_path / "talk.mp4", [RED])


@needs_ffmpeg
def test_a_playlist_that_calls_itself_a_video_opens_no_address(tmp_path: Path) -> None:
    text = "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
    (tmp_path / "talk.mp4").write_text(text)
    with pytest.raises(SourceBroken):
        key_frames(tmp_path / "talk.mp4", [RED])


def test_without_ffmpeg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="apt-get install ffmpeg"):
        check_ffmpeg()
