"""The spans that answer questions."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Chapters, Segment, Transcript
from impressions_assets.text.answer_lengths import LimitLength, SplitAnswers
from impressions_assets.text.asides import DropAsides
from impressions_assets.text.qa import pairs_of
from impressions_assets.text.times import clock
from impressions_assets_tests.text.samples import (
    chapter_lists,
    chapters,
    spoken,
    transcript,
    transcripts,
    video,
)


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


def test_where_turns_have_no_names_the_first_reply_answers_and_no_longer_one_later() -> None:
    said = [
        Segment(0, 4, "And if I delete a channel from the file?", "turn 1"),
        Segment(4, 5, "Well, yes.", "turn 2"),
        Segment(5, 9, "It is retired, and the data stay.", "turn 3"),
        Segment(9, 12, "Now the expensive box. I want both at once.", "turn 4"),
        Segment(12, 40, "Only one of them will train at a time; the other waits.", "turn 5"),
    ]
    [pair] = pairs_of(video(), transcript(said), chapters()).pairs
    assert (pair.answer, pair.speaker) == ("It is retired, and the data stay.", "turn 3")


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


def test_transforms_work_in_their_order_and_sign_what_they_drop() -> None:
    talk = video(description="Questions:\n0:05 Why?\n0:20 How?")
    said = spoken("Hello.", "One two.", "Three four.", "Next question, please.", "Five six seven.")
    steps = [LimitLength(max_characters=10), SplitAnswers(max_words=2), DropAsides()]
    row = pairs_of(talk, transcript(said), chapters(), transforms=steps)
    assert [(p.question, p.answer, p.start_seconds, p.end_seconds) for p in row.pairs] == [
        ("Why?", "One two.", 5.0, 10.0),
        ("How?", "Five six", 20.0, 23.0),
    ]
    assert [(d.transform, d.text, d.start_seconds) for d in row.dropped] == [
        ("drop_asides", "Next question, please.", 15.0),
        ("limit_length", "Three four.", 10.0),
        ("limit_length", "seven.", 23.0),
    ]
    other = pairs_of(talk, transcript(said), chapters(), transforms=steps[1:])
    assert [p.answer for p in other.pairs] == ["One two.", "Three four.", "Five six", "seven."]


@given(transcripts(), chapter_lists(), st.sampled_from(["", "Questions:\n0:00 Why?\n0:09 How?"]))
def test_without_transforms_nothing_changes(
    found: Transcript, marks: Chapters, description: str
) -> None:
    talk = video(description=description)
    row = pairs_of(talk, found, marks)
    assert pairs_of(talk, found, marks, transforms=()) == row
    assert row.dropped == ()


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
