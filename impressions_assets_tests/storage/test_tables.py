"""Delta tables: atomic upserts, lost races, order, migration."""

import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impressions_assets.errors import ConfigError, StorageError
from impressions_assets.rows import Chapter, Chapters, Segment, Transcript, Video, Word
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.tables import Entry, Table

CHANNEL = "talks"


def table(folder: Path) -> Table[Chapters]:
    return Table(str(folder), "chapters", Chapters)


def row(video_id: str, title: str = "Intro") -> Chapters:
    return Chapters(video_id=video_id, chapters=(Chapter(0.0, title, 9.0, "youtube"),))


def test_a_table_that_does_not_exist_reads_as_empty(tmp_path: Path) -> None:
    assert table(tmp_path).digests(CHANNEL) == {}
    assert list(table(tmp_path).rows(CHANNEL)) == []
    assert table(tmp_path).count(CHANNEL) == 0


def test_rows_come_back_as_they_went_in_and_in_the_order_of_their_keys(tmp_path: Path) -> None:
    rows = [row(f"v{number}") for number in range(250)]
    table(tmp_path).put(CHANNEL, [Entry(r, "in") for r in rows])
    expected = sorted(rows, key=lambda r: key_of(r.video_id))
    assert list(table(tmp_path).rows(CHANNEL)) == expected


def test_some_rows_are_found_by_their_keys_and_nothing_else_is(tmp_path: Path) -> None:
    t = table(tmp_path)
    t.put(CHANNEL, [Entry(row(f"v{number}")) for number in range(250)])
    t.put("other", [Entry(row("elsewhere"))])
    for wanted in ([], ["v7"], ["v7", "v7"], ["v7", "v8", "v249"], ["absent"], ["v7", "absent"]):
        found = [r.video_id for r in t.rows(CHANNEL, [key_of(name) for name in wanted])]
        assert sorted(found) == sorted({*wanted} - {"absent"})
    assert t.get(CHANNEL, key_of("elsewhere")) is None


def test_one_look_tells_of_all_channels(tmp_path: Path) -> None:
    assert table(tmp_path).columns_of_all("video_id") == []
    for channel in ("talks", "more"):
        table(tmp_path).put(channel, [Entry(row(f"of-{channel}"))])
    found = table(tmp_path).columns_of_all("video_id")
    assert sorted(found) == [("more", "of-more"), ("talks", "of-talks")]


def test_nested_rows_keep_words_speakers_and_missing_values(tmp_path: Path) -> None:
    segment = Segment(1.0, 2.5, "it's <fine>", "Host", None, (Word(1.0, 1.2, "it's"),))
    transcript = Transcript(video_id="a", origin="manual", segments=(segment, Segment(3, 4, "x")))
    transcripts = Table(str(tmp_path), "transcripts", Transcript)
    transcripts.put(CHANNEL, [Entry(transcript)])
    assert transcripts.get(CHANNEL, key_of("a")) == transcript


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(), st.lists(st.text(), max_size=3), st.none() | st.floats(0, 1e6))
def test_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, text: str, tags: list[str], seconds: float | None
) -> None:
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text + "".join(tags)):
        return
    videos = Table(str(tmp_path_factory.mktemp("t")), "videos", Video)
    video = Video(video_id="a", source="x", title=text, tags=tuple(tags), duration_seconds=seconds)
    videos.put(CHANNEL, [Entry(video)])
    assert videos.get(CHANNEL, key_of("a")) == video


def test_putting_a_row_again_replaces_it_and_leaves_the_others(tmp_path: Path) -> None:
    t = table(tmp_path)
    t.put(CHANNEL, [Entry(row("a")), Entry(row("b"))])
    before = t.digests(CHANNEL)
    t.put(CHANNEL, [Entry(row("a", "Changed"))])
    after = t.digests(CHANNEL)
    assert after[key_of("b")] == before[key_of("b")]
    assert t.get(CHANNEL, key_of("a")) == row("a", "Changed")
    assert t.count(CHANNEL) == 2


