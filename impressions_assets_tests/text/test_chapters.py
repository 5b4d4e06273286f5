"""Chapter lists as people write them, and texts that only look like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Transcript, Video
from impressions_assets.text.chapters import chapters_of, parse_chapters
from impressions_assets.text.times import clock

NOTHING_SAID = Transcript(video_id="v", origin="none")
EXPECTED = [(0, "Why we tokenize"), (75, "Merging pairs"), (3723, "Costs (and limits)")]

STYLES = {
    "time first": "0:00 Why we tokenize\n1:15 Merging pairs\n1:02:03 Costs (and limits)",
    "title first": "Why we tokenize 0:00\nMerging pairs 1:15\nCosts (and limits) 1:02:03",
    "dashes": "00:00 - Why we tokenize\n01:15 – Merging pairs\n01:02:03 — Costs (and limits)",
    "no spaces": "0:00:00-Why we tokenize\n0:01:15-Merging pairs\n1:02:03-Costs (and limits)",
    "brackets": "[0:00] Why we tokenize\n[1:15] Merging pairs\n[1:02:03] Costs (and limits)",
    "behind in parentheses": "Why we tokenize (0:00 )\nMerging pairs (1:15)\n"
    "Costs (and limits) (1:02:03)",
    "bullets": "- 0:00 Why we tokenize\n• 1:15: Merging pairs\n* 1:02:03 | Costs (and limits)",
    "emoji": "🎬 0:00 Why we tokenize\n🔧 1:15 Merging pairs\n💰 1:02:03 Costs (and limits)",
    "numbered": "01. Why we tokenize 0:00\n02. Merging pairs 1:15\n03. Costs (and limits) 1:02:03",
    "numbered before the time": "1) 0:00 Why we tokenize\n2) 1:15 Merging pairs\n"
    "3) 1:02:03 Costs (and limits)",
    "full width": "０：００　Why we tokenize\n"
    "１：１５　Merging pairs\n１：０２：０３　Costs (and limits)",
    "letters": "0h00 Why we tokenize\n0h01m15s Merging pairs\n1h02m03s Costs (and limits)",
    "ranges": "0:00 - 1:15 Why we tokenize\n1:15 - 1:02:03 Merging pairs\n"
    "1:02:03 - 1:10:00 Costs (and limits)",
    "links": "[0:00](https://v.example/?t=0) Why we tokenize\n"
    "[1:15](https://v.example/?t=75) Merging pairs\n"
    "[1:02:03](https://v.example/?t=3723) Costs (and limits)",
    "links in reST": "`0:00 <https://v.example/?t=0>`_ Why we tokenize\n"
    "`1:15 <https://v.example/?t=75>`__ Merging pairs\n1:02:03 `Costs (and limits) <https://c.d>`_",
    "title below": "0:00\nWhy we tokenize\n1:15\nMerging pairs\n1:02:03\nCosts (and limits)",
    "blank lines and a heading": "A talk.\n\nChapters:\n\n"
    "0:00 Why we tokenize\n\n1:15 Merging pairs"
    "\n\n1:02:03 Costs (and limits)\n\nThanks!",
    "flattened": "A talk.0:00 Why we tokenize1:15 Merging pairs1:02:03 Costs (and limits)",
}


def _plain(chapters: list[Chapter]) -> list[tuple[float, str]]:
    return [(chapter.start_seconds, chapter.title) for chapter in chapters]


@pytest.mark.parametrize("style", STYLES)
def test_a_list_is_read_in_every_style(style: str) -> None:
    assert _plain(parse_chapters(STYLES[style])) == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Join us at 10:30 for the launch, or at 18:00, or at 21:45!",
        "Fri Aug  2 11:50:00 2019 at C3.3",
        "0:00 One\n2:00 Two",
        "9:00 am Doors\n10:30 am Talk\n1:00 pm Lunch\n",
        "9:00 Doors open\n9:30 First talk\n10:15 Coffee\n11:00 Second talk",
        "Mondays 20:00 MSK\nTuesdays 21:30 MSK\nFridays 22:00 MSK",
        "At 7:14 - slide on partitions\nAt 14:43 - slide on tills\nAt 20:10 - slide on costs",
        "1.0:10 Mended\n1.0:20 Mended\n1.0:31 Mended",
        "Genesis 1:01\nExodus 3:14\nPsalm 23:04",
        "Shot at 16:9, 4:3 and 21:9. Costs 3:1 or 5:1.",
        "We won 2:10, 3:15 and 4:12, see https://a.example/1:02:03/4:05:06",
    ],
)
def test_times_that_are_no_chapters_give_none(text: str) -> None:
    assert parse_chapters(text) == []


def test_a_list_may_start_late_and_hold_a_short_chapter() -> None:
    text = "0:36 Rhapsody\n0:44 Radio\n6:53 Ay oh\n7:34 Hammer"
    assert [c.start_seconds for c in parse_chapters(text)] == [36, 44, 413, 454]


def test_errata_behind_the_list_are_no_chapters() -> None:
    text = "0:00 A\n3:29 B\n16:04 C\n\nTypo corrections:\n- 1:33 it should be x\n- 16:21 and y\n"
    assert [c.title for c in parse_chapters(text)] == ["A", "B", "C"]
    later = "0:00 A\n3:29 B\n16:04 C\n\nErrata\n16:21 this should read y\n"
    assert [c.title for c in parse_chapters(later)] == ["A", "B", "C"]


def test_an_h_between_minutes_and_seconds_is_understood_beside_colons() -> None:
    text = "0h00 - A\n0:23 - B\n9:33 - C\n12h28 - D"
    assert [c.start_seconds for c in parse_chapters(text)] == [0, 23, 573, 748]
    afternoon = "0h00 A\n18h10 B\n9h30 C\n19h42 D"
    assert [c.start_seconds for c in parse_chapters(afternoon)] == [0, 370, 570, 1182]
    assert [c.start_seconds for c in parse_chapters("0h00 A\n0h45 B\n1h10 C")] == [0, 2700, 4200]
    afternoon = "0h00 A\n18h10 B\n9h30 C\n19h42 D"
    assert [c.start_seconds for c in parse_chapters(afternoon)] == [0, 370, 570, 1182]
    assert [c.start_seconds for c in parse_chapters("0h00 A\n0h45 B\n1h10 C", 90)] == [0, 45, 70]


def test_a_number_that_belongs_to_the_title_stays() -> None:
    numbered = "0:00 1. One\n1:00 2. Two: part 3. of it\n2:00 Bonus 4. end"
    assert [c.title for c in parse_chapters(numbered)][1:] == ["Two: part 3. of it", "Bonus 4. end"]
    text = "0:00 7th heaven\n1:00 3. place\n2:00 2 days"
    assert [c.title for c in parse_chapters(text)] == ["7th heaven", "3. place", "2 days"]


def test_marks_that_belong_to_a_title_stay() -> None:
    text = "0:00 C\n1:00 C++\n2:00 Q&A"
    assert [c.title for c in parse_chapters(text)] == ["C", "C++", "Q&A"]


def test_a_label_is_the_title_where_the_line_says_nothing_else() -> None:
    labels = parse_chapters("Intro 0:00\nRye 0:30\nOats 0:50\nQuestion 1 (1:15)\nQuestion! 2:00")
    assert [c.title for c in labels] == ["Intro", "Rye", "Oats", "Question 1", "Question!"]
    behind = parse_chapters("Q1: 0:00 Rye\nQ2: 1:15 Wheat\nQ3: 2:00 Oats")
    assert [c.title for c in behind] == ["Rye", "Wheat", "Oats"]


def test_a_time_in_a_remark_says_nothing_of_its_line() -> None:
    text = "0:00 Rye\n1:15 Wheat (as at 0:20, 0:40 and 0:50)\n(see 1:20)\n2:00 Oats"
    assert _plain(parse_chapters(text)) == [
        (0, "Rye"),
        (75, "Wheat (as at 0:20, 0:40 and 0:50)"),
        (120, "Oats"),
    ]


def test_a_remark_behind_the_time_belongs_to_the_title() -> None:
    text = "Suite 0:00  (incomplete)\nAttack 5:31(live)\nSong 8:42\n"
    assert [c.title for c in parse_chapters(text)] == [
        "Suite (incomplete)",
        "Attack (live)",
        "Song",
    ]


def test_each_chapter_ends_where_the_next_begins_and_the_last_with_the_video() -> None:
    text = "0:00 A\n1:00 B\n2:00 C"
    assert [c.end_seconds for c in parse_chapters(text)] == [60, 120, None]
    assert [c.end_seconds for c in parse_chapters(text, 150.5)] == [60, 120, 150.5]


def test_a_list_that_lies_behind_the_end_of_the_video_is_not_its_list() -> None:
    assert parse_chapters("9:12 A\n10:34 B\n11:47 C", 300) == []
    assert len(parse_chapters("0:00 A\n1:00 B\n2:00 C\n9:00 D", 300)) == 3


def test_youtubes_own_list_comes_before_the_description() -> None:
    own = (Chapter(0.0, "Start", 9.5), Chapter(9.5, "End", None))
    video = Video(
        video_id="v", source="archive", description="0:00 A\n0:05 B\n0:08 C",
        duration_seconds=20.0, chapters=own,
    )  # fmt: skip
    found = chapters_of(video, NOTHING_SAID).chapters
    assert found == (Chapter(0.0, "Start", 9.5, "youtube"), Chapter(9.5, "End", 20.0, "youtube"))


def test_without_an_own_list_the_description_is_read() -> None:
    video = Video(video_id="v", source="archive", description="0:00 A\n0:05 B\n0:08 C")
    assert [c.origin for c in chapters_of(video, NOTHING_SAID).chapters] == ["description"] * 3


@given(st.text(alphabet=st.sampled_from("0123:h ：\n-()[]ab?. `<"), max_size=200) | st.text())
def test_no_text_breaks_the_parser_and_starts_rise(text: str) -> None:
    starts = [chapter.start_seconds for chapter in parse_chapters(text)]
    assert starts == sorted(set(starts))
    assert all(chapter.title for chapter in parse_chapters(text))


_TITLES = st.from_regex(r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ ,'!?]{2,30}[A-Za-zÀ-ÿ?!]", fullmatch=True)


@given(st.lists(st.integers(1, 20_000), min_size=2, max_size=20, unique=True), st.data())
def test_what_is_written_is_read_back(times: list[int], data: st.DataObject) -> None:
    starts = [0, *sorted(times)]
    titles = [" ".join(data.draw(_TITLES).split()) for _ in starts]
    written = "\n".join(f"{clock(t)} – {title}" for t, title in zip(starts, titles, strict=True))
    assert _plain(parse_chapters(written)) == list(zip(starts, titles, strict=True))


@given(st.floats(1, 5000), st.lists(st.integers(0, 9000), min_size=3, max_size=9))
def test_starts_rise_within_the_video_whatever_the_lines_order(
    duration: float, times: list[int]
) -> None:
    chapters = parse_chapters("\n".join(f"{clock(t)} Title" for t in times), duration)
    starts = [chapter.start_seconds for chapter in chapters]
    assert starts == sorted(set(starts))
    assert all(c.end_seconds is not None for c in chapters)
    assert all(c.start_seconds < (c.end_seconds or 0) <= duration for c in chapters)


def test_a_plan_in_hours_and_minutes_is_no_list() -> None:
    plan = "0:00 - 0:05 Who we are\n0:05 - 0:20 Ovens\n0:20 - 0:40 Flour\n0:40 - 1:30 Salt"
    assert parse_chapters(plan, 5400) == []
    assert len(parse_chapters(plan, 95)) == 4


def test_a_row_of_a_table_is_one_title() -> None:
    table = (
        ".. list-table::\n\n   * - Time\n     - Title\n   * - 00:10_\n     - A. Baker\n     - Ovens"
        "\n   * - 04:35_\n     - B. Miller\n     - Flour\n   * - 10:27_\n     -\n     - Salt\n"
    )
    titles = [chapter.title for chapter in parse_chapters(table)]
    assert titles == ["A. Baker – Ovens", "B. Miller – Flour", "Salt"]


def test_a_grid_of_characters_is_a_list() -> None:
    grid = (
        "+--------+-------+\n+ Start  | Topic +\n+========+=======+\n+ 0:45   | Ovens +\n"
        "+--------+-------+\n+  51:40 | Flour +\n+--------+-------+\n+ 1:03:00| Salt  +\n"
    )
    assert _plain(parse_chapters(grid)) == [(45, "Ovens"), (3100, "Flour"), (3780, "Salt")]


def test_a_blank_inside_a_time_in_parentheses_is_a_slip_of_the_hand() -> None:
    text = "(00:00) Ovens\n\n(08: 20) Flour\n\n(12:55) Salt"
    assert [c.start_seconds for c in parse_chapters(text)] == [0, 500, 775]
