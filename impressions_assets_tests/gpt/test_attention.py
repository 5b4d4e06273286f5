"""Our attention on a CPU equals torch's, forwards and backwards, and serves where it is meant."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt import attention, cache
from impressions_assets.gpt.attention import causal_attention, pays_off
from impressions_assets.gpt.cache import attend

LONGER_THAN_A_BLOCK = 300


def case(num_tokens: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """Queries, keys and values as a model has them: not contiguous."""
    torch.manual_seed(0)
    return [
        torch.randn(2, num_tokens, 3, 16, dtype=dtype).transpose(1, 2).requires_grad_()
        for _ in range(3)
    ]


def through(attend, inputs):
    y = attend(*inputs)
    torch.manual_seed(1)
    return [y.detach(), *torch.autograd.grad(y, inputs, torch.randn(y.shape).to(y.dtype))]


def of_torch(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def ours(q, k, v):
    return causal_attention(q, k, v, 0.0)


@pytest.mark.parametrize("num_tokens", [1, 16, 128, LONGER_THAN_A_BLOCK])
def test_it_is_torchs_causal_attention(num_tokens):
    inputs = case(num_tokens)
    for found, expected in zip(through(ours, inputs), through(of_torch, inputs), strict=True):
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_bfloat16_rounds_as_torch_does():
    inputs = case(LONGER_THAN_A_BLOCK, torch.bfloat16)
    exact = through(of_torch, [x.detach().float().requires_grad_() for x in inputs])
    for found, expected in zip(through(ours, inputs), exact, strict=True):
        assert found.dtype == torch.bfloat16
        assert (found.float() - expected).norm() < 0.02 * expected.norm()


def test_dropout_leaves_out_shares_and_keeps_their_mean(monkeypatch):
    monkeypatch.setattr(attention, "_QUERIES", 16)
    _, _, v = case(40)
    q = k = torch.zeros_like(v, requires_grad=True)  # all tokens seen have one share
    v = torch.ones_like(v)
    torch.manual_seed(0)
    y = causal_attention(q, k, v, 0.25)
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    assert y[:, :, 0].unique().tolist() == [0.0, pytest.approx(4 / 3)]


def test_the_gradient_through_dropout_is_that_of_the_shares_that_were_kept():
    inputs = [x.detach()[:1, :1, :12].double().requires_grad_() for x in case(12)]

    def dropped(q, k, v):
        torch.manual_seed(3)
        return causal_attention(q, k, v, 0.3)

    assert torch.autograd.gradcheck(dropped, inputs)


def test_it_serves_the_training_on_a_cpu_of_windows_not_too_long(monkeypatch):
    q, _, _ = case(20)
    assert pays_off(q, 0.0)
    assert not pays_off(q.detach(), 0.0)  # speaking, or a validation
    assert not pays_off(q.to("meta"), 0.0)
    monkeypatch.setattr(attention, "_MOST_BYTES", 2 * 3 * 20 * 20 * 4)
    assert pays_off(q, 0.0)
    assert not pays_off(q, 0.1)  # which keeps more


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_model_attends_by_it(dropout, monkeypatch):
    inputs = case(20)
    torch.manual_seed(5)
    expected = causal_attention(*inputs, dropout)
    monkeypatch.setattr(cache.F, "scaled_dot_product_attention", None)
    torch.manual_seed(5)
    found = attend(*inputs, None, dropout)
    assert torch.equal(found, expected.transpose(1, 2).flatten(2))
