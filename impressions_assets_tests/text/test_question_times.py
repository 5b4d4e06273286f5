"""Listed times that are moved to where the question is asked."""

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Question, Segment
from impressions_assets.text.question_times import moved

ASKED = Question(100.0, "Which oven should beginners choose for crusty rye bread?")
ECHO = "Now which oven should beginners choose, for a crusty rye bread?"


def talk(asked_at: float, text: str = ECHO, speaker: str | None = None) -> list[Segment]:
    """Ten minutes of small talk, a line every five seconds, and in it the question."""
    lines = [Segment(s, s + 5, "and so it goes on here", speaker) for s in range(0, 600, 5)]
    return [Segment(s.start_seconds, s.end_seconds, text, "Host" if speaker else None)
            if s.start_seconds == asked_at else s for s in lines]  # fmt: skip


def at(segments: list[Segment], question: Question = ASKED) -> float:
    [found] = moved([question], segments)
    return found.start_seconds


def test_a_time_within_a_minute_moves_to_the_words_with_speakers_and_without() -> None:
    for asked_at in (45.0, 80.0, 130.0, 155.0):
        assert at(talk(asked_at)) == at(talk(asked_at, speaker="Guest")) == asked_at


def test_a_time_stays_when_the_words_are_too_far_or_too_few() -> None:
    assert at(talk(30.0)) == at(talk(170.0)) == 100.0
    assert at(talk(130.0, "which bread do you choose")) == 100.0
    assert at(talk(130.0), Question(100.0, "Which oven?")) == 100.0


def test_a_time_stays_when_the_question_is_asked_there_too() -> None:
    twice = [Segment(100, 105, ECHO, None), Segment(140, 145, ECHO, None)]
    assert at(twice) == 100.0


def test_a_time_moves_to_the_start_of_the_turn_that_asks() -> None:
    said = [
        Segment(120, 125, "Thank you. I have another one.", "Host"),
        Segment(125, 130, ECHO, "Host"),
        Segment(130, 200, "That depends on you.", "Guest"),
    ]
    assert at(said) == 120.0


@given(
    st.lists(st.integers(0, 300), max_size=30), st.text(max_size=60), st.sampled_from([None, "Ada"])
)
def test_a_question_stays_or_moves_to_a_segment_within_reach(
    starts: list[int], text: str, speaker: str | None
) -> None:
    said = [Segment(float(s), s + 3.0, f"{text} {ECHO}", speaker) for s in sorted(starts)]
    found = at(said)
    assert found == 100.0 or (found in set(map(float, starts)) and abs(found - 100) <= 60)
