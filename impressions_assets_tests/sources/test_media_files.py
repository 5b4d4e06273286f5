"""The file of a video is found beside its captions, and no other one is taken for it."""

from pathlib import Path

import pytest

from impressions_assets.sources.key_frames import SUFFIXES
from impressions_assets.sources.media_files import file_beside


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("Talk [a].mp4", "Talk [a].en.vtt"),
        ("Talk. Part 2.webm", "Talk. Part 2.en-US.vtt"),
        ("talk.mkv", "talk.srt"),
    ],
)
def test_the_file_of_a_video_lies_beside_its_captions(
    tmp_path: Path, name: str, location: str
) -> None:
    folder = tmp_path / "2024"
    folder.mkdir()
    stem = name.rpartition(".")[0]
    for file in (name, f"{stem}.info.json", "other.mp4", "other.info.json"):
        (folder / file).touch()
    assert file_beside(tmp_path, [f"2024/{location}"], SUFFIXES) == folder / name


def test_no_other_file_is_taken_for_it(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("vol.1.info.json", "vol.info.json", "vol.mp4", "vol.1-b.mp4", "vol.1.mp3"):
        (inside / name).touch()
    for name in ("talk.mp4", "talk.info.json"):
        (tmp_path / name).touch()
    outside = ("../talk.en.vtt", str(tmp_path / "talk.en.vtt"))
    assert not any(file_beside(inside, [one], SUFFIXES) for one in ("vol.1.en.vtt", *outside))
    assert file_beside(inside, ["vol.en.vtt"], SUFFIXES) == inside / "vol.mp4"
