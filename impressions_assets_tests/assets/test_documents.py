"""The `documents` asset: what says nearly the same as another document."""

from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.storage.copying import copy_home
from impressions_assets.storage.store import Store
from impressions_assets_tests.archives import Archive, talk
from impressions_assets_tests.houses import House

pytestmark = pytest.mark.slow  # whole runs


def test_a_talk_that_was_uploaded_again_trains_nothing_until_the_first_one_leaves(
    house: House, tmp_path: Path
) -> None:
    said = talk("again", 60)
    archive = Archive(tmp_path / "twice").add("other")
    archive.add("first", sentences=said, upload_date="20230101")
    archive.add("again", sentences=[*said[:58], "Another ending."], upload_date="20240101")
    house.declare("twice", archive.folder)
    run = house.data("twice")
    assert house.decoded("twice").keys() == {"first", "other"}
    check = run.check("documents", "no_duplicates")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    (row,) = check.metadata["duplicates"].records
    assert (row.data["video_id"], row.data["kept"]) == ("again", "first")
    archive.remove("first")
    assert house.data("twice").check("documents", "no_duplicates").passed
    assert house.decoded("twice").keys() == {"again", "other"}


def test_what_another_channel_says_is_told_and_stays(house: House, tmp_path: Path) -> None:
    said = talk("said", 60)
    for name in ("mine", "theirs"):
        house.declare(name, Archive(tmp_path / name).add(f"{name}-talk", sentences=said).folder)
        run = house.data(name)
    check = run.check("documents", "nothing_said_elsewhere")
    (row,) = check.metadata["documents"].records
    assert (row.data["channel"], row.data["other_id"]) == ("mine", "mine-talk")
    assert house.decoded("theirs").keys() == {"theirs-talk"}


def test_a_copied_home_computes_nothing_and_looks_up_anew_what_others_say(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = talk("said", 60)
    for name in ("mine", "theirs"):
        house.declare(name, Archive(tmp_path / name).add(f"{name}-talk", sentences=said).folder)
        made = house.data(name)
    copy_home(house.home.store, Store(str(tmp_path / "copy")), tmp_path / "scratch")
    assert not (tmp_path / "copy" / "elsewhere").exists()

    monkeypatch.setenv("IMPRESSIONS_STORAGE", str(tmp_path / "copy"))
    there = House(tmp_path / "there", house.instance).data("theirs")

    assert there.ok
    assert set(there.computed().values()) == {0}
    told = [run.check("documents", "nothing_said_elsewhere").metadata for run in (made, there)]
    assert told[0]["documents"] == told[1]["documents"]
    assert (tmp_path / "copy" / "elsewhere" / "theirs.json").exists()
