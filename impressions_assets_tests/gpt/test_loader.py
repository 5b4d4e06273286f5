"""Streams and windows: nothing twice in an epoch, the same again from the same place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.loader import Position, TokenStream, WindowLoader


def stream_of(num_tokens: int) -> TokenStream:
    return TokenStream([np.arange(num_tokens, dtype=np.uint16)])


@given(st.lists(st.integers(0, 6), min_size=1).filter(any), st.data())
def test_shards_read_as_one_stream(lengths, data):
    whole = np.arange(sum(lengths), dtype=np.uint16)
    stream = TokenStream(np.split(whole, np.cumsum(lengths)[:-1]))
    index = st.integers(0, len(whole) - 1)
    rows = data.draw(st.lists(st.tuples(index, index), min_size=1))
    assert len(stream) == len(whole)
    assert stream.at(np.array(rows)).tolist() == np.array(rows).tolist()


@given(st.integers(2, 400), st.integers(1, 40), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_holds_no_token_twice_and_leaves_out_less_than_two_windows(
    num_tokens, block_size, seed, epoch
):
    loader = WindowLoader(stream_of(num_tokens), block_size, seed)
    loader.position = Position(epoch)
    seen = []
    while loader.position.epoch == epoch:
        inputs, targets = loader.next_batch(1)
        assert (targets == inputs + 1).all()
        seen += inputs.ravel().tolist()
    assert len(seen) == len(set(seen))
    assert len(seen) > num_tokens - 1 - 2 * loader.length


@given(st.integers(0, 60), st.integers(1, 7))
def test_a_loader_set_to_a_position_goes_on_with_the_same_windows(before, batch_size):
    first, second = (WindowLoader(stream_of(200), 8, seed=3) for _ in range(2))
    for _ in range(before):
        first.next_batch(batch_size)
    second.position = first.position
    for _ in range(5):
        np.testing.assert_array_equal(first.next_batch(4)[0], second.next_batch(4)[0])


def test_small_batches_together_are_the_large_batch():
    small, large = (WindowLoader(stream_of(500), 16, seed=1) for _ in range(2))
    parts = [small.next_batch(3)[0] for _ in range(4)]
    np.testing.assert_array_equal(np.concatenate(parts), large.next_batch(12)[0])


def test_seed_and_epoch_change_the_order():
    def order(seed: int, epoch: int) -> list[int]:
        loader = WindowLoader(stream_of(1000), 10, seed)
        loader.position = Position(epoch)
        return loader.next_batch(50)[0].ravel().tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(2, 0)
    assert order(1, 0) != order(1, 1)


def test_a_text_shorter_than_the_context_gives_shorter_windows():
    loader = WindowLoader(stream_of(5), block_size=64, seed=0)
    inputs, targets = loader.next_batch(2)
    assert inputs.tolist() == [[0, 1, 2, 3]] * 2
    assert targets.tolist() == [[1, 2, 3, 4]] * 2


@pytest.mark.parametrize("num_tokens", [0, 1])
def test_a_text_with_nothing_to_predict_is_refused(num_tokens):
    with pytest.raises(TrainingError, match=rf"has {num_tokens} tokens.*add videos"):
        WindowLoader(stream_of(num_tokens), 8, seed=0)


def test_tokens_are_counted_over_all_shards():
    stream = TokenStream([np.array([0, 1, 1], np.uint16), np.array([3, 1], np.uint32)])
    assert stream.counts(5).tolist() == [1, 3, 0, 1, 0]


def test_a_token_beyond_the_vocabulary_is_refused():
    with pytest.raises(TrainingError, match=r"token 9.*there are 4.*make the shards again"):
        TokenStream([np.array([1, 9], np.uint16)]).counts(4)
