"""The scores themselves: known values of Pk and WindowDiff, and a TextTiling that finds topics."""

import pytest

from impressions_assets.text.sentences import Sentence
from impressions_assets_tests.eval.segmentation import even, pk, window_diff
from impressions_assets_tests.eval.texttiling import texttiling

REFERENCE = [10.0, 20.0, 30.0]  # of 40 seconds: segments of 10, windows of 5


def test_what_agrees_has_no_error() -> None:
    assert pk(REFERENCE, REFERENCE, 40) == window_diff(REFERENCE, REFERENCE, 40) == 0


def test_a_missed_boundary_costs_the_windows_over_it() -> None:
    assert pk(REFERENCE, [10.0, 20.0], 40) == pytest.approx(5 / 35)
    assert window_diff(REFERENCE, [10.0, 20.0], 40) == pytest.approx(5 / 35)


def test_a_near_miss_costs_less_than_a_miss() -> None:
    assert pk(REFERENCE, [10.0, 20.0, 31.0], 40) == pytest.approx(2 / 35)
    assert window_diff(REFERENCE, [10.0, 20.0, 31.0], 40) == pytest.approx(2 / 35)


def test_only_window_diff_sees_two_boundaries_in_place_of_one() -> None:
    doubled = [10.0, 20.0, 28.0, 30.0]
    assert window_diff(REFERENCE, doubled, 40) > pk(REFERENCE, doubled, 40)


def test_even_spacing_makes_segments_of_one_length() -> None:
    assert even(40, 3) == REFERENCE


def test_text_tiling_finds_where_all_words_change() -> None:
    said = ["the queen leaves her hive"] * 80 + ["flour rises in my oven"] * 80
    sentences = [Sentence(i * 1.0, i + 1.0, text) for i, text in enumerate(said)]
    assert texttiling(sentences, 1) == [80.0]
    assert texttiling([]) == []
