"""What an archive source remembers between looks, and when it must not trust that."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Failed, Video
from impressions_assets.sources.archive import ArchiveSource
from impressions_assets.sources.folder import files_by_folder
from impressions_assets.sources.remembered import Remembered, mark_of
from impressions_assets_tests.archives import Archive

_opened: list[str] | None = None


def _note_opening(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None:
        _opened.append(str(arguments[0]))


sys.addaudithook(_note_opening)


@contextmanager
def openings(folder: Path) -> Iterator[list[str]]:
    """Collect the names of the files below a folder that are opened, by whatever means."""
    global _opened
    _opened, found = [], []
    try:
        yield found
    finally:
        found += [os.path.relpath(p, folder) for p in _opened if p.startswith(f"{folder}/")]
        _opened = None


def a_minute_later() -> int:
    return time.time_ns() + 60_000_000_000


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def look(archive: Archive, scratch: Path):
    """List the archive, a minute after its files were written; tell what was opened for it."""

    def look(now_ns=a_minute_later, scratch=scratch) -> tuple[list[Video | Failed], list[str]]:
        with openings(archive.folder) as opened:
            items = list(
                ArchiveSource(archive.folder, memory=Remembered(scratch, now_ns)).list_videos()
            )
        return items, opened

    return look


def memory_file(scratch: Path) -> Path:
    (file,) = (scratch / "listings").iterdir()
    return file


def test_an_unchanged_archive_is_listed_again_without_opening_a_file(look):
    first, opened = look()
    assert len(opened) == 6
    again, opened = look()
    assert again == first
    assert opened == []


def test_a_file_touched_without_a_change_is_read_again_and_then_remembered(look, archive):
    first, _ = look()
    os.utime(archive.captions("talk-b"))
    for expected in (["talk-b.info.json", "talk-b.en.vtt"], []):
        items, opened = look()
        assert items == first
        assert opened == expected


def test_a_change_of_the_same_size_with_its_old_mtime_is_seen(look, archive):
    file = archive.info("talk-b")
    before = file.stat()
    look()
    file.write_text(file.read_text().replace("Talk", "Tale"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    items, opened = look()
    assert [item.title for item in items] == ["Talk talk-a", "Tale talk-b", "Talk talk-c"]
    assert "talk-a.info.json" not in opened


def test_a_change_is_seen_by_its_mtime_where_the_ctime_does_not_tell(archive, scratch):
    """As on Windows, where it is the time of creation."""
    memory = Remembered(scratch, a_minute_later)
    mark = structs.replace(mark_of(str(archive.folder), "talk-a.info.json"), changed_ns=1)
    os.utime(archive.info("talk-a"), ns=(1, 1))
    later = structs.replace(mark_of(str(archive.folder), "talk-a.info.json"), changed_ns=1)
    with memory.look(archive.folder, 1) as look:
        look.remember("talk-a.info.json", (mark,), Video(video_id="a", source="archive"))
    with memory.look(archive.folder, 1) as look:
        assert look.recall("talk-a.info.json", (later,)) is None
        assert look.recall("talk-a.info.json", (mark,)) is not None


def test_captions_that_come_and_go_are_seen(look, archive):
    look()
    german = archive.folder / "talk-b.de.vtt"
    german.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nhallo\n")
    items, _ = look()
    assert [track.language for track in items[1].tracks] == ["de", "en"]
    german.unlink()
    items, _ = look()
    assert [track.language for track in items[1].tracks] == ["en"]


def test_videos_that_come_and_go_leave_the_others_unopened(look, archive):
    look()
    archive.add("talk-ab").remove("talk-b")
    items, opened = look()
    assert [item.video_id for item in items] == ["talk-a", "talk-ab", "talk-c"]
    assert opened == ["talk-ab.info.json", "talk-ab.en.vtt"]
    assert look() == (items, [])


def test_a_file_that_changed_in_the_last_two_seconds_is_not_remembered(look):
    for _ in range(2):
        _, opened = look(now_ns=time.time_ns)
        assert len(opened) == 6
    look()
    assert look()[1] == []


def test_what_failed_is_read_at_every_look(look, archive):
    archive.info("talk-b").write_text('{"id": "talk')
    for _ in range(2):
        items, opened = look()
        assert isinstance(items[1], Failed)
    assert opened == ["talk-b.info.json"]


def test_after_a_fetch_of_something_else_than_was_listed_all_is_read_again(look, archive, scratch):
    items, _ = look()
    archive.captions("talk-b").write_text("WEBVTT\n")
    source = ArchiveSource(archive.folder, memory=Remembered(scratch))
    assert source.fetch(items[0], items[0].tracks[0])
    assert look()[1] == ["talk-b.info.json", "talk-b.en.vtt"]
    with pytest.raises(SourceBroken, match="changed since it was listed: run again"):
        source.fetch(items[1], items[1].tracks[0])
    again, opened = look()
    assert len(opened) == 6
    assert source.fetch(again[1], again[1].tracks[0]) == b"WEBVTT\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data.replace(b"Talk talk-b", b"Talk talk-x"),
        lambda data: data + b"more",
        lambda data: bytes(len(data)),
        lambda data: re.sub(rb"version \d+", b"version 0", data),
        lambda data: b"\xff\xfe" + data,
    ],
)
def test_a_damaged_or_foreign_memory_counts_as_none_and_is_replaced(look, scratch, damage):
    first, _ = look()
    whole = memory_file(scratch).read_bytes()
    memory_file(scratch).write_bytes(damage(whole))
    assert look()[0] == first
    assert memory_file(scratch).read_bytes() == whole


def test_another_version_of_the_parser_forgets(archive, scratch):
    memory = Remembered(scratch, a_minute_later)
    mark = (mark_of(str(archive.folder), "talk-a.info.json"),)
    video = Video(video_id="talk-a", source="archive")
    with memory.look(archive.folder, 1) as look:
        look.remember("talk-a.info.json", mark, video)
    for version, recalled in ((1, video), (2, None)):
        with memory.look(archive.folder, version) as look:
            assert look.recall("talk-a.info.json", mark) == recalled


def test_each_folder_has_a_memory_of_its_own(look, archive, scratch, tmp_path):
    look()
    other = Archive(tmp_path / "other").add("talk-a", title="Another")
    (video,) = ArchiveSource(other.folder, memory=Remembered(scratch, a_minute_later)).list_videos()
    assert video.title == "Another"
    assert look()[1] == []


def test_a_memory_that_stays_as_it_is_is_not_written_again(look, scratch):
    def written() -> tuple[int, int]:
        file = memory_file(scratch).stat()
        return file.st_ino, file.st_mtime_ns  # not when it was read

    look()
    before = written()
    look()
    assert written() == before


def test_where_scratch_cannot_be_written_nothing_is_remembered(look, tmp_path):
    (tmp_path / "file").write_text("")
    for scratch in (tmp_path / "file" / "scratch", None):
        for _ in range(2):
            items, opened = look(scratch=scratch)
            assert (len(items), len(opened)) == (3, 6)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_costs_the_memory_and_not_the_listing(look, archive, scratch):
    for number in range(200):
        archive.add(f"more-{number}")
    scratch.mkdir()
    opened_by_us = open

    def full(file, *args, **kwargs):
        is_draft = str(file).startswith(str(scratch)) and args == ("wb",)
        return opened_by_us("/dev/full" if is_draft else file, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.open", full)
        items, _ = look()
    assert len([item for item in items if isinstance(item, Video)]) == 203
    assert list(scratch.glob("listings/*")) == []
    look()
    assert look()[1] == []


def test_a_listing_that_breaks_off_leaves_the_memory_as_it_was(look, archive, scratch):
    look()
    before = memory_file(scratch).read_bytes()
    archive.add("talk-d")
    listing = ArchiveSource(
        archive.folder, memory=Remembered(scratch, a_minute_later)
    ).list_videos()
    next(listing)
    listing.close()
    assert memory_file(scratch).read_bytes() == before
    assert [path.name for path in scratch.iterdir()] == ["listings"]


def test_a_folder_without_videos_is_never_an_empty_list_however_well_remembered(look, archive):
    look()
    for video_id in ("talk-a", "talk-b", "talk-c"):
        archive.remove(video_id)
    for _ in range(2):
        with pytest.raises(SourceMissing, match=r"no \*.info.json"):
            look()


def test_two_looks_at_once_spoil_nothing(look, archive, scratch):
    sources = [ArchiveSource(archive.folder, memory=Remembered(scratch, a_minute_later))] * 2
    first, second = (source.list_videos() for source in sources)
    pairs = list(zip(first, second, strict=True))
    assert [one.video_id for one, other in pairs if one == other] == ["talk-a", "talk-b", "talk-c"]
    assert look()[1] == []


names = st.text("ab-!.1", min_size=1, max_size=3).filter(lambda n: not n.startswith("."))
places = st.lists(names, min_size=1, max_size=3).map("/".join)


@given(st.sets(places, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_places_are_recalled_in_the_order_in_which_folders_are_walked(tmp_path_factory, chosen):
    root = tmp_path_factory.mktemp("walk")
    for place in chosen:
        file = root / "f" / place / "x.info.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    walked = [
        (folder / name).as_posix()
        for folder, names in files_by_folder(root / "f", "")
        for name in names
    ]
    memory = Remembered(root / "scratch", a_minute_later)
    video = Video(video_id="a", source="archive")
    marks = {place: (mark_of(f"{root}/f", place),) for place in walked}
    with memory.look(root / "f", 1) as look:
        for place in walked:
            look.remember(place, marks[place], video)
    with memory.look(root / "f", 1) as look:
        for place in walked[::2]:
            assert look.recall(place, marks[place]) == video
