"""A storage root: versions of files, promotion, collection, age."""

import threading
from pathlib import Path

import pytest

from impressions_assets.errors import NewerSchema, NothingToDo, StorageError
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact


def made(tmp_path: Path, text: str) -> dict[str, Path]:
    path = tmp_path / f"made-{abs(hash(text))}"
    path.write_text(text)
    return {"file": path}


def publish(home: Home, tmp_path: Path, text: str, promote: bool = True) -> Artifact:
    return home.publish(
        "talks",
        "token_shards",
        made(tmp_path, text),
        made_from=text,
        facts={"text": text},
        promote=lambda current: promote,
    )


def test_the_newest_set_is_current_and_older_ones_are_kept(home: Home, tmp_path: Path) -> None:
    publish(home, tmp_path, "one")
    publish(home, tmp_path, "two")
    assert [a.version for a in home.artifacts("talks", "token_shards")] == [1, 2]
    current = home.current("talks", "token_shards")
    assert current is not None
    assert current.fact("text") == "two"


def test_the_same_set_is_the_same_version(home: Home, tmp_path: Path) -> None:
    first = publish(home, tmp_path, "one")
    assert publish(home, tmp_path, "one") == first


def test_a_set_that_is_not_promoted_leaves_the_current_one(home: Home, tmp_path: Path) -> None:
    best = publish(home, tmp_path, "best")
    publish(home, tmp_path, "worse", promote=False)
    assert home.current("talks", "token_shards") == best
    home.promote("talks", "token_shards", 2)
    assert [a.current for a in home.artifacts("talks", "token_shards")] == [False, True]


def test_asking_for_a_version_that_is_not_there_says_what_to_do(home: Home) -> None:
    with pytest.raises(NothingToDo, match="no version 3 of 'checkpoint'.*materialize talks"):
        home.version("talks", "checkpoint", 3)


def test_asking_for_a_version_names_those_that_are_there(home: Home, tmp_path: Path) -> None:
    publish(home, tmp_path, "one")
    with pytest.raises(NothingToDo, match=r"no version 3 of 'token_shards' \(there: 1\)"):
        home.version("talks", "token_shards", 3)


def test_publishers_racing_leave_one_current_version(home: Home, tmp_path: Path) -> None:
    def work(name: str) -> None:
        publish(Home(home.root), tmp_path, name)

    threads = [threading.Thread(target=work, args=(f"set {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = home.artifacts("talks", "token_shards")
    assert [a.version for a in versions] == [1, 2, 3, 4]
    assert sum(a.current for a in versions) == 1


def test_collection_drops_what_no_row_names_and_nothing_else(home: Home, tmp_path: Path) -> None:
    publish(home, tmp_path, "old")
    current = publish(home, tmp_path, "new")
    (tmp_path / "orphan").write_text("from a crash")
    home.store.add({"orphan": tmp_path / "orphan"})
    removed = home.gc(older_than_hours=0)
    assert removed["files"] == 2
    assert home.artifacts("talks", "token_shards") == [current]
    home.store.fetch(current.files, tmp_path / "out")


def test_collection_spares_files_of_a_run_that_has_not_named_them_yet(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "young").write_text("a run is about to name it")
    home.store.add({"young": tmp_path / "young"})
    assert home.gc(older_than_hours=1)["files"] == 0


def test_a_home_of_a_newer_version_is_refused(home: Home) -> None:
    home.store.write_text("home.json", '{"schema": 99}')
    with pytest.raises(NewerSchema, match="schema 99.*upgrade"):
        Home(home.root)


def test_a_damaged_home_is_refused(home: Home) -> None:
    home.store.write_text("home.json", "not json")
    with pytest.raises(StorageError, match=r"home.json is damaged"):
        Home(home.root)
