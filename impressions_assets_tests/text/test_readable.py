"""Speech as a reader wants it: no leftovers, sentences that begin and end, all words kept."""

from hypothesis import given

from impressions_assets.rows import Segment, Transcript
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.readable import readable
from impressions_assets_tests.text.samples import spoken, transcripts

WRITTEN = ["The first of many lines stands here.", "It is followed by this one."] * 20
HEARD = "so now we look at the table and then we count what is in it and we write that down "


def lines(*said: str) -> list[str]:
    return [segment.text for segment in readable(spoken(*said), "", "en")]


def test_what_people_wrote_in_sentences_stays_as_it_is() -> None:
    assert lines(*WRITTEN) == WRITTEN


def test_a_run_without_stops_among_sentences_is_restored_for_itself() -> None:
    run = (HEARD * 6).strip() + "."
    found = lines(*WRITTEN, run, *WRITTEN)
    assert found[:40] == found[41:] == WRITTEN
    assert found[40].startswith("So now")
    assert found[40].count(".") > 3
    assert found[40].lower().replace(".", "") == run.removesuffix(".")


def test_sounds_that_no_bracket_marks_are_no_speech() -> None:
    assert lines("MUSIC", "—Music—", "Music is a language.", "APPLAUSE.") == [
        "Music is a language."
    ]


def test_what_a_recognizer_hears_in_closing_silence_is_left_out() -> None:
    assert lines("MUSIC", "you") == []
    assert lines("That is all.", "you") == ["That is all."]
    assert lines("I like that. you") == ["I like that."]
    assert lines("This one is for", "you") == ["This one is for", "you."]


def test_a_sentence_that_goes_on_behind_a_quotation_is_not_cut() -> None:
    assert lines("He said “Stop!”", "and went.", "Then he slept.") == [
        "He said “Stop!” and went.",
        "Then he slept.",
    ]
    assert lines("Try to...", "...forget it.") == ["Try to... ...forget it."]


def test_a_new_sentence_begins_with_a_capital_but_a_formula_does_not() -> None:
    assert lines("We begin.", "now it is late.") == ["We begin.", "Now it is late."]
    assert lines("We begin.", "x squared is one.") == ["We begin.", "x squared is one."]


@given(transcripts())
def test_no_word_is_lost(found: Transcript) -> None:
    segments = clean_transcript(found).segments if found.is_timed else []
    read = readable(segments, "", "en")
    assert _letters(read) in (_letters(segments), _letters(segments).removesuffix("you"))
    assert all(segment.text for segment in read)
    assert readable(read, "", "en") == read


def _letters(segments: list[Segment]) -> str:
    text = "".join(segment.text for segment in segments).lower()
    return "".join(filter(str.isalnum, text))
