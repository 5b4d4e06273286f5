"""Sentences that were just said go; questions, others' words and short ones stay."""

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Segment
from impressions_assets.text.repeats import DropRepeats
from impressions_assets_tests.text.samples import spoken
from impressions_assets_tests.text.talks import characters_of, talks

LONG = "This is how a tree grows."


def test_the_same_sentence_again_goes_whatever_its_case_and_punctuation() -> None:
    talk = spoken(LONG, "Look.", "this is how a tree grows!")
    kept, dropped = DropRepeats().on_segments(talk)
    assert kept == talk[:2]
    assert [(d.reason, d.text, d.start_seconds) for d in dropped] == [
        ("repeat", "this is how a tree grows!", 10.0)
    ]


def test_what_is_said_again_later_stays() -> None:
    talk = [Segment(0, 5, LONG), Segment(31, 35, LONG)]
    assert DropRepeats().on_segments(talk) == (talk, [])
    assert len(DropRepeats(within_seconds=60).on_segments(talk).dropped) == 1


def test_captions_that_are_stuck_leave_one() -> None:
    talk = [Segment(start, start + 5, LONG) for start in (0, 20, 40, 60)]
    assert DropRepeats().on_segments(talk).items == talk[:1]


def test_short_sentences_stay() -> None:
    talk = spoken("Yes.", "Yes.", "It grows.", "It grows.")
    assert DropRepeats().on_segments(talk) == (talk, [])
    assert len(DropRepeats(min_words=2).on_segments(talk).dropped) == 1


def test_a_question_that_is_read_out_again_stays() -> None:
    talk = spoken("Why do the trees grow so slowly?", "Why do the trees grow so slowly?")
    assert DropRepeats().on_segments(talk) == (talk, [])


def test_what_another_speaker_says_again_stays() -> None:
    talk = [*spoken(LONG, speaker="Ada"), Segment(5, 10, LONG, "Bo")]
    assert DropRepeats().on_segments(talk) == (talk, [])


@given(talks([LONG, "It does.", "this is how", "a tree grows"]), st.integers(1, 6))
def test_nothing_is_lost_and_a_second_time_nothing_goes(talk: list[Segment], fewest: int) -> None:
    step = DropRepeats(min_words=fewest)
    kept, dropped = step.on_segments(talk)
    assert characters_of(kept) + characters_of(dropped) == characters_of(talk)
    assert step.on_segments(kept) == (kept, [])