def test_a_channel_does_not_see_or_touch_the_rows_of_another(tmp_path: Path) -> None:
    t = table(tmp_path)
    t.put(CHANNEL, [Entry(row("a"))])
    t.put("o'brien", [Entry(row("a", "Other"))])
    t.remove("o'brien", [key_of("a")])
    assert list(t.rows(CHANNEL)) == [row("a")]
    assert t.count("o'brien") == 0


def test_the_data_version_is_the_content_not_the_history(tmp_path: Path) -> None:
    one, two = table(tmp_path / "1"), table(tmp_path / "2")
    one.put(CHANNEL, [Entry(row("a")), Entry(row("b"))])
    two.put(CHANNEL, [Entry(row("b", "Old"))])
    two.put(CHANNEL, [Entry(row("a"))])
    assert one.data_version(CHANNEL) != two.data_version(CHANNEL)
    two.put(CHANNEL, [Entry(row("b"))])
    assert one.data_version(CHANNEL) == two.data_version(CHANNEL)


def test_writers_racing_for_one_channel_leave_each_row_once(tmp_path: Path) -> None:
    def write(title: str) -> None:
        mine = table(tmp_path)
        for number in range(8):
            mine.put(CHANNEL, [Entry(row(f"v{number}", title)), Entry(row(f"{title}{number}"))])

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [r.video_id for r in table(tmp_path).rows(CHANNEL)]
    assert len(ids) == len(set(ids)) == 8 + 3 * 8


def test_an_edit_that_lost_a_race_sees_the_winner(tmp_path: Path) -> None:
    mine, other = table(tmp_path), table(tmp_path)
    mine.put(CHANNEL, [Entry(row("counter", "0"))])
    interfered = []

    def add_one(rows: dict[str, Chapters]) -> list[Chapters]:
        if not interfered:
            interfered.append(True)
            other.put(CHANNEL, [Entry(row("counter", "10"))])
        (only,) = rows.values()
        return [row("counter", str(int(only.chapters[0].title) + 1))]

    mine.edit(CHANNEL, add_one)
    assert mine.get(CHANNEL, key_of("counter")) == row("counter", "11")


def test_what_an_edit_takes_out_of_the_rows_is_removed_in_the_same_commit(tmp_path: Path) -> None:
    """Who dies between two commits would leave what was taken out beside what came."""
    mine = table(tmp_path)
    mine.put(CHANNEL, [Entry(row("a")), Entry(row("b"))])
    before = mine._folder.snapshot()

    def keep_b(rows: dict[str, Chapters]) -> list[Chapters]:
        del rows[key_of("a")]
        return [row("b", "new")]

    mine.edit(CHANNEL, keep_b)
    assert list(mine.rows(CHANNEL)) == [row("b", "new")]
    after = mine._folder.snapshot()
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1


def test_small_files_are_joined_and_nothing_is_lost(tmp_path: Path) -> None:
    t = table(tmp_path)
    for number in range(34):
        t.put(CHANNEL, [Entry(row(f"v{number}"))])
    before = t.data_version(CHANNEL)
    assert t.tidy(CHANNEL)
    assert not t.tidy(CHANNEL)
    assert t.vacuum(0) >= 34
    assert t.data_version(CHANNEL) == before
    assert t.count(CHANNEL) == 34


class OlderChapter(msgspec.Struct, frozen=True):
    start_seconds: float
    title: str


class OlderChapters(msgspec.Struct, frozen=True, kw_only=True):
    video_id: str
    chapters: tuple[OlderChapter, ...]


