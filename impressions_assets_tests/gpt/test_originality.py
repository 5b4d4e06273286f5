"""Repetition, variety and copying, beside what a plain search finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.gpt import originality
from impressions_assets.gpt.loader import TokenStream
from impressions_assets.gpt.originality import distinct_share, longest_copied, repetition_rate

texts = st.lists(st.integers(0, 3), max_size=15)


def stream_of(ids: list[int], cut: int = 0) -> TokenStream:
    return TokenStream([np.array(part, np.uint16) for part in (ids[:cut], ids[cut:])])


def searched(samples: list[list[int]], training: list[int]) -> int:
    """The same by comparing every span with every place."""
    places = {
        tuple(training[start:end])
        for start in range(len(training))
        for end in range(start + 1, len(training) + 1)
    }
    lengths = [
        end - start
        for ids in samples
        for start in range(len(ids))
        for end in range(start + 1, len(ids) + 1)
        if tuple(ids[start:end]) in places
    ]
    return max(lengths, default=0)


@given(st.lists(texts, max_size=3), texts, st.integers(0, 15))
def test_the_longest_copied_span_is_what_a_plain_search_finds(samples, training, cut):
    assert longest_copied(samples, stream_of(training, cut)) == searched(samples, training)


def test_a_copy_across_two_pieces_of_the_training_text_is_found(monkeypatch):
    monkeypatch.setattr(originality, "_COUNTED_AT_ONCE", 10)
    training = list(range(100))
    assert longest_copied([[7, *range(3, 61), 7]], stream_of(training, cut=33)) == 58


def test_equal_hashes_alone_are_no_copy(monkeypatch):
    monkeypatch.setattr(originality, "_mixed", lambda first, second, _: second * np.uint64(0))
    assert longest_copied([[1, 2, 3]], stream_of([4, 5, 1, 6])) == 1


def test_what_was_said_before_is_repetition():
    assert repetition_rate([[1, 2, 3, 4, 5, 6, 7]]) == 0
    assert repetition_rate([[1, 2, 3, 4] * 25]) == pytest.approx(1 - 4 / 97)
    assert repetition_rate([[1, 2, 3, 4], [1, 2, 3, 4]]) == 0  # each sample stands for itself
    assert repetition_rate([[1, 2], []]) == 0


def test_variety_counts_over_all_samples():
    assert distinct_share([[1, 2, 3], [4, 5, 6]]) == 1
    assert distinct_share([[1, 2, 3], [1, 2, 3]]) == 0.5
    assert distinct_share([[1]]) == 0
