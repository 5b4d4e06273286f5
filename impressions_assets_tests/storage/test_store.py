"""Files under their digests: atomic, shared, checked."""

import os
import shutil
from pathlib import Path

import pytest

from impressions_assets.errors import CorruptFile, MissingFile, StorageError
from impressions_assets.storage.store import Store


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(str(tmp_path / "root"))
    return Store(f"memory://{tmp_path.name}/root")


def files(tmp_path: Path, **texts: str) -> dict[str, Path]:
    folder = tmp_path / "made"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: folder / name for name in texts}


def test_a_set_of_files_comes_back_whole(store: Store, tmp_path: Path) -> None:
    stored = store.add(files(tmp_path, b="two", a="one"))
    assert [file.name for file in stored] == ["a", "b"]
    folder = store.fetch(stored, tmp_path / "out")
    assert (folder / "a").read_text() == "one"
    assert (folder / "b").read_text() == "two"


def test_equal_files_are_stored_once(store: Store, tmp_path: Path) -> None:
    store.add(files(tmp_path, a="same"))
    store.add(files(tmp_path, b="same", c="other"))
    assert store.size_bytes() == len("same") + len("other")


def test_a_text_is_replaced_whole(store: Store) -> None:
    assert store.read_text("channels.yaml") is None
    store.write_text("channels.yaml", "one")
    store.write_text("channels.yaml", "zwei ü")
    assert store.read_text("channels.yaml") == "zwei ü"


def test_the_sweep_keeps_what_is_named_and_what_is_young(store: Store, tmp_path: Path) -> None:
    (kept,) = store.add(files(tmp_path, a="kept"))
    store.add(files(tmp_path, b="gone"))
    assert store.sweep({kept.digest}, older_than_seconds=3600) == (0, 0)
    assert store.sweep({kept.digest}, older_than_seconds=-1) == (1, 4)
    store.fetch([kept], tmp_path / "out")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "root"))
    (stored,) = store.add(files(tmp_path, a="good"))
    blob = tmp_path / "root" / "files" / stored.digest[:2] / stored.digest
    blob.write_text("evil")
    with pytest.raises(CorruptFile, match=f"a .*{stored.digest}.* was damaged"):
        store.fetch([stored], tmp_path / "out")
    assert not (tmp_path / "out" / "a").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "root"))
    (stored,) = store.add(files(tmp_path, a="good"))
    shutil.rmtree(tmp_path / "root" / "files")
    with pytest.raises(MissingFile, match="a is not in the store"):
        store.fetch([stored], tmp_path / "out")


def test_files_that_are_gone_are_named_without_listing_all(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.add(files(tmp_path, a="good", b="gone"))
    store.delete([stored[1].digest])
    monkeypatch.setattr(store, "_all_files", lambda: pytest.fail("all files are listed"))
    assert store.missing(stored) == {"b"}


def test_what_may_be_changed_is_no_link_into_the_store(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "root"))
    stored = store.add(files(tmp_path, a="good"))
    mine = store.fetch(stored, tmp_path / "mine", may_link=False) / "a"
    mine.write_text("mine")
    assert (store.fetch(stored, tmp_path / "out") / "a").read_text() == "good"


def test_a_file_that_was_there_but_wrong_is_fetched_again(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "root"))
    stored = store.add(files(tmp_path, a="good"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("half")
    store.fetch(stored, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "good"


def test_a_failed_write_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path))
    store.write_text("channels.yaml", "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device.*Nothing was published"):
        store.write_text("channels.yaml", "new")
    assert store.read_text("channels.yaml") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["channels.yaml"]
