"""Documents: exact text, exact anchors, and a reason for whatever is missing."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Chapters, Segment, Transcript
from impressions_assets.text.asides import DropAsides
from impressions_assets.text.documents import document_of
from impressions_assets.text.repeats import DropRepeats
from impressions_assets_tests.text.samples import (
    chapter_lists,
    chapters,
    spoken,
    transcript,
    transcripts,
    video,
)


def _document(found: Transcript, **options: object):
    options = {"val_fraction": 0.1, "min_characters": 1, **options}
    return document_of(
        video(license="CC-BY"), found, options.pop("chapters", chapters()), **options
    )


def test_speech_becomes_paragraphs_with_an_anchor_per_segment() -> None:
    document = _document(transcript(spoken("Hello  there.", "It is\nearly.", "Go on.")))
    assert document.text == "Hello there. It is early. Go on."
    assert document.anchor_offsets == (0, 13, 26)
    assert document.anchor_seconds == (0.0, 5.0, 10.0)
    assert (document.language, document.license) == ("en", "CC-BY")


def test_a_piece_cut_off_a_segment_that_the_next_one_overlaps_begins_before_neither() -> None:
    cut_at_half = Segment(0.0, 80.0, f"{'word ' * 69}end. {'Word ' * 69}Words")
    document = _document(transcript([cut_at_half, Segment(4.0, 6.0, "more " * 20)]))
    assert document.text.count("\n\n") == 1
    assert document.anchor_seconds == (0.0, 40.0, 40.0)


def test_a_transcript_without_a_language_gets_the_one_its_words_are_in() -> None:
    said = spoken("Heute schauen wir uns an, wie ein Modell lernt.", "Das dauert manchmal lange.")
    untold = _document(Transcript(video_id="v", origin="manual", segments=tuple(said)))
    assert (untold.language, untold.identified_language) == ("de", "de")
    told = _document(transcript(said))
    assert (told.language, told.identified_language) == ("en", "de")


def test_sounds_and_repeats_are_dropped_with_their_reason() -> None:
    said = spoken("[Music]", "We (laughs) begin.", "one two three four five",
                  "one two three four five", "No.", "No.", "the set [0, 1] and [a, b]")  # fmt: skip
    document = _document(transcript(said))
    assert document.text.startswith("We begin. one two three four five No. No. the set [0, 1] and")
    dropped = [(d.reason, d.text, d.start_seconds) for d in document.dropped]
    assert dropped == [
        ("sound", "[Music]", 0.0),
        ("sound", "(laughs)", 5.0),
        ("repeat", "one two three four five", 15.0),
    ]


def test_a_short_or_missing_transcript_is_rejected_whole() -> None:
    short = _document(transcript(spoken("Hello.")), min_characters=200)
    assert (short.text, short.anchor_offsets) == ("", ())
    assert [(d.reason, d.text) for d in short.dropped] == [("too short", "Hello.")]
    missing = _document(transcript([], origin="none"))
    assert (missing.text, missing.dropped[0].reason) == ("", "no transcript")


def test_transforms_leave_the_way_back_and_sign_what_they_drop() -> None:
    said = spoken("It is so. Any questions? Next question", "please. Because it grows.")
    document = _document(transcript(said), transforms=[DropAsides()])
    assert document.text == "It is so.\n\nBecause it grows."  # a pause is left
    assert document.anchor_offsets == (0, 11)
    assert 5 < document.anchor_seconds[1] < 10
    assert [(d.reason, d.text, d.transform) for d in document.dropped] == [
        ("aside", "Any questions?", "drop_asides"),
        ("aside", "Next question please.", "drop_asides"),
    ]


def test_a_talk_of_nothing_but_asides_is_rejected_as_too_short() -> None:
    document = _document(
        transcript(spoken("Any questions?")), transforms=[DropAsides()], min_characters=0
    )
    assert (document.text, [d.reason for d in document.dropped]) == ("", ["aside", "too short"])


def test_transforms_leave_written_text_alone() -> None:
    poem = transcript(spoken("The trees grow on and on.", "The trees grow on and on."), "text")
    assert _document(poem, transforms=[DropRepeats(), DropAsides()]) == _document(poem)


def test_light_structure_adds_title_chapters_and_names() -> None:
    said = [Segment(0, 5, "Why merge?", "Ada"), Segment(5, 9, "To save.", "Bo")]
    found = chapters([Chapter(0.0, "Start"), Chapter(5.0, "Costs")])
    document = _document(transcript(said), chapters=found, structure="light")
    assert document.text == "# A talk\n\n## Start\n\nAda: Why merge?\n\n## Costs\n\nBo: To save."
    assert [document.text[o:][:3] for o in document.anchor_offsets] == ["Why", "To "]
    assert _document(transcript(said), chapters=found).text == "Why merge?\n\nTo save."


def test_light_structure_marks_the_turns_of_unnamed_speakers() -> None:
    said = [Segment(0, 5, "Why merge?", "turn 1"), Segment(5, 9, "To save.", "turn 2")]
    document = _document(transcript(said), structure="light")
    assert document.text.endswith("— Why merge?\n\n— To save.")


def test_written_text_keeps_its_lines() -> None:
    play = "First Citizen:\nBefore we  proceed,\n\thear me.\n\n\nAll:\nSpeak.\n\n\n\nEnd.\n"
    parts = [Segment(0, 0, part) for part in play.split("\n\n")]
    document = _document(transcript(parts, origin="text"))
    assert document.text == play
    assert document.anchor_offsets == ()


def test_control_characters_go_and_accents_are_composed() -> None:
    document = _document(transcript([Segment(0, 0, "cafe\u0301\x00\ufeff\r\nend\ud800")], "text"))
    assert document.text == "café\nend"


@given(transcripts(), chapter_lists(), st.sampled_from(["plain", "light"]))
def test_anchors_rise_and_lead_to_the_words(
    found: Transcript, marks: Chapters, structure: str
) -> None:
    document = _document(found, chapters=marks, structure=structure)
    offsets, seconds = document.anchor_offsets, document.anchor_seconds
    assert list(offsets) == sorted(set(offsets))
    assert list(seconds) == sorted(seconds)
    pieces = [document.text[a:] for a in offsets]
    assert all(piece and not piece[0].isspace() for piece in pieces)
    document.text.encode()
    assert unicodedata.is_normalized("NFC", document.text) or found.origin == "manual"


@given(st.lists(st.from_regex(r"[a-z]{1,9}( [a-z]{1,9}){0,9}[.?]?", fullmatch=True), max_size=60))
def test_no_word_is_lost_and_every_segment_is_where_its_anchor_points(lines: list[str]) -> None:
    numbered = [f"{number} {line}" for number, line in enumerate(lines)]
    document = _document(transcript(spoken(*numbered)))
    assert document.text.split() == " ".join(numbered).split()
    at = dict(zip(document.anchor_seconds, document.anchor_offsets, strict=True))
    for number, line in enumerate(numbered):
        assert document.text[at[number * 5.0] :].startswith(line)
