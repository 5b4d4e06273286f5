from pathlib import Path

import pytest

from impressions_assets.chat.guard import examples_of, labelled_in
from impressions_assets_tests.eval.draw import drawn, near_pairs

NEW = [(f"How do I parse dates of format number{at}?", "in: plain") for at in range(40)]
LABELS = Path(__file__).with_name("labels")


def labelled(file):
    return [one for one, _ in labelled_in((LABELS / file).read_text("utf-8"))]


def test_three_in_ten_are_kept_aside_and_the_order_does_not_matter():
    apart = [(f"word{at} thing{at} matter{at}", "out: plain") for at in range(400)]
    kept, left = drawn(apart, [], [])
    assert len(kept) + len(left) == 400
    assert 90 < len(kept) < 150
    assert set(drawn(apart[::-1], [], [])[0]) == set(kept)


def test_those_that_share_most_of_their_words_are_drawn_together():
    for kept, left in (
        drawn([(f"{word} {one[0]}", one[1]) for one in NEW], [], []) for word in "abcdef"
    ):
        assert not kept or not left


def test_what_is_near_one_tuned_on_is_not_kept_aside():
    assert drawn(NEW, ["How do I parse the dates of a format number3?"], []) == (
        [],
        [*NEW[:3], *NEW[4:]],
    )


def test_what_is_near_one_that_was_kept_aside_goes_out():
    kept, left = drawn(NEW, [], ["parse dates format number3"])
    assert ("How do I parse dates of format number3?", "in: plain") not in kept + left


@pytest.mark.parametrize("name", ["python", "demo"])
def test_nothing_drawn_is_near_anything_tuned_on(name):
    tuned = (
        [one for one, _ in examples_of("python")]
        if name == "python"
        else labelled("scope_demo.txt")
    )
    assert len(tuned) > 500 or name == "demo"
    assert not list(near_pairs(labelled(f"scope_{name}_drawn.txt"), tuned))
