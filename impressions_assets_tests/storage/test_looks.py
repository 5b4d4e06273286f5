"""How often tables are looked at: whenever they are read, and once in a step of a run."""

from pathlib import Path

import pytest

from impressions_assets.errors import StorageError
from impressions_assets.rows import Chapter, Chapters
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.forgetting import bury
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry

CHANNEL = "talks"


def row(video_id: str, title: str = "Intro") -> Entry:
    return Entry(Chapters(video_id=video_id, chapters=(Chapter(0.0, title, 9.0, "youtube"),)))


def title(home: Home, video_id: str) -> str:
    found = home.table("chapters").get(CHANNEL, key_of(video_id))
    return found.chapters[0].title if found else ""


@pytest.fixture
def other(home: Home) -> Home:
    """The same root, as another process has it."""
    return Home(home.root)


def test_what_others_write_in_a_step_is_seen_after_it(home: Home, other: Home) -> None:
    with home.looks.once():
        assert title(home, "a") == ""
        other.table("chapters").put(CHANNEL, [row("a")])
        assert title(home, "a") == ""
    assert title(home, "a") == "Intro"
    other.table("chapters").put(CHANNEL, [row("a", "Next")])
    with home.looks.once():
        assert title(home, "a") == "Next", "a step begins with a look"


def test_what_a_step_writes_it_sees_at_once(home: Home) -> None:
    with home.looks.once():
        assert title(home, "a") == ""
        for name in ("first", "second"):
            home.table("chapters").put(CHANNEL, [row("a", name)])
            assert title(home, "a") == name
            assert home.table("chapters").count(CHANNEL) == 1
        home.table("chapters").remove(CHANNEL, [key_of("a")])
        assert title(home, "a") == ""


def test_an_edit_in_a_step_begins_with_what_others_wrote(home: Home, other: Home) -> None:
    home.table("chapters").put(CHANNEL, [row("counter", "0")])
    with home.looks.once():
        assert title(home, "counter") == "0"
        other.table("chapters").put(CHANNEL, [row("counter", "10")])

        def add_one(rows: dict[str, Chapters]) -> list[Chapters]:
            (only,) = rows.values()
            return [row("counter", str(int(only.chapters[0].title) + 1)).row]

        home.table("chapters").edit(CHANNEL, add_one)
        assert title(home, "counter") == "11"


def test_what_is_forgotten_in_a_step_is_known_at_once(home: Home, other: Home) -> None:
    with home.looks.once():
        assert home.forgotten() == set()
        bury(other, "a")
        assert home.forgotten() == {"a"}


def test_a_version_that_was_vacuumed_in_a_step_is_left_for_the_newest(
    home: Home, other: Home
) -> None:
    home.table("chapters").put(CHANNEL, [row("a"), row("b")])
    with home.looks.once():
        assert home.table("chapters").count(CHANNEL) == 2
        other.table("chapters").put(CHANNEL, [row("a", "Next"), row("b")])
        other.table("chapters").vacuum(0)
        assert title(home, "a") == "Next"


def test_rows_that_cannot_be_read_are_no_empty_list(home: Home) -> None:
    home.table("chapters").put(CHANNEL, [row("a")])
    with home.looks.once():
        assert home.table("chapters").count(CHANNEL) == 1
        for file in Path(home.root).glob("tables/chapters/channel=*/*.parquet"):
            file.unlink()
        with pytest.raises(StorageError, match="reading table 'chapters' at"):
            list(home.table("chapters").rows(CHANNEL))
