"""Corrections of transcripts by hand."""

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import (
    CorrectedSegment,
    Correction,
    Dropped,
    Segment,
    Transcript,
    Word,
)
from impressions_assets.speech.corrections import (
    REMOVED,
    UNFIT,
    corrected_transcript,
    places_of,
)

SAID = Transcript(
    video_id="a",
    origin="automatic",
    segments=(
        Segment(0.0, 2.0, "hello", "SPEAKER_00", 0.5, (Word(0.0, 1.0, "hello"),)),
        Segment(2.0, 4.0, "yes"),
        Segment(4.0, 6.0, "yes"),
    ),
)


def corrected(*changes: CorrectedSegment) -> Transcript:
    return corrected_transcript(
        SAID, Correction(video_id="a", table="transcripts", segments=changes)
    )


def test_the_second_of_two_equal_segments_is_meant_by_its_occurrence() -> None:
    made = corrected(CorrectedSegment("yes", 1, "Yes!", 4.0, 6.0))
    assert [segment.text for segment in made.segments] == ["hello", "yes", "Yes!"]
    assert made.segments[2].found == "yes"


def test_a_new_name_keeps_the_words_times_and_new_words_do_not() -> None:
    (named, *_) = corrected(CorrectedSegment("hello", 0, "hello", 0.0, 2.0, "Ada")).segments
    assert (named.speaker, named.confidence) == ("Ada", 0.5)
    assert named.words == SAID.segments[0].words
    (reworded, *_) = corrected(CorrectedSegment("hello", 0, "Hallo", 0.0, 2.0, "Ada")).segments
    assert (reworded.words, reworded.confidence) == ((), None)


def test_what_is_removed_is_kept_with_the_reason() -> None:
    made = corrected(CorrectedSegment("yes", 0, "", 2.0, 4.0))
    assert [segment.start_seconds for segment in made.segments] == [0.0, 4.0]
    assert made.dropped == (Dropped(REMOVED, "yes", 2.0),)


def test_a_correction_that_fits_nothing_is_kept_with_the_reason() -> None:
    made = corrected(CorrectedSegment("gone", 0, "new words", 1.0, 2.0))
    assert made.segments == SAID.segments
    assert made.dropped == (Dropped(UNFIT, "new words", 1.0),)


def test_a_segment_that_moves_takes_its_new_place() -> None:
    made = corrected(CorrectedSegment("hello", 0, "hello", 5.0, 6.0))
    assert [segment.start_seconds for segment in made.segments] == [2.0, 4.0, 5.0]


@given(st.lists(st.sampled_from(["a", "b", "c"])))
def test_each_segment_has_a_place_of_its_own_before_and_after_a_correction(
    texts: list[str],
) -> None:
    segments = tuple(Segment(float(n), n + 1.0, text) for n, text in enumerate(texts))
    transcript = Transcript(video_id="a", origin="manual", segments=segments)
    places = [place for place, _ in places_of(segments)]
    assert len(set(places)) == len(places)
    changes = tuple(
        CorrectedSegment(found, nth, f"{found}!", float(n), n + 1.0)
        for n, (found, nth) in enumerate(places)
    )
    correction = Correction(video_id="a", table="transcripts", segments=changes)
    made = corrected_transcript(transcript, correction)
    assert [place for place, _ in places_of(made.segments)] == places
