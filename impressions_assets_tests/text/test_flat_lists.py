"""Lists that lost their newlines, and texts with many times that are no list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.text.chapters import parse_chapters
from impressions_assets.text.times import clock


def _plain(text: str, duration_seconds: float | None = None) -> list[tuple[float, str]]:
    return [(c.start_seconds, c.title) for c in parse_chapters(text, duration_seconds)]


def test_a_time_glued_to_a_number_is_read_so_that_the_list_rises() -> None:
    text = "News of 09.08.20200:00 Start1:10 About COVID-193:51 Loaves x1004:19 End"
    assert _plain(text) == [
        (0, "Start"),
        (70, "About COVID-19"),
        (231, "Loaves x10"),
        (259, "End"),
    ]


def test_the_second_number_before_a_colon_may_belong_to_the_title() -> None:
    assert _plain("0:00 Episode 20:12 Guests 6:50 Farewell") == [
        (0, "Episode 2"),
        (12, "Guests"),
        (410, "Farewell"),
    ]


def test_titles_may_stand_before_their_times() -> None:
    behind = [(0, "Ovens"), (91, "Flour"), (2105, "15th of May"), (2500, "Salt (a song)")]
    glued = "Ovens 00:00Flour 01:3115th of May 35:05Salt (a song) 41:40Label: none at all"
    assert _plain(f"Subscribe: https://a.example/b\n{glued}") == behind
    assert _plain("Ovens 00:00 Flour 01:31 15th of May 35:05 Salt (a song) 41:40") == behind


def test_numbers_part_the_titles_from_what_else_is_said_of_each() -> None:
    text = (
        "Songs: 1)Song: Ovens - 00:00Singer: A, B2)Song: Flour - 10:24Singer: C3)Song: Salt - 14:04"
    )
    assert _plain(text) == [(0, "Song: Ovens"), (624, "Song: Flour"), (844, "Song: Salt")]


def test_a_wrapped_paragraph_is_one_list() -> None:
    text = "00:00 Welcome 01:10 Why the\noven is cold 02:54 Letting\ndough rest 08:24 Goodbye"
    assert _plain(text) == [
        (0, "Welcome"),
        (70, "Why the oven is cold"),
        (174, "Letting dough rest"),
        (504, "Goodbye"),
    ]


def test_ranges_count_by_their_starts() -> None:
    text = "Contents: Ovens: 00:00-01:27Flour: 01:27-02:43Salt: 02:43-05:33"
    assert _plain(text) == [(0, "Ovens"), (87, "Flour"), (163, "Salt")]
    assert _plain("0:00 - 1:06 Ovens1:06 - 3:41 Flour3:41 - 5:42 Salt") == [
        (0, "Ovens"),
        (66, "Flour"),
        (221, "Salt"),
    ]


def test_a_list_from_later_is_believed_when_its_newlines_were_lost() -> None:
    text = "a.example/video0:22 - News1:51 - Return to the oven7:01 - Dance!7:27 - Salt"
    assert [start for start, _ in _plain(text)] == [22, 111, 421, 447]


@pytest.mark.parametrize(
    "text",
    [
        "Read John 3:16, then Romans 8:28 and Psalm 23:04; Mark 24:05 is not there.",
        "Plan: 09:30 - 10:00 Race 110:25 - 11:05 Race11:50 - 12:20 Race 112:45 - 13:05 Prizes",
        "2020年9月26日(土)20:00～開始10月3日(土)23:59までアーカイブ8月5日(水)12:00～3日(土)18:00",
        "Hall 30 May 20:30 HRShttps://a.example Hall 5 June 18:00 y 21:00 hrs. Hall 17:00 y 20:00",
        "It flashes at 0:04, 0:28 and 01:41.",
    ],
)
def test_many_times_in_a_text_are_no_list(text: str) -> None:
    assert _plain(text) == []


def test_a_blank_before_the_seconds_is_a_slip_of_the_hand() -> None:
    assert [s for s, _ in _plain("0:00 Ovens, 03:34 Flour, 11: 25 Salt, 13:33 Yeast")] == [
        0,
        214,
        685,
        813,
    ]
    assert [s for s, _ in _plain("0:00 Part 3: 10 tips 3:34 Part 4: 20 tips 13:33 Yeast")] == [
        0,
        214,
        813,
    ]


def test_a_number_with_a_colon_that_breaks_the_order_is_no_time() -> None:
    text = "0:00 Ovens 13:34 Part 12: 20 tips 14:33 Salt 15:00 Yeast"
    assert [start for start, _ in _plain(text)] == [0, 814, 873, 900]


def test_the_last_title_ends_where_the_next_line_began() -> None:
    rest = (
        "Subscribe to the bakery for a new loaf on every day of the week: https://a.example, " * 2
    )
    for title, behind in (("Salt", rest), ("Salt", f"🚩 {rest}"), ("Why salt?", rest)):
        assert _plain(f"0:00 Ovens1:00 Flour2:00 {title}{behind}")[-1] == (120, title)
    assert _plain("0:00 Ovens1:00 Flour2:00 MySalt")[-1] == (120, "MySalt")


# "0:03 Utc" is a time of day, and so would be "0:03 Am÷", whose last character is no letter.
_TITLES = st.from_regex(
    r"(?!(Utc|Gmt|Msk|Hrs|Uhr))[A-Z][a-zà-öø-ÿ]{2,12}( [a-z]{2,9}){0,3}", fullmatch=True
)


@given(st.lists(st.integers(1, 3_000), min_size=3, max_size=20, unique=True), st.data())
def test_what_was_a_list_is_one_without_its_newlines(times: list[int], data: st.DataObject) -> None:
    written = [(float(t), data.draw(_TITLES)) for t in [0, *sorted(times)]]
    glue = data.draw(st.sampled_from(["", " "]))
    assert _plain(glue.join(f"{clock(t)} {title}" for t, title in written)) == written
    assert _plain(glue.join(f"{title} {clock(t)}" for t, title in written)) == written


@given(st.text(alphabet=st.sampled_from("0123: \n-()ab?.~"), max_size=400), st.floats(1, 4000))
def test_every_start_rises_and_lies_in_the_video(text: str, duration: float) -> None:
    starts = [start for start, _ in _plain(text, duration)]
    assert starts == sorted(set(starts))
    assert all(start < duration for start in starts)
