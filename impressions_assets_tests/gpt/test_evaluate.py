"""Validation loss and its unit, and the baseline it is compared with."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.evaluate import Evaluator
from impressions_assets.gpt.loader import TokenStream
from impressions_assets.gpt.model import GPT, model_of
from impressions_assets.gpt.unigram import unigram_bits_per_byte

CPU, FLOAT32 = torch.device("cpu"), torch.float32


def stream_of(ids: list[int]) -> TokenStream:
    return TokenStream([np.array(ids, np.uint16)])


def model() -> GPT:
    torch.manual_seed(0)
    return model_of(ModelConfig(n_layer=1, n_head=2, n_embd=8, block_size=10, dropout=0.5), 20)


@pytest.mark.parametrize("num_tokens", [2, 7, 11, 43])
def test_a_small_text_is_evaluated_whole(num_tokens):
    ids = np.random.default_rng(0).integers(0, 20, num_tokens).tolist()
    speaker = model()
    loss = Evaluator(stream_of(ids), 1, 10, batch_size=2, max_batches=9).loss(speaker, CPU, FLOAT32)
    nats = 0.0
    for start in range(0, num_tokens - 1, 10):
        window = torch.tensor([ids[start : start + 11]])
        logits = speaker.eval()(window[:, :-1])
        nats += torch.nn.functional.cross_entropy(logits[0], window[0, 1:], reduction="sum").item()
    assert loss == pytest.approx(nats / (num_tokens - 1), rel=1e-5)


def test_a_large_text_is_sampled_at_the_same_places_each_time():
    ids = np.random.default_rng(0).integers(0, 20, 5000).tolist()
    losses = [
        Evaluator(stream_of(ids), 1, 10, batch_size=2, max_batches=5).loss(model(), CPU, FLOAT32)
        for _ in range(2)
    ]
    assert losses[0] == losses[1]


def test_evaluation_leaves_the_model_in_training():
    speaker = model().train()
    Evaluator(stream_of([1, 2, 3]), 3, 10, 2, 9).loss(speaker, CPU, FLOAT32)
    assert speaker.training


def test_bits_per_byte_count_the_bytes_of_the_text():
    evaluator = Evaluator(stream_of([0] * 10), num_bytes=40, length=5, batch_size=1, max_batches=9)
    assert evaluator.bits_per_byte(8 * math.log(2)) == pytest.approx(2.0)


def test_the_unigram_baseline_of_two_even_tokens_is_a_bit_for_each():
    even = stream_of([0, 1] * 50)
    assert unigram_bits_per_byte(even, even, vocab_size=2, val_bytes=100) == pytest.approx(1.0)


@given(st.lists(st.integers(0, 4), max_size=30), st.lists(st.integers(0, 4), min_size=1))
def test_the_unigram_baseline_is_the_smoothed_cross_entropy(train, val):
    bits = -sum(math.log2((train.count(t) + 1) / (len(train) + 5)) for t in val)
    found = unigram_bits_per_byte(stream_of(train), stream_of(val), vocab_size=5, val_bytes=7)
    assert found == pytest.approx(bits / 7)
