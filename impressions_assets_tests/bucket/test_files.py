"""Files and texts in a bucket: published, fetched, swept, edited by several at once."""

import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from impressions_assets.errors import CorruptFile, MissingFile
from impressions_assets.storage.home import Home
from impressions_assets.storage.store import Store, StoredFile
from impressions_assets_tests.bucket.conftest import CHANNEL, made
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


def test_files_are_published_fetched_and_swept(
    home: Home, open_home: Callable[[], Home], gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    big = bytes(range(256)) * 24_000  # sent in parts
    one = home.publish(
        CHANNEL, "checkpoint", made(tmp_path, a=b"one", b=big), made_from="1", facts={}
    )
    home.publish(CHANNEL, "checkpoint", made(tmp_path, a=b"two"), made_from="2", facts={})
    home.store.add(made(tmp_path, stray=b"stray"))
    home.promote(CHANNEL, "checkpoint", 1)
    assert open_home().current(CHANNEL, "checkpoint") == home.version(CHANNEL, "checkpoint", 1)
    folder = open_home().store.fetch(one.files, tmp_path / "out")
    assert [(folder / name).read_bytes() for name in "ab"] == [b"one", big]
    assert home.gc(older_than_hours=1)["files"] == 0
    assert home.gc(older_than_hours=0)["files"] == 1
    assert len(gcs.names("talks/files/")) == 3


def test_a_file_stored_again_is_young_again(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    (file,) = home.store.add(made(tmp_path, a=b"one"))
    time.sleep(0.2)
    uploads = sum(request.startswith("POST /upload") for request in gcs.requests)
    assert home.store.add(made(tmp_path, a=b"one")) == (file,)
    assert sum(request.startswith("POST /upload") for request in gcs.requests) == uploads
    assert home.store.sweep(set(), older_than_seconds=0.15) == (0, 0)
    assert home.store.sweep(set(), older_than_seconds=-1) == (1, 3)


def test_what_another_process_stored_or_deleted_is_noticed(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    """gcsfs remembered listings for good: the next file of a listed folder was missing."""
    (one,) = home.store.add(made(tmp_path, a=b"one"))
    assert home.store.size_bytes() == 3
    other = next(
        content
        for content in (str(number).encode() for number in range(10_000))
        if sha256(content).hexdigest()[:2] == one.digest[:2]
    )
    stored = StoredFile("b", sha256(other).hexdigest(), len(other))
    gcs.buckets["bucket"].put(f"talks/files/{stored.digest[:2]}/{stored.digest}", other)
    home.store.fetch([stored], tmp_path / "out")
    blob = f"talks/files/{one.digest[:2]}/{one.digest}"
    gcs.buckets["bucket"].delete(blob)
    with pytest.raises(MissingFile, match="a is not in the store"):
        home.store.fetch([one], tmp_path / "out")
    home.store.add(made(tmp_path, a=b"one"))
    assert gcs.names(blob) == [blob]


def test_a_damaged_object_is_named(home: Home, gcs: GoogleCloudStorage, tmp_path: Path) -> None:
    (one,) = home.store.add(made(tmp_path, a=b"one"))
    gcs.buckets["bucket"].put(f"talks/files/{one.digest[:2]}/{one.digest}", b"eno")
    with pytest.raises(CorruptFile, match="was damaged"):
        home.store.fetch([one], tmp_path / "out")


def test_a_sweep_goes_through_all_pages(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "page_size", 2)
    home.store.add(made(tmp_path, **{name: name.encode() for name in "abcde"}))
    assert home.store.sweep(set(), older_than_seconds=-1) == (5, 5)


def test_edits_of_a_text_from_several_places_are_all_kept(home: Home) -> None:
    home.store.write_text("channels.yaml", "")

    def edit(line: str) -> None:
        home.store.edit_text("channels.yaml", lambda text: f"{text}{line}\n")

    threads = [threading.Thread(target=edit, args=(line,)) for line in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((home.store.read_text("channels.yaml") or "").split()) == list("abc")


@pytest.mark.parametrize("folder", [True, False])
def test_an_edit_that_lost_a_race_sees_the_winner(home: Home, tmp_path: Path, folder: bool) -> None:
    store = Store(str(tmp_path / "root")) if folder else home.store
    store.write_text("channels.yaml", "old")
    winners = iter(["winner", "second winner"])

    def change(text: str) -> str:
        if winner := next(winners, None):
            store.write_text("channels.yaml", winner)
        return f"{text}, and us"

    store.edit_text("channels.yaml", change)
    assert store.read_text("channels.yaml") == "second winner, and us"


def test_an_edit_whose_answer_got_lost_is_made_once(home: Home, gcs: GoogleCloudStorage) -> None:
    gcs.fail("POST /upload.*ifGenerationMatch=0", "lost")
    home.store.edit_text("channels.yaml", lambda text: f"{text}+")
    assert home.store.read_text("channels.yaml") == "+"
    assert gcs.num_faults_left == 0
