"""The measurement of generation, at its smallest."""

import pytest

from impressions_assets_tests.bench.decode import decode_ratios


@pytest.mark.slow  # imports transformers, and has a vocabulary of 50,257
def test_each_recipe_is_held_against_reading_anew_and_against_transformers() -> None:
    rows = decode_ratios(repetitions=1, num_tokens=6)
    measured = [row for row in rows if "bfloat16" not in row.what]
    assert [row.at_least for row in measured] == [4.4, 1, 4.4, 1]
    assert all(0.01 < row.found < 100 for row in rows)
