"""When a tokenizer is trained anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.gpt.renewal import must_train


@pytest.mark.parametrize(
    ("same_settings", "now", "then", "expected"),
    [
        (True, 1_000, 1_000, False),
        (True, 3_999, 1_000, False),
        (True, 4_000, 1_000, True),
        (False, 1_000, 1_000, True),
        (True, 10, 1_000, False),
    ],
)
def test_it_is_when_settings_changed_or_the_text_outgrew_it(
    same_settings: bool, now: int, then: int, expected: bool
) -> None:
    assert must_train(same_settings, now, then, 4.0) is expected


@given(then=st.integers(1, 10**12), growth=st.floats(1.0001, 100))
def test_text_of_the_size_it_saw_never_trains_it_anew(then: int, growth: float) -> None:
    assert not must_train(True, then, then, growth)
