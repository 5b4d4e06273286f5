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
    added_place,
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


def test_a_sentence_that_was_to_go_and_is_not_there_is_no_misfit() -> None:
    assert corrected(CorrectedSegment("gone", 0, "", 1.0, 2.0)) == SAID


def test_what_a_person_adds_takes_its_place_and_makes_a_transcript_where_there_was_none() -> None:
    added = CorrectedSegment(*added_place("and so", 3.0), "and so", 3.0, 4.0, "Ada")
    assert [s.text for s in corrected(added).segments] == ["hello", "yes", "and so", "yes"]
    silent = Transcript(video_id="a", origin="none", reason="disabled")
    change = Correction(video_id="a", table="transcripts", segments=(added,))
    made = corrected_transcript(silent, change)
    assert (made.origin, made.reason, len(made.segments)) == ("manual", "", 1)
    assert made.is_timed


def test_a_segment_that_moves_takes_its_new_place() -> None:
    made = corrected(CorrectedSegment("hello", 0, "hello", 5.0, 6.0))
    assert [segment.start_seconds for segment in made.segments] == [2.0, 4.0, 5.0]


@given(st.lists(st.sampled_from(["a", "b", "c"])), st.data())
def test_corrected_twice_is_corrected_once_and_the_others_keep_their_places(
    texts: list[str], data: st.DataObject
) -> None:
    segments = tuple(Segment(float(n), n + 1.0, text) for n, text in enumerate(texts))
    transcript = Transcript(video_id="a", origin="manual", segments=segments)
    wanted = st.tuples(st.sampled_from(["", "a", "d"]), st.integers(0, 9))
    chosen = data.draw(st.lists(st.one_of(st.none(), wanted), min_size=len(texts)))
    changes = tuple(
        CorrectedSegment(*place, want[0], float(want[1]), want[1] + 1.0)
        for (place, _), want in zip(places_of(segments), chosen, strict=False)
        if want
    )
    correction = Correction(video_id="a", table="transcripts", segments=changes)
    made = corrected_transcript(transcript, correction)
    assert corrected_transcript(made, correction).segments == made.segments
    gone = {(change.found, change.occurrence) for change in changes if not change.text}
    before = dict(places_of(segments))
    after = dict(places_of(made.segments))
    assert after.keys() == before.keys() - gone
    changed = {(change.found, change.occurrence) for change in changes}
    assert all(after[p].text == before[p].text for p in after.keys() - changed)


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