def test_a_field_that_is_new_inside_a_nested_row_is_added_too(tmp_path: Path) -> None:
    older = OlderChapters(video_id="a", chapters=(OlderChapter(0.0, "Intro"),))
    Table(str(tmp_path), "chapters", OlderChapters).put(CHANNEL, [Entry(older, "in")])
    newer = table(tmp_path)
    assert newer.migrate() == ["chapters", "notes"]
    newer.put(CHANNEL, [Entry(row("b"))])
    assert newer.get(CHANNEL, key_of("a")) == Chapters(
        video_id="a", chapters=(Chapter(0.0, "Intro"),)
    )
    assert newer.get(CHANNEL, key_of("b")) == row("b")


class Older(msgspec.Struct, frozen=True, kw_only=True):
    video_id: str


def test_a_table_of_an_older_version_gets_the_new_columns_and_keeps_its_rows(
    tmp_path: Path,
) -> None:
    Table(str(tmp_path), "chapters", Older).put(CHANNEL, [Entry(Older(video_id="a"), "in")])
    newer = table(tmp_path)
    assert newer.migrate() == ["chapters", "notes"]
    assert list(newer.rows(CHANNEL)) == [Chapters(video_id="a")]
    newer.put(CHANNEL, [Entry(row("b"))])
    assert newer.count(CHANNEL) == 2
    assert newer.migrate() == []


def test_a_storage_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "chapters").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"table 'chapters' at .*chapters failed"):
        table(tmp_path).put(CHANNEL, [Entry(row("a"))])


def test_digests_do_not_depend_on_fields_that_hold_their_default() -> None:
    assert digest_of(Chapter(1.0, "a")) == digest_of(Chapter(1.0, "a", None, "description"))
    assert digest_of(Chapter(1.0, "a")) != digest_of(Chapter(1.0, "b"))


@pytest.mark.parametrize("name", ["talks [2024]", "a|b", "a^b", "a%20b"])
def test_a_folder_that_delta_lake_cannot_name_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="Choose another folder"):
        table(tmp_path / name)


@pytest.mark.parametrize("name", ["my talks", "Vorträge", "100% #1 (new)?", "a'b"])
def test_a_folder_may_have_most_other_names(tmp_path: Path, name: str) -> None:
    table(tmp_path / name).put(CHANNEL, [Entry(row("v"))])
    table(tmp_path / name).put(CHANNEL, [Entry(row("w"))])

    assert table(tmp_path / name).count(CHANNEL) == 2


def test_a_column_inside_a_row_s_list_comes_as_one_list_per_row(tmp_path: Path) -> None:
    chapters = table(tmp_path)
    rows = [
        Chapters(video_id="none"),
        Chapters(video_id="two", chapters=(Chapter(0.0, "a"), Chapter(9.5, "b"))),
    ]
    chapters.put(CHANNEL, [Entry(row) for row in rows])
    found = chapters.columns(CHANNEL, "video_id", "chapters.start_seconds", "chapters.title")
    assert sorted(found) == [("none", [], []), ("two", [0.0, 9.5], ["a", "b"])]


def test_digests_are_those_of_the_newest_version_whoever_wrote_it(tmp_path: Path) -> None:
    ours, theirs = table(tmp_path), table(tmp_path)
    assert ours.digests(CHANNEL) == {}
    theirs.put(CHANNEL, [Entry(row("a"))])
    assert len(ours.digests(CHANNEL)) == 1
    theirs.put("another", [Entry(row("b"))])
    assert list(ours.digests("another")) != list(ours.digests(CHANNEL))
    theirs.remove(CHANNEL, list(ours.digests(CHANNEL)))
    assert ours.digests(CHANNEL) == {}


def test_a_field_that_holds_its_default_does_not_count_in_a_digest() -> None:
    class Before(msgspec.Struct, frozen=True):
        video_id: str
        title: str = ""

    class After(msgspec.Struct, frozen=True):
        video_id: str
        title: str = ""
        live: str = "none"

    assert digest_of(Before("v", "t")) == digest_of(After("v", "t"))
    assert digest_of(After("v", "t")) != digest_of(After("v", "t", "ended"))
    assert digest_of(Before("v")) != digest_of(Before("v", "t"))
