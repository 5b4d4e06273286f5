"""Questions of the round at the end of a talk that knows no speakers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Chapters, QAPair, Segment
from impressions_assets.text.qa import pairs_of
from impressions_assets_tests.text.samples import chapters, spoken, transcript, video

TALK = [
    f"Step {number} merges the two bytes that stand together most often." for number in range(8)
]
CALL = "So, are there any questions?"
ASKED = "You said that bytes are merged, so can one undo that?"
ANSWER = (
    "Yes, since each merge is kept in a list, one walks that list from its end to its beginning."
)
ELSE = "And what would become of all those merges on another day?"


def pairs(*lines: str, known: Chapters | None = None, speaker: str | None = None) -> list[QAPair]:
    talk = transcript(spoken(*TALK, *lines, speaker=speaker))
    return list(pairs_of(video(), talk, known or chapters()).pairs)


def test_what_a_listener_asks_after_the_call_is_paired_with_its_answer() -> None:
    [pair] = pairs(CALL, ASKED, ANSWER)
    assert (pair.question, pair.answer, pair.origin) == (ASKED, ANSWER, "round")
    assert (pair.start_seconds, pair.end_seconds, pair.speaker) == (45, 55, None)
    assert pair.confidence < 0.8


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("I was wondering, is the list kept?", "The list lies beside the model."),
        ("My second question: is the list kept?", "The list lies beside the model."),
        ("And is the list of merges kept anywhere?", "That's a good question."),
        ("Do you keep the list of the merges?", "Yeah."),
    ],
)
def test_a_question_is_sure_by_its_words_or_by_its_reply(question: str, reply: str) -> None:
    assert [pair.question for pair in pairs(CALL, question, reply, ANSWER)] == [question]


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("And is the list of merges kept anywhere?", "The list lies beside the model."),
        ("And is the list of merges kept anywhere?", "Yeah."),
        ("Do you keep the list of the merges?", "The list lies beside the model."),
        ("Does that answer your question, then?", "Yeah."),
        ("Could you repeat that for the others?", "Yeah."),
        ("Do you have any other questions?", "Yeah."),
    ],
)
def test_what_may_be_the_lecturers_own_is_no_question(question: str, reply: str) -> None:
    assert pairs(CALL, question, reply, ANSWER) == []


def test_no_round_is_seen_without_a_call_or_in_the_first_third() -> None:
    assert pairs(ASKED, ANSWER) == []
    early = transcript(spoken(CALL, ASKED, ANSWER, *TALK))
    assert pairs_of(video(), early, chapters()).pairs == ()


def test_where_people_answered_each_other_before_the_call_there_is_no_round() -> None:
    assert pairs("Yes, it does.", CALL, ASKED, ANSWER)
    assert pairs("Yes, it does.", "No, not that one.", CALL, ASKED, ANSWER) == []


def test_an_unsure_question_makes_no_pair_but_ends_the_answer_before_it() -> None:
    [pair] = pairs(CALL, ASKED, ANSWER, ELSE, *TALK)
    assert (pair.answer, pair.end_seconds) == (ANSWER, 55)


def test_a_tag_of_the_lecturer_ends_no_answer() -> None:
    tag = "A list can be read from either side, right?"
    [pair] = pairs(CALL, ASKED, ANSWER, tag, TALK[0])
    assert pair.answer == f"{ANSWER} {tag} {TALK[0]}"


@pytest.mark.parametrize("closing", ["Cool, thank you.", "Did I answer your question?"])
def test_thanks_end_an_answer_but_do_not_begin_one(closing: str) -> None:
    [pair] = pairs(CALL, ASKED, "Thanks.", ANSWER, closing, *TALK)
    assert pair.answer == f"Thanks. {ANSWER}"


def test_a_listed_chapter_ends_an_answer() -> None:
    known = chapters([Chapter(0.0, "Merging"), Chapter(55.0, "Goodbye")])
    [pair] = pairs(CALL, ASKED, ANSWER, *TALK, known=known)
    assert pair.end_seconds == 55


def test_what_leads_to_a_question_belongs_to_it_and_not_to_the_answer_before() -> None:
    lead = "I have two questions."
    first, second = pairs(CALL, ASKED, ANSWER, lead, "How long is the list of merges?", *TALK)
    assert first.answer == ANSWER
    assert second.question == f"{lead} How long is the list of merges?"


def test_a_question_begins_and_ends_inside_a_caption() -> None:
    [pair] = pairs(CALL, f"It is late. {ASKED} Yes,", ANSWER.removeprefix("Yes, "))
    assert (pair.question, pair.answer) == (ASKED, ANSWER)


def test_an_answer_ends_where_the_next_question_begins_though_its_caption_stays() -> None:
    said = enumerate([*TALK, CALL, ASKED, ANSWER, ASKED, ANSWER])
    cues = [Segment(i * 5.0, i * 5.0 + 8, line) for i, line in said]
    first, second = pairs_of(video(), transcript(cues), chapters()).pairs
    assert (first.end_seconds, second.start_seconds) == (55, 55)


def test_hardly_a_word_is_no_answer() -> None:
    assert pairs(CALL, ASKED, "Yes.") == []


def test_neither_listed_questions_nor_known_speakers_leave_room_for_a_round() -> None:
    listed = video(description="Questions:\n0:05 Why are bytes merged?\n0:20 Which of them?")
    said = spoken(*TALK, CALL, ASKED, ANSWER)
    found = pairs_of(listed, transcript(said), chapters()).pairs
    assert {pair.origin for pair in found} == {"description"}
    two = [*spoken("Hello.", speaker="Bo"), *spoken(*TALK, CALL, ASKED, ANSWER, speaker="Ada")[1:]]
    assert pairs_of(video(), transcript(two), chapters()).pairs == ()
    assert len(pairs(CALL, ASKED, ANSWER, speaker="Ada")) == 1


@given(st.lists(st.sampled_from([CALL, ASKED, ANSWER, ELSE, "Thanks.", "So", *TALK]), max_size=30))
def test_pairs_come_in_order_and_never_overlap_though_captions_do(lines: list[str]) -> None:
    said = enumerate([*TALK, CALL, ASKED, ANSWER, *lines])
    cues = [Segment(i * 5.0, i * 5.0 + 8, f"{line} So, {line}") for i, line in said]
    found = pairs_of(video(), transcript(cues), chapters()).pairs
    bounds = [bound for pair in found for bound in (pair.start_seconds, pair.end_seconds)]
    assert bounds == sorted(bounds)
    assert all(pair.question and pair.answer for pair in found)
