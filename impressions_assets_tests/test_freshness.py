"""Noticing news: once, when it is whole, and of that channel alone."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets import freshness
from impressions_assets.freshness import Seen, settled
from impressions_assets.sources.folder import fingerprint_of
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House
from impressions_assets_tests.test_sensors import call, keys


def looks(house: House, number: int, cursor: str | None = None) -> tuple[list[str], str]:
    """Let the sensor look some times; return the channels that it starts at the last look."""
    for _ in range(number):
        found = call(freshness.changed_files, house, cursor)
        cursor = found.cursor
    return [str(channel) for _, channel in keys(found.run_requests)], str(cursor)


def test_a_changed_file_starts_its_channel_once(house: House, archive: Archive) -> None:
    other = Archive(archive.folder.parent / "other").add("talk-x")
    house.declare("talks", archive.folder)
    house.declare("others", other.folder)
    started, cursor = looks(house, 3)
    assert started == []
    archive.add("talk-d")
    started, cursor = looks(house, 2, cursor)
    assert started == ["talks"]
    started, cursor = looks(house, 2, cursor)
    assert started == []
    archive.add("talk-a", title="A better name")
    assert looks(house, 2, cursor)[0] == ["talks"]


def test_a_folder_that_is_still_written_to_waits(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    _, cursor = looks(house, 1)
    for name in ("talk-d", "talk-e", "talk-f"):
        archive.add(name)
        started, cursor = looks(house, 1, cursor)
        assert started == []
    assert looks(house, 1, cursor)[0] == ["talks"]


def test_a_file_of_text_and_a_folder_that_went_away_count_as_well(
    house: House, tmp_path: Path
) -> None:
    text = tmp_path / "talk.txt"
    text.write_text("once")
    house.declare("talks", text)
    _, cursor = looks(house, 1)
    text.unlink()
    assert looks(house, 2, cursor)[0] == ["talks"]


def test_a_fingerprint_follows_names_sizes_and_times_and_no_hidden_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a").write_text("a")
    before = fingerprint_of(tmp_path)
    (tmp_path / ".part").write_text("x")
    assert fingerprint_of(tmp_path) == before
    (tmp_path / "deep/a").write_text("bb")
    changed = fingerprint_of(tmp_path)
    assert changed != before
    (tmp_path / "deep/a").rename(tmp_path / "deep/b")
    assert fingerprint_of(tmp_path) != changed


LOOKS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("123"))


@given(st.lists(LOOKS, max_size=8))
def test_a_channel_is_started_only_for_a_look_that_it_was_not_started_for(
    history: list[dict[str, str]],
) -> None:
    seen: dict[str, Seen] = {}
    for now in history:
        changed, after = settled(seen, now)
        for name in changed:
            assert now[name] != seen[name].started
            assert after[name].started == now[name] == seen[name].last
        assert after.keys() == now.keys()
        assert settled(after, now)[0] == [n for n in now if after[n].started != now[n]]
        seen = after
