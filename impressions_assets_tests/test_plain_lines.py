"""Lines that are called plain need nothing done, and what is done to many at once is the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from impressions_assets.plain_lines import LINES_AT_ONCE, are_plain, plain_parts
from impressions_assets.rows import Segment
from impressions_assets.speech import segments
from impressions_assets.speech.cues import Cue
from impressions_assets.speech.markup import clean
from impressions_assets.speech.segments import segments_of
from impressions_assets.speech.speakers import SpeakerReader
from impressions_assets.text import clean as text_clean
from impressions_assets.text.clean import clean_line, clean_transcript
from impressions_assets_tests.text.samples import spoken, transcript

_LINES = st.lists(
    st.text(st.characters() | st.sampled_from("a  <>&[({:♪（【\n\xa0\u0301'’–")), max_size=4
)


@given(_LINES)
@example(["e\u0301"])
@example(["a\u200bb"])
@example(["one\ntwo"])
@example(["one ", "two"])
@example(["one", "", "two"])
@example(["ANNA: So"])
def test_no_reader_changes_a_plain_line(lines: list[str]) -> None:
    if are_plain(lines):
        for line in lines:
            assert clean(line) == line == clean_line(line)
            assert SpeakerReader().turns_of(line) == [(None, line)]


@pytest.mark.parametrize(
    "line", ["So I said, “Don’t worry.”", "Äpfel und Öl", "今日は", "50% of $3 * 2 = #1!", "- So"]
)
def test_what_people_say_is_plain_in_any_script(line: str) -> None:
    assert are_plain([line, line])


@given(st.lists(st.sampled_from(["so", "so", "so", "a <b>"]), max_size=3 * LINES_AT_ONCE))
def test_parts_are_all_the_lines_in_their_order_and_a_plain_one_is_plain(lines: list[str]) -> None:
    parts = list(plain_parts(lines, are_plain))
    assert [line for part, _ in parts for line in part] == lines
    for part, is_plain in parts:
        assert is_plain == are_plain(part)
        assert len(part) <= LINES_AT_ONCE or len(parts) == 1


def test_lines_that_are_all_plain_are_one_part() -> None:
    lines = ["so it goes"] * (3 * LINES_AT_ONCE)
    assert list(plain_parts(lines, are_plain)) == [(lines, True)]
    marked = [*lines, "[Music]"]
    assert [is_plain for _, is_plain in plain_parts(marked, are_plain)] == [True] * 3 + [False]


_SPOKEN = [
    *["so it goes", "and on", "- then", "ANNA: yes", ">> no", "[Music]", "a &amp; b", "(laughs)"],
    *[
        "two  spaces",
        "two\nlines",
        "five words that are said",
        "",
        "♪ la ♪",
        "Ça va",
        "e\u0301",
        "* * *",
        "…",
    ],
]


@st.composite
def tracks(draw: st.DrawFn) -> list[Cue]:
    """Long runs of plain cues with others among them, at the edges of what is read at once too."""
    lines = [f"this is line {number}" for number in range(draw(st.integers(0, 200)))]
    for place in draw(st.lists(st.integers(0, 199) | st.sampled_from([63, 64, 65]), max_size=8)):
        lines[place : place + 1] = draw(st.lists(st.sampled_from(_SPOKEN), max_size=3))
    lengths = draw(st.lists(st.sampled_from([2.0, 2.0, 0.0, -1.0]), min_size=1, max_size=9))
    return [Cue(n * 2.0, n * 2 + lengths[n % len(lengths)], line) for n, line in enumerate(lines)]


@given(tracks())
@settings(max_examples=40)
def test_cues_read_at_once_are_the_segments_that_each_gives(cues: list[Cue]) -> None:
    at_once = segments_of(cues)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "are_plain", lambda lines: False)
        assert segments_of(cues) == at_once


@given(tracks())
@settings(max_examples=40)
def test_segments_cleaned_at_once_are_those_that_each_gives(cues: list[Segment]) -> None:
    found = transcript(tuple(cues))
    at_once = clean_transcript(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_clean, "are_plain", lambda lines: False)
        assert clean_transcript(found) == at_once


def test_a_sentence_said_again_where_a_block_ends_is_dropped() -> None:
    lines = [f"this is line {number} of it" for number in range(LINES_AT_ONCE)]
    cleaned = clean_transcript(transcript(spoken(*lines, lines[-1], "and so on")))
    assert [drop.reason for drop in cleaned.dropped] == ["repeat"]
    assert len(segments_of([*map(_cue, range(80), [*lines, lines[-1], *lines[:15]])])[0]) == 79


def _cue(number: int, line: str) -> Cue:
    return Cue(number * 2.0, number * 2 + 2.0, line)


def test_who_was_named_speaks_in_all_that_follows() -> None:
    lines = ["ANNA: So", *[f"this is line {number}" for number in range(3 * LINES_AT_ONCE)]]
    found, _ = segments_of([*map(_cue, range(len(lines)), lines)])
    assert {segment.speaker for segment in found} == {"ANNA"}


@pytest.mark.parametrize("mark", ["* * *", "…", "- -", "#"])
def test_a_cue_of_marks_alone_is_no_speech(mark: str) -> None:
    lines = ["so it goes", mark, "and on"]
    found, dropped = segments_of([*map(_cue, range(3), lines)])
    assert [segment.text for segment in found] == ["so it goes", "and on"]
    assert [drop.text for drop in dropped] == [mark]
