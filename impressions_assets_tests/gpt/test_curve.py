"""The loss curve: a picture that stands in Markdown, small whatever the length of the training."""

import base64
import re

import pytest

from impressions_assets.gpt.curve import loss_curve
from impressions_assets.gpt.run import HistoryPoint


def png_of(markdown: str) -> bytes:
    found = re.fullmatch(r"!\[loss curve\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found is not None
    return base64.b64decode(found[1], validate=True)


@pytest.mark.parametrize("length", [0, 1, 20_000])
def test_it_is_a_png_below_50_kilobytes(length: int) -> None:
    history = [
        HistoryPoint(n, 8 / (n + 1) + (n % 7) / 9, 8 / (n + 1) if n % 10 == 0 else None)
        for n in range(length)
    ]
    markdown = loss_curve(history)
    assert png_of(markdown).startswith(b"\x89PNG\r\n\x1a\n")
    assert len(markdown) < 50_000


def test_other_losses_are_another_picture() -> None:
    falling = [HistoryPoint(n, 5.0 - n, 5.0 - n) for n in range(5)]
    rising = [HistoryPoint(n, 5.0 + n, 5.0 + n) for n in range(5)]
    assert png_of(loss_curve(falling)) != png_of(loss_curve(rising))
    assert loss_curve(falling) == loss_curve(falling)


def test_a_step_that_has_only_one_of_both_losses_is_drawn_for_that_one() -> None:
    both = [HistoryPoint(0, 5.0, 5.0), HistoryPoint(1, 4.0, 4.0)]
    halves = [HistoryPoint(0, None, 5.0), HistoryPoint(1, 4.0, None)]
    assert png_of(loss_curve(both)) != png_of(loss_curve(halves))
