"""A home copied from a folder to a bucket and back: whole, checked, resumed, over nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from impressions_assets.errors import ConfigError, CorruptFile, StorageError
from impressions_assets.rows import Video
from impressions_assets.storage.copying import copy_home
from impressions_assets.storage.home import UNFINISHED, Home
from impressions_assets.storage.store import Store
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.bucket.conftest import CHANNEL, ROOT, made, titles, videos
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Home:
    """A home in a folder: commits, a cleaned log, a set of files, and what is not ours."""
    home = Home(str(tmp_path / "folder"))
    home.store.write_text("channels.yaml", "channels: {}\n")
    table = home.table("videos")
    for number in range(25):  # past the checkpoint that Delta makes of twenty
        table.put(CHANNEL, videos(f"title {number}"))
    home.gc(older_than_hours=0)
    table.put(CHANNEL, videos("last"))
    home.publish(
        CHANNEL, "checkpoint", made(tmp_path, a=b"one", b=b"x" * 300_000), made_from="1", facts={}
    )
    (tmp_path / "folder" / "notes.txt").write_text("of somebody")
    return home


@pytest.fixture
def bucket(gcs: GoogleCloudStorage) -> Store:
    fsspec.get_filesystem_class("gs").clear_instance_cache()
    return Store(ROOT, gcs.file_options)


def test_a_home_goes_to_a_bucket_and_comes_back_as_it_was(
    folder: Home, bucket: Store, open_home: Callable[[], Home], tmp_path: Path
) -> None:
    copied = copy_home(folder.store, bucket, tmp_path / "scratch")
    there = open_home()
    assert copied.num_there == 0
    assert titles(there) == titles(folder)
    one = there.current(CHANNEL, "checkpoint")
    assert one is not None
    assert there.store.fetch(one.files, tmp_path / "out").joinpath("a").read_bytes() == b"one"
    there.table("videos").put(CHANNEL, videos("written there"))

    copy_home(bucket, Store(str(tmp_path / "back")), tmp_path / "scratch")
    back = Home(str(tmp_path / "back"))
    assert titles(back) == titles(there)
    assert back.table("videos").data_version(CHANNEL) == there.table("videos").data_version(CHANNEL)
    assert back.store.read_text("channels.yaml") == "channels: {}\n"
    assert not (tmp_path / "back" / UNFINISHED).exists()
    assert not (tmp_path / "back" / "notes.txt").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_ended_copy_goes_on_and_is_no_home_until_it_is_whole(
    folder: Home, bucket: Store, open_home: Callable[[], Home], gcs: GoogleCloudStorage,
    tmp_path: Path,
) -> None:  # fmt: skip
    def end_amid_the_logs(done: int, of: int) -> None:
        if done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_home(folder.store, bucket, tmp_path, end_amid_the_logs)
    with pytest.raises(StorageError, match=f"`impressions storage copy {folder.root} {ROOT}`"):
        open_home()
    num_requests = len(gcs.requests)

    copied = copy_home(folder.store, bucket, tmp_path)

    assert copied.num_there >= 3
    uploads = [r for r in gcs.requests[num_requests:] if r.startswith("POST /upload")]
    assert len(uploads) == copied.num_files + len((UNFINISHED, "channels.yaml", "home.json"))
    assert titles(open_home()) == titles(folder)


def test_a_bucket_that_fails_amid_a_copy_is_told_and_the_next_try_goes_on(
    folder: Home, bucket: Store, open_home: Callable[[], Home], gcs: GoogleCloudStorage,
    tmp_path: Path,
) -> None:  # fmt: skip
    gcs.fail(r"^POST /upload", 503, *[403] * 100)
    with pytest.raises(StorageError, match="Run again; if it stays so"):
        copy_home(folder.store, bucket, tmp_path)
    gcs.heal()
    copy_home(folder.store, bucket, tmp_path)
    assert titles(open_home()) == titles(folder)


def test_nothing_is_copied_over_what_lies_there(folder: Home, tmp_path: Path) -> None:
    other = Home(str(tmp_path / "other"))
    with pytest.raises(ConfigError, match="other is not empty"):
        copy_home(folder.store, other.store, tmp_path)
    begun = Store(str(tmp_path / "begun"))
    begun.write_text(UNFINISHED, json.dumps({"from": "gs://elsewhere"}))
    with pytest.raises(ConfigError, match="unfinished copy of gs://elsewhere"):
        copy_home(folder.store, begun, tmp_path)
    with pytest.raises(ConfigError, match="lies in"):
        copy_home(folder.store, Store(f"{folder.root}/inside"), tmp_path)
    with pytest.raises(ConfigError, match="holds no home.json"):
        copy_home(Store(str(tmp_path / "none")), Store(str(tmp_path / "new")), tmp_path)
    assert not (tmp_path / "new").exists()


def test_a_damaged_file_is_told_and_not_copied(folder: Home, tmp_path: Path) -> None:
    damaged = next(Path(folder.root, "files").rglob("*/*"))
    damaged.write_bytes(b"damaged")
    target = Store(str(tmp_path / "target"))
    with pytest.raises(CorruptFile, match=damaged.name):
        copy_home(folder.store, target, tmp_path)
    assert damaged.name not in "".join(target.listing(""))


class Busy(Store):
    """A root whose table gets another commit as soon as its log was listed."""

    home: Home

    def listing(self, folder: str) -> dict[str, int]:
        found = super().listing(folder)
        self.home.table("videos").put(CHANNEL, [Entry(Video(video_id="new", source="text"))])
        return found


def test_a_copy_of_a_home_that_is_written_to_is_what_it_was(folder: Home, tmp_path: Path) -> None:
    before = titles(folder)
    busy = Busy(folder.root)
    busy.home = folder

    copy_home(busy, Store(str(tmp_path / "target")), tmp_path)

    assert titles(folder) != before
    assert titles(Home(str(tmp_path / "target"))) == before


def test_a_whole_copy_whose_mark_was_left_is_not_copied_over_again(
    folder: Home, tmp_path: Path
) -> None:
    target = Store(str(tmp_path / "target"))
    copied = copy_home(folder.store, target, tmp_path)
    target.write_text(UNFINISHED, json.dumps({"from": folder.root}))  # its removal failed
    Home(target.root).table("videos").put(CHANNEL, videos("written there"))
    target.write_text("channels.yaml", "channels: {mine: {}}\n")

    again = copy_home(folder.store, target, tmp_path)

    assert again.num_files == 0 < copied.num_files
    assert target.read_text("channels.yaml") == "channels: {mine: {}}\n"
    assert titles(Home(target.root)) != titles(folder)
    assert target.read_text(UNFINISHED) is None
