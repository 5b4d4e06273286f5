"""Packing by best fit: each document once, few of them cut, another order in each epoch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.gpt.packing import Pieces, packed, shuffled

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=80)


def epoch_of(lengths: list[int], window: int, seed: int) -> Pieces:
    return packed(np.cumsum(lengths), window, np.random.default_rng(seed))


def in_stream(pieces: Pieces, start: int, stop: int) -> np.ndarray:
    """Where in the stream these places of the epoch lie."""
    runs = pieces.runs(start, stop)
    assert runs.places.tolist() == (np.cumsum(runs.lengths) - runs.lengths).tolist()
    stretches = zip(runs.begins, runs.lengths, strict=True)
    return np.concatenate([np.arange(begin, begin + length) for begin, length in stretches])


def num_cut(order: np.ndarray, window: int) -> int:
    """How many documents of a window's length at most lie in two windows, in this order."""
    ends = np.cumsum(order)
    across = (ends - order) // window != (ends - 1) // window
    return int(np.sum(across & (order <= window)))


@given(LENGTHS, st.integers(1, 100), st.integers(0, 9))
def test_each_place_of_the_stream_is_in_an_epoch_once(lengths, window, seed):
    pieces = epoch_of(lengths, window, seed)
    places = in_stream(pieces, 0, sum(lengths))
    assert sorted(places.tolist()) == list(range(sum(lengths)))
    first, last = sum(lengths) // 3, sum(lengths) // 2 + 1
    assert in_stream(pieces, first, last).tolist() == places[first:last].tolist()


@given(LENGTHS, st.integers(1, 100), st.integers(0, 9))
def test_windows_are_shuffled_as_they_are_and_the_last_stays(lengths, window, seed):
    def windows(pieces: Pieces) -> list[tuple[int, ...]]:
        places = in_stream(pieces, 0, sum(lengths)).tolist()
        return [tuple(places[start : start + window]) for start in range(0, len(places), window)]

    pieces = epoch_of(lengths, window, seed)
    before, after = (
        windows(p) for p in (pieces, shuffled(pieces, window, np.random.default_rng(seed)))
    )
    assert sorted(before) == sorted(after)
    assert sum(lengths) % window == 0 or before[-1] == after[-1]
    assert len(before) < 9 or before != after


@given(LENGTHS, st.integers(1, 100), st.integers(0, 9))
def test_a_window_ends_inside_a_document_only_where_none_that_was_left_fits(lengths, window, seed):
    pieces = np.diff(epoch_of(lengths, window, seed).ends, prepend=0)
    space = window - pieces[0] % window
    for place in range(1, len(pieces) - 1):
        left = pieces[place:-1]
        fitting = left[left <= space]
        if len(fitting):
            assert pieces[place] == fitting.max()
        elif (left > window).any():
            assert pieces[place] > window
        space = window - (window - space + pieces[place]) % window


def test_short_documents_are_cut_far_less_than_in_any_order():
    lengths = np.random.default_rng(0).integers(20, 401, 5000)
    pieces = np.diff(epoch_of(lengths.tolist(), 512, seed=1).ends, prepend=0)
    assert num_cut(pieces, 512) < num_cut(lengths, 512) / 8


def test_one_long_document_is_cut_elsewhere_in_each_epoch():
    firsts = {int(in_stream(epoch_of([10_000], 512, seed), 0, 1)[0]) for seed in range(20)}
    assert len({first % 512 for first in firsts}) > 15


def test_documents_meet_others_in_each_epoch():
    lengths = np.random.default_rng(0).integers(20, 401, 200).tolist()
    orders = {tuple(epoch_of(lengths, 512, seed).shifts.tolist()) for seed in range(10)}
    assert len(orders) == 10
