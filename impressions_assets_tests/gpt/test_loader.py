"""Streams and windows: nothing twice in an epoch, the same again from the same place."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.loader import IGNORED, Position, TokenStream, WindowLoader


def stream_of(num_tokens: int, document_ends=None) -> TokenStream:
    return TokenStream([np.arange(num_tokens, dtype=np.uint32)], document_ends)


@given(st.lists(st.integers(0, 6), min_size=1).filter(any), st.data())
def test_shards_read_as_one_stream(lengths, data):
    whole = np.arange(sum(lengths), dtype=np.uint16)
    stream = TokenStream(np.split(whole, np.cumsum(lengths)[:-1]))
    index = st.integers(0, len(whole) - 1)
    rows = data.draw(st.lists(st.tuples(index, index), min_size=1))
    assert len(stream) == len(whole)
    assert stream.at(np.array(rows)).tolist() == np.array(rows).tolist()
    begins, stops = np.sort(np.array(rows), axis=1).T
    read = np.full((stops - begins).sum(), -1)
    stream.read(begins, stops - begins, read)
    stretches = zip(begins, stops, strict=True)
    assert read.tolist() == [place for begin, stop in stretches for place in range(begin, stop)]


def windows_of(loader: WindowLoader) -> Iterator[tuple[list[int], list[int]]]:
    """The inputs and targets of each window of an epoch."""
    return zip(*(ids.tolist() for ids in loader.next_batch(loader.windows_per_epoch)), strict=True)


LENGTHS = st.lists(st.integers(1, 70), min_size=1, max_size=60).filter(lambda x: sum(x) > 1)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_trains_each_token_once_after_the_one_before_it(lengths, block_size, seed, epoch):
    """Token n is n, so what is before it is known; an end of text may stand for any other."""
    ends = np.cumsum(lengths)
    num_tokens = int(ends[-1])
    loader = WindowLoader(stream_of(num_tokens, ends), block_size, seed)
    loader.position = Position(epoch)
    seen = []
    for inputs, targets in windows_of(loader):
        assert len(inputs) == len(targets) == min(block_size, num_tokens)
        pairs = [pair for pair in zip(inputs, targets, strict=True) if pair[1] != IGNORED]
        seen += [target for _, target in pairs]
        for before, target in pairs:
            first_of_document = target == 0 or target in ends
            assert before + 1 in ends if first_of_document else before == target - 1
    assert sorted(seen) == list(range(num_tokens))


@given(LENGTHS, st.integers(1, 40), st.integers(0, 9))
def test_only_the_last_window_of_an_epoch_has_room_left(lengths, block_size, seed):
    loader = WindowLoader(stream_of(sum(lengths), np.cumsum(lengths)), block_size, seed)
    with_room = [targets for _, targets in windows_of(loader) if IGNORED in targets]
    assert len(with_room) == (sum(lengths) % loader.length > 0)


def test_of_short_documents_packed_at_least_99_in_100_tokens_are_useful():
    lengths = np.random.default_rng(0).integers(20, 401, 400)
    loader = WindowLoader(stream_of(lengths.sum(), np.cumsum(lengths)), 512, seed=0)
    targets = np.array([targets for _, targets in windows_of(loader)])
    assert np.mean(targets != IGNORED) >= 0.99
    assert lengths.mean() / lengths.max() < 0.6  # padded to the longest


@given(LENGTHS, st.integers(1, 40), st.integers(1, 5), st.integers(0, 9), st.integers(0, 30))
def test_ranks_see_together_what_one_sees_alone(lengths, block_size, world_size, more, ahead):
    batch_size = world_size + more

    def loader(rank: int, world_size: int) -> WindowLoader:
        stream = stream_of(sum(lengths), np.cumsum(lengths))
        made = WindowLoader(stream, block_size, 3, rank=rank, world_size=world_size)
        made.position = Position(1, ahead % made.windows_per_epoch)
        return made

    alone, ranks = loader(0, 1), [loader(rank, world_size) for rank in range(world_size)]
    for _ in range(4):
        num_targets = {loader.num_targets(batch_size) for loader in [alone, *ranks]}
        together = [rank.next_batch(batch_size) for rank in ranks]
        whole = alone.next_batch(batch_size)
        assert num_targets == {np.count_nonzero(whole[1] != IGNORED)}
        for number in (0, 1):  # inputs, targets
            ours = np.concatenate([batch[number] for batch in together])
            np.testing.assert_array_equal(ours, whole[number])
        assert {rank.position for rank in ranks} == {alone.position}


@given(LENGTHS, st.integers(1, 40), st.integers(1, 5), st.integers(0, 30))
def test_the_documents_of_the_next_windows_are_known(lengths, block_size, num_windows, ahead):
    ends = np.cumsum(lengths)
    loader = WindowLoader(stream_of(sum(lengths), ends), block_size, 3)
    loader.position = Position(1, ahead % loader.windows_per_epoch)
    documents = loader.documents(num_windows)
    here = min(num_windows, loader.windows_per_epoch - loader.position.index)
    targets = loader.next_batch(here)[1]  # each token is its own place in the stream
    places = targets[targets != IGNORED]
    assert documents.tolist() == np.unique(np.searchsorted(ends, places, side="right")).tolist()


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


def test_what_was_read_ahead_in_an_epoch_is_of_no_other():
    loader = WindowLoader(stream_of(500), 16, seed=1)
    first = loader.next_batch(3)[0].tolist()
    loader.position = Position(1)
    assert loader.next_batch(3)[0].tolist() != first
    loader.position = Position(0)
    assert loader.next_batch(3)[0].tolist() == first


def test_a_corpus_larger_than_what_is_read_ahead_is_read_whole():
    lengths = np.random.default_rng(0).integers(1, 3000, 400)
    loader = WindowLoader(stream_of(lengths.sum(), np.cumsum(lengths)), 64, seed=0)
    seen = []
    while loader.position.epoch == 0:
        seen.append(loader.next_batch(7)[1])
    targets = np.concatenate(seen)[: loader.windows_per_epoch]
    assert sorted(targets[targets != IGNORED].tolist()) == list(range(lengths.sum()))


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
    assert [sorted(row) for row in targets.tolist()] == [[0, 1, 2, 3, 4]] * 2
    assert ((targets - inputs) % 5 == 1).all()


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
