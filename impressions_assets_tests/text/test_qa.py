"""Questions in descriptions, and the spans that answer them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Chapters, Segment, Transcript
from impressions_assets.text.qa import pairs_of
from impressions_assets.text.questions import parse_questions
from impressions_assets.text.times import clock
from impressions_assets_tests.text.samples import (
    chapter_lists,
    chapters,
    spoken,
    transcript,
    transcripts,
    video,
)

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


@given(st.text() | st.text(alphabet=st.sampled_from("01:?\nQ&A ab-()"), max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert all(question.text for question in parse_questions(text))


def test_each_question_is_answered_until_the_next_and_the_last_until_the_end() -> None:
    talk = video(description="Questions:\n0:05 Why?\n0:15 How?")
    said = spoken("Hello.", "Because.", "It is so.", "Like this.", "Bye.")
    pairs = pairs_of(talk, transcript(said), chapters()).pairs
    assert [(p.question, p.answer, p.start_seconds, p.end_seconds) for p in pairs] == [
        ("Why?", "Because. It is so.", 5.0, 15.0),
        ("How?", "Like this. Bye.", 15.0, 25.0),
    ]
    assert {p.origin for p in pairs} == {"description"}


def test_the_last_answer_ends_with_its_chapter() -> None:
    talk = video(description="Questions:\n0:05 Why?\n0:15 How?")
    marks = chapters([Chapter(0.0, "Round"), Chapter(20.0, "Goodbye")])
    pairs = pairs_of(talk, transcript(spoken("a", "b", "c", "d", "e")), marks).pairs
    assert (pairs[-1].answer, pairs[-1].end_seconds) == ("d", 20.0)


def test_questions_out_of_order_come_out_in_order_and_those_of_one_time_as_one() -> None:
    talk = video(description="Questions:\n0:15 How?\n0:05 Why?\n0:05 And when?")
    pairs = pairs_of(talk, transcript(spoken("a", "b", "c", "d")), chapters()).pairs
    assert [(p.question, p.answer) for p in pairs] == [("Why? And when?", "b c"), ("How?", "d")]


def test_chapters_that_ask_are_questions_when_the_description_lists_none() -> None:
    marks = chapters([Chapter(0.0, "Start"), Chapter(5.0, "Why?"), Chapter(10.0, "Rest")])
    pairs = pairs_of(video(), transcript(spoken("a", "b", "c", "d")), marks).pairs
    assert [(p.question, p.answer, p.end_seconds, p.origin) for p in pairs] == [
        ("Why?", "b", 10.0, "chapter")
    ]


def test_the_asking_turn_is_no_part_of_the_answer() -> None:
    said = [
        Segment(5, 8, "The first question is why.", "Host"),
        Segment(8, 15, "Because it is so, and was so.", "Guest"),
        Segment(15, 20, "And how?", "Host"),
        Segment(20, 40, "Like this, like that and so on.", "Guest"),
    ]
    talk = video(description="Questions:\n0:05 Why?\n0:15 How?")
    pairs = pairs_of(talk, transcript(said), chapters()).pairs
    assert [p.answer for p in pairs] == [said[1].text, said[3].text]
    assert {p.speaker for p in pairs} == {"Guest"}


def test_a_host_who_talks_more_than_the_guest_still_only_asks() -> None:
    said = [
        Segment(0, 9, "Well, tell us, why do we merge pairs of bytes at all?", "Host"),
        Segment(9, 12, "To save.", "Guest"),
        Segment(12, 20, "I see.", "Host"),
    ]
    talk = video(description="Questions:\n0:00 Why do we merge pairs?\n9:00 And?")
    [pair] = pairs_of(talk, transcript(said), chapters()).pairs
    assert (pair.answer, pair.speaker) == ("To save. I see.", "Guest")


def test_a_guest_who_repeats_the_question_still_answers() -> None:
    said = [Segment(0, 9, "Why do we merge? To save.", "Guest"), Segment(9, 12, "Ah.", "Host")]
    talk = video(description="Questions:\n0:00 Why do we merge?\n9:00 And?")
    [pair] = pairs_of(talk, transcript(said), chapters()).pairs
    assert pair.answer == "Why do we merge? To save. Ah."


def test_a_question_without_words_gives_no_pair() -> None:
    talk = video(description="Questions:\n0:05 Why?\n9:00 How?")
    assert len(pairs_of(talk, transcript(spoken("a", "b")), chapters()).pairs) == 1
    assert pairs_of(talk, transcript(spoken("a", "b"), origin="text"), chapters()).pairs == ()


@given(transcripts(), chapter_lists(), st.lists(st.integers(0, 1100), min_size=2, max_size=9))
def test_spans_are_half_open_and_no_segment_answers_twice(
    found: Transcript, marks: Chapters, times: list[int]
) -> None:
    listed = "\n".join(f"{clock(t)} What is number {i}?" for i, t in enumerate(times))
    numbered = [
        Segment(s.start_seconds, s.end_seconds, f"<{i}>", None)
        for i, s in enumerate(found.segments)
    ]
    talk = video(description=f"Questions:\n{listed}")
    pairs = pairs_of(talk, transcript(numbered), marks).pairs
    for before, after in pairwise(pairs):
        assert before.start_seconds < before.end_seconds <= after.start_seconds
    answered = " ".join(pair.answer for pair in pairs).split()
    assert len(answered) == len(set(answered))
    for pair in pairs:
        for word in pair.answer.split():
            start = numbered[int(word[1:-1])].start_seconds
            assert pair.start_seconds <= start < pair.end_seconds
