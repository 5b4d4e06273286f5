"""Paragraphs cut many segments at once are those that one after the other gives."""

from random import Random

import pytest

from impressions_assets.rows import Segment
from impressions_assets.text.paragraphs import MOST_WORDS, num_words_in, paragraphs_of
from impressions_assets_tests.text.plain_paragraphs import Piece, plain_paragraphs

_WORDS = ["so", "Well", "the", "Dr", "3", "naïve", "x" * 40, "然后我们" * 9]
_ENDS = ["", "", "", "", ".", "?", "!”", "…", "。", ")", " J."]


def _speech(seed: int) -> list[Segment]:
    """Cues of one to 400 words, with pauses, overlaps, and people who take turns."""
    random, seconds = Random(seed), 0.0
    found: list[Segment] = []
    for _ in range(random.randrange(40)):
        seconds += random.choice([0.0, 0.0, 0.0, 2.0, 3.0, 9.0])
        few = [random.choice(_WORDS) + random.choice(_ENDS) for _ in range(12)]
        count = random.choice([1, 3, 8, 8, 8, 8, 8, 20, 70, 400])
        speaker = random.choice([None, None, None, "Ada"])
        length = random.choice([2.5, 2.5, 0.0, 40.0])
        line = " ".join((few * count)[:count])
        found.append(Segment(seconds, seconds + length, line, speaker))
        seconds += random.choice([2.5, 1.0])
    return found


@pytest.mark.parametrize("first", range(0, 240, 60))
def test_many_at_once_are_cut_as_one_after_the_other(first: int) -> None:
    for segments in map(_speech, range(first, first + 60)):
        found = paragraphs_of(segments)
        assert [[_shown(p) for p in part.pieces] for part in found] == [
            [_shown(p) for p in part] for part in plain_paragraphs(segments)
        ]
        for part in found:
            assert {piece.speaker for piece in part.pieces} == {part.speaker}
            if part.text.isascii():
                assert 0 < num_words_in(part.text) <= MOST_WORDS


def test_a_cue_of_two_scripts_leaves_no_paragraph_empty() -> None:
    line = " ".join(["然后我们" * 9, "the", "x" * 40] * 60)
    found = paragraphs_of([Segment(0.0, 60.0, line)])
    assert all(part.pieces for part in found)
    assert " ".join(part.text for part in found).replace(" ", "") == line.replace(" ", "")


def test_segments_that_pass_whole_are_the_rows_that_came() -> None:
    segments = [Segment(n * 2.0, n * 2 + 2.0, f"line {n} of the talk") for n in range(20)]
    assert [piece for part in paragraphs_of(segments) for piece in part.pieces] == segments


def test_no_speech_has_no_paragraph() -> None:
    assert paragraphs_of([]) == []


def _shown(piece: Segment | Piece) -> tuple[float, float, str]:
    return piece.start_seconds, piece.end_seconds, piece.text
