"""Paragraphs cut many segments at once are those that one after the other gives."""

from collections.abc import Sequence
from random import Random

import pytest

from impressions_assets.rows import Segment
from impressions_assets.text.paragraphs import MOST_WORDS, num_words_in, paragraphs_of
from impressions_assets_tests.text.plain_paragraphs import Piece, plain_paragraphs

_ASCII = ["so", "Well", "the", "Dr", "3", "x" * 40, "two  spaces", "two\nlines"]
_WORDS = [*_ASCII[:-1], "naïve", "然后我们" * 9]
_MARKS = ["", "", "", "", ".", "?", '!"', ")", " J."]
_ENDS = [*_MARKS, "!”", "…", "。"]


def _speech(seed: int, words: Sequence[str] = _WORDS, ends: Sequence[str] = _ENDS) -> list[Segment]:
    """Cues of one to 400 words, with pauses, overlaps, and people who take turns."""
    random, seconds = Random(seed), 0.0
    found: list[Segment] = []
    for _ in range(random.randrange(40)):
        seconds += random.choice([0.0, 0.0, 0.0, 2.0, 3.0, 9.0])
        few = [random.choice(words) + random.choice(ends) for _ in range(12)]
        count = random.choice([1, 3, 8, 8, 8, 8, 8, 20, 70, 400])
        speaker = random.choice([None, None, None, "Ada"])
        length = random.choice([2.5, 2.5, 0.0, 40.0])
        line = " ".join((few * count)[:count])
        found.append(Segment(seconds, seconds + length, line, speaker))
        seconds += random.choice([2.5, 1.0])
    return found


_KINDS = {
    "scripts": (_WORDS, _ENDS),
    "ASCII": (_ASCII[:-1], _MARKS),
    "lines": (_ASCII, _MARKS),
    "unmarked": (_ASCII[:-1], [""]),
}


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("first", range(0, 240, 60))
def test_many_at_once_are_cut_as_one_after_the_other(first: int, kind: str) -> None:
    for seed in range(first, first + 60):
        segments = _speech(seed, *_KINDS[kind])
        found = paragraphs_of(segments)
        assert [[_shown(p) for p in part.pieces] for part in found] == [
            [_shown(p) for p in part] for part in plain_paragraphs(segments)
        ]
        for part in found:
            assert {piece.speaker for piece in part.pieces} == {part.speaker}
            if part.text.isascii():
                assert 0 < num_words_in(part.text) <= MOST_WORDS


def test_of_two_pauses_of_one_length_the_later_ends_the_paragraph() -> None:
    starts = [number * 3.0 + 2.0 * (number > 12) + 2.0 * (number > 15) for number in range(30)]
    segments = [Segment(s, s + 3.0, "a line of eight words that says nothing") for s in starts]
    assert [len(part.pieces) for part in paragraphs_of(segments)] == [16, 14]
    assert [len(part) for part in plain_paragraphs(segments)] == [16, 14]


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
