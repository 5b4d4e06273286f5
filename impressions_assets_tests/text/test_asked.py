"""Questions that speakers ask in the talk itself."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapters, Segment
from impressions_assets.text.asked import asked_by_speakers
from impressions_assets.text.qa import pairs_of
from impressions_assets_tests.text.samples import chapters, transcript, video

ANSWER = "Well, we merge the two bytes that stand together most often, and then once more."


def conversation(*turns: str) -> list[Segment]:
    """`Host: Why?` and so on, ten seconds each."""
    parts = [turn.split(": ", 1) for turn in turns]
    return [Segment(i * 10.0, i * 10.0 + 10, text, who) for i, (who, text) in enumerate(parts)]


def times(*turns: str) -> list[float]:
    return [asked.start_seconds for asked in asked_by_speakers(conversation(*turns))]


@pytest.mark.parametrize(
    "turn",
    [
        "So how does one merge bytes?",
        "How does one merge bytes? I never understood that part.",
        "Tell us about the merging of bytes.",
        "I was wondering how one merges bytes.",
        "You merge bytes, right?",
    ],
)
def test_a_turn_asks_with_a_mark_or_a_request(turn: str) -> None:
    assert times(f"Guest: {ANSWER}", f"Host: {turn}", f"Guest: {ANSWER}") == [10]


@pytest.mark.parametrize(
    "turn",
    [
        "Merging is fine.",
        "So, are there any questions?",
        "Can you hear me now?",
        "Sorry, could you repeat that?",
    ],
)
def test_statements_and_housekeeping_ask_nothing(turn: str) -> None:
    assert times(f"Guest: {ANSWER}", f"Host: {turn}", f"Guest: {ANSWER}") == []


def test_a_question_that_is_met_with_assent_alone_is_none() -> None:
    assert times(f"Guest: {ANSWER}", "Host: It works, right?", "Guest: Yes.", "Host: I see.") == []


def test_a_counter_question_is_no_answer() -> None:
    turns = ["Host: So how do we do it?", "Guest: How do we do it, then?", "Host: Yes, how?"]
    assert times(*turns, f"Guest: {ANSWER}") == [20]


def test_praise_and_thanks_may_stand_before_the_answer() -> None:
    turns = ["Host: Why does it work?", "Guest: Great question.", "Host: Thanks."]
    assert times(*turns, f"Guest: {ANSWER}") == [0]


def test_what_a_lecturer_asks_the_room_is_no_question() -> None:
    lecture = " ".join([ANSWER] * 9)
    turns = [f"Ada: {lecture} Who knows why?", "Bo: So that the text gets shorter than before."]
    assert times(*turns, f"Ada: {lecture}") == []


def test_without_speakers_nobody_asks() -> None:
    assert asked_by_speakers([Segment(0, 5, "Why?", None), Segment(5, 9, ANSWER, None)]) == []
    assert asked_by_speakers([]) == []


def test_a_long_turn_asks_with_its_last_sentences() -> None:
    turns = [f"Host: {ANSWER} {ANSWER} And so I ask. Why do we merge?"]
    turns.append(f"Guest: {ANSWER} {ANSWER} {ANSWER}")
    [asked] = asked_by_speakers(conversation(*turns))
    assert asked.text.endswith("And so I ask. Why do we merge?")
    assert len(asked.text.split()) < len(turns[0].split()) - 10


def test_each_question_is_answered_by_one_speaker_until_the_next_is_asked() -> None:
    said = conversation(
        "Host: Why do we merge?",
        f"Guest: {ANSWER}",
        "Host: Mm.",
        "Guest: And it is cheap.",
        "Host: Tell us about the cost.",
        "Guest: It is a matter of minutes.",
        "Guest: Or of hours.",
    )
    pairs = pairs_of(video(), transcript(said), chapters()).pairs
    assert [(p.question, p.answer, p.start_seconds, p.end_seconds) for p in pairs] == [
        ("Why do we merge?", f"{ANSWER} And it is cheap.", 0, 40),
        (
            "Tell us about the cost.",
            "It is a matter of minutes. Or of hours.",
            40,
            70,
        ),
    ]
    assert {(p.speaker, p.origin) for p in pairs} == {("Guest", "speaker")}
    assert [p.confidence for p in pairs] == [0.9, 0.7]


turns = st.builds(
    lambda start, who, mark, more: Segment(start, start + 5, f"<{start}> is so{mark} {more}", who),
    st.integers(0, 400).map(float),
    st.sampled_from(["Ada", "Bo", "Cy", None]),
    st.sampled_from("?."),
    st.sampled_from(["", "It is what it is and was.", "Right?", "Tell us about it."]),
)


@given(st.lists(turns, max_size=25, unique_by=lambda segment: segment.start_seconds))
def test_spans_meet_and_no_segment_answers_twice(said: list[Segment]) -> None:
    said = sorted(said, key=lambda segment: segment.start_seconds)
    pairs = pairs_of(video(), transcript(said), Chapters(video_id="v")).pairs
    for before, after in pairwise(pairs):
        assert before.start_seconds < before.end_seconds <= after.start_seconds
    answers = [word for pair in pairs for word in pair.answer.split() if word[0] == "<"]
    assert len(answers) == len(set(answers))
    for pair in pairs:
        for word in (word for word in pair.answer.split() if word[0] == "<"):
            assert pair.start_seconds <= float(word[1:-1]) < pair.end_seconds
