"""Questions that descriptions list, in the many ways in which people write such lists."""

from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Question
from impressions_assets.text.questions import parse_questions
from impressions_assets.text.times import fold, stamps_in
from impressions_assets_tests.eval.question_layouts import layouts

EXPECTED = [(10, "Why do we merge?"), (95, "Tell us about the cost of it all")]

LAYOUTS = {
    "heading": "A round.\n\nQuestions:\n"
    "0:10 Why do we merge?\n1:35 Tell us about the cost of it all",
    "q and a": "Q&A\n0:10 - Why do we merge?\n1:35 - Tell us about the cost of it all",
    "labels": "Timestamps of questions\nQ1: Why do we merge? 0:10\n"
    "Q2: Tell us about the cost of it all 1:35",
    "numbered": "QUESTIONS ANSWERED\n\n1. (0:10) Why do we merge?\n"
    "2. (1:35) Tell us about the cost of it all",
    "several lines": "Questions:\n"
    "0:10 Why do\nwe merge?\n1:35 Tell us about\nthe cost of it all\n\nBye",
    "time at the end of several lines": "Questions asked:\nWhy do\nwe merge? 0:10\n"
    "Tell us about\nthe cost of it all 1:35",
    "intro and outro": "Questions:\n0:00 Introduction\n0:10 Why do we merge?\n"
    "1:35 Tell us about the cost of it all\n2:00 Closing",
    "another section behind": "Questions:\n0:10 Why do we merge?\n"
    "1:35 Tell us about the cost of it all\n\nGear:\n2:00 A microphone",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_question_lists_are_read_in_many_layouts(layout: str) -> None:
    found = parse_questions(LAYOUTS[layout])
    assert [(q.start_seconds, q.text) for q in found] == EXPECTED


def test_without_a_heading_only_lines_with_question_marks_count() -> None:
    text = "0:00 Intro\n0:30 What is a token?\n1:00 A story\n2:00 ¿Y ahora?\n3:00 これは何？"
    assert [q.start_seconds for q in parse_questions(text)] == [30, 120, 180]


def test_a_channels_own_heading_is_understood() -> None:
    text = "Ask the baker\n0:10 Rye or wheat\n0:50 How hot"
    assert parse_questions(text) == []
    assert len(parse_questions(text, ["ask the baker"])) == 2


def test_marks_inside_a_question_stay() -> None:
    text = "Questions:\n0:10 [Part 1] Is it, or not? (asked again at 2:05)\n"
    text += "0:50 All being one,\nwhy 2?"
    found = [question.text for question in parse_questions(text)]
    assert found == ["[Part 1] Is it, or not? (asked again at 2:05)", "All being one, why 2?"]


def test_one_stray_question_with_a_clock_time_is_no_list() -> None:
    assert parse_questions("Will you join us tonight at 10:30?") == []


def test_each_of_several_headings_opens_its_questions() -> None:
    text = "Questions, part 1:\n0:10 Rye or wheat\n\nGear:\n0:20 An oven\n\nMore questions:\n"
    assert texts_of(text + "0:30 How hot") == ["Rye or wheat", "How hot"]


@pytest.mark.parametrize(
    "listed",
    [
        "0:10 Is it (asked again at 2:05)\n0:50 Why?",
        "0:10 Is it (asked again at\n2:05)\n0:50 Why?",
        "Is it (asked again at 2:05) 0:10\nWhy? 0:50",
        "Is it (asked again at\n2:05) 0:10\nWhy? 0:50",
    ],
)
def test_a_remark_with_a_time_stays_in_its_question_wherever_lines_break(listed: str) -> None:
    assert read(f"Questions:\n{listed}") == [(10, "Is it (asked again at 2:05)"), (50, "Why?")]


def test_parts_of_one_question_stay_together_and_keep_their_letters() -> None:
    text = "Questions:\n0:10 (a) Rye?\n(b) Or wheat?\n0:30 1) How hot? 2) How long?\n0:50 Why?"
    assert texts_of(text) == ["(a) Rye? (b) Or wheat?", "1) How hot? 2) How long?", "Why?"]


@pytest.mark.parametrize("heading", ["Q&A:\n", "", "Chapters\n"])
@pytest.mark.parametrize(
    "listed",
    [
        "0:10 Q: Rye or wheat? A: Rye.\n0:50 Q: How hot? A: It is hot: 250 degrees.",
        "0:10 Q1: Rye or wheat?\nA1: Rye.\n0:50 Q2: How hot?\nA2: Very.",
        "0:10 Q: Rye or wheat?\n0:20 A: Rye.\n0:50 Q: How hot?\n0:55 A: Very.",
        "0:10 Question: Rye or wheat? Answer: Rye. 0:50 Question: How hot? Answer: Very.",
    ],
)
def test_answers_that_stand_with_their_questions_are_none(heading: str, listed: str) -> None:
    assert read(heading + listed) == [(10, "Rye or wheat?"), (50, "How hot?")]


def test_a_letter_that_is_no_label_stays_in_its_question() -> None:
    text = "Questions:\n0:10 Q: Is plan A: rye, or is plan B: wheat?\n0:50 Q: How hot?"
    assert texts_of(text) == ["Is plan A: rye, or is plan B: wheat?", "How hot?"]


def test_numbers_of_the_list_go_and_numbers_of_one_question_stay() -> None:
    text = "Questions:\n0:10 1. Rye?\n0:30 2. 1) How hot? 2) How long?\n0:50 3. Why?"
    assert texts_of(text) == ["Rye?", "1) How hot? 2) How long?", "Why?"]


def test_a_dash_at_the_end_of_a_wrapped_line_is_the_questions_own() -> None:
    text = "Q&A:\n0:10 Which is it -\nrye or wheat?\n1:00 Why?"
    assert texts_of(text) == ["Which is it - rye or wheat?", "Why?"]


def test_a_wrapped_line_with_the_word_question_is_no_heading() -> None:
    text = (
        "Questions:\n0:10 If I bake it twice, is\nthat a question of taste, and\nwhose taste is it"
    )
    assert texts_of(text) == [
        "If I bake it twice, is that a question of taste, and whose taste is it"
    ]


def test_the_time_may_stand_on_a_line_above_or_below_its_question() -> None:
    expected = [(10, "Rye or wheat"), (50, "How hot")]
    assert read("Questions:\n0:10\nRye or wheat\n0:50\nHow hot") == expected
    assert read("Questions:\nRye or wheat\n0:10\nHow hot\n0:50") == expected


@pytest.mark.parametrize(
    "behind", ["Subscribe to my channel", "Website: https://example.org", "Follow us:", "#bread"]
)
def test_a_line_behind_the_list_is_no_part_of_the_last_question(behind: str) -> None:
    listed = "Questions:\n0:10 Rye or wheat?\n0:50 How hot?\n"
    assert texts_of(listed + behind) == ["Rye or wheat?", "How hot?"]


@pytest.mark.parametrize("behind", ["", " Website: https://example.org/?t=1", " Follow us: on air"])
def test_a_list_that_lost_its_newlines_ends_before_what_follows(behind: str) -> None:
    listed = "A talk. Questions: 0:10 Rye or wheat 0:50 How hot. And why? 1:20 Is it done?"
    assert texts_of(listed + behind) == ["Rye or wheat", "How hot. And why?", "Is it done?"]


def test_in_one_line_chapters_before_the_heading_are_no_questions() -> None:
    text = "Chapters: 0:00 Opening 0:20 News Questions: 0:30 Rye or wheat 0:50 How hot?"
    assert texts_of(text) == ["Rye or wheat", "How hot?"]


def test_times_in_one_line_may_stand_behind_their_questions() -> None:
    text = "Questions: Rye or wheat? 0:10 How hot 0:50 Is it done? 1:20"
    assert read(text) == [(10, "Rye or wheat?"), (50, "How hot"), (80, "Is it done?")]


def test_what_is_glued_tells_on_which_side_of_their_questions_times_stand() -> None:
    text = "Questions: Rye or wheat 0:10How hot 0:50Is it done 1:20Follow us: on air"
    assert read(text) == [(10, "Rye or wheat"), (50, "How hot"), (80, "Is it done")]


def test_a_label_and_a_time_may_stand_above_their_question() -> None:
    text = "Questions:\nQuestion 1: 0:10\nRye or wheat\nQuestion 2: 0:50\nHow hot"
    assert read(text) == [(10, "Rye or wheat"), (50, "How hot")]


def test_links_in_markdown_give_their_words() -> None:
    text = "Questions:\n* [[Part 1] Rye?](https://a.b/?t=10) 0:10\n* [How?](https://a.b) 0:50"
    assert texts_of(text) == ["[Part 1] Rye?", "How?"]


@pytest.mark.parametrize("invitation", ["Ask your questions below!", "Any questions? Write to us."])
def test_chapters_below_an_invitation_to_ask_are_no_questions(invitation: str) -> None:
    assert parse_questions(f"{invitation}\n\n0:00 Flour\n1:00 Water\n2:00 Salt") == []


def test_a_list_that_is_announced_stands_for_chapters_that_ask() -> None:
    text = "0:00 What is bread?\n5:00 Ovens\n\nQuestions:\n6:00 Rye or wheat\n7:00 How hot"
    assert texts_of(text) == ["Rye or wheat", "How hot"]


def test_a_link_with_a_question_mark_is_no_question() -> None:
    text = "0:00 https://example.org/?a 1:00 https://example.org/?b 2:00 https://example.org/?c"
    assert parse_questions(text) == []


@given(st.text() | st.text(alphabet=st.sampled_from("01:?\nQ&A ab-()[]"), max_size=200))
def test_each_time_that_is_read_stands_in_the_text(text: str) -> None:
    for description in (text, f"Questions:\n{text}"):
        found = parse_questions(description)
        assert all(question.text for question in found)
        assert {q.start_seconds for q in found} <= times_in(description)


words = st.text(ascii_letters.replace("m", "").replace("M", ""), min_size=4, max_size=9)
asked = st.lists(words, min_size=2, max_size=25).map(lambda said: f"Why {' '.join(said)}?")
lists = st.lists(
    st.builds(Question, st.integers(60, 20_000).map(float), asked), min_size=3, max_size=6
)


@given(lists, st.sampled_from(sorted(layouts())))
def test_a_list_parses_back_from_every_layout(listed: list[Question], layout: str) -> None:
    found = parse_questions(layouts()[layout](listed))
    assert sorted((q.start_seconds, q.text) for q in found) == sorted(
        (q.start_seconds, q.text) for q in listed
    )


def read(description: str) -> list[tuple[float, str]]:
    return [(q.start_seconds, q.text) for q in parse_questions(description)]


def texts_of(description: str) -> list[str]:
    return [question.text for question in parse_questions(description)]


def times_in(description: str) -> set[float]:
    stamps = list(stamps_in(fold(description)))
    return {
        float(s) for stamp in stamps for s in (stamp.seconds, stamp.as_minutes) if s is not None
    }
