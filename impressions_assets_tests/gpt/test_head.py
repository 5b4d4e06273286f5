"""The loss in parts equals torch's own over all logits, in its gradients as well."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt import head as head_module
from impressions_assets.gpt.head import NEGLIGIBLE, Head, head_loss

caps = pytest.mark.parametrize("cap", [None, 15.0])


@pytest.fixture(autouse=True)
def _in_many_parts(monkeypatch):
    monkeypatch.setattr(head_module, "_CPU_BYTES", 1 << 17)


def case(vocab_size: int, spread: float = 0.3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hidden states, a matrix and targets, among them one that is left out."""
    torch.manual_seed(0)
    targets = torch.randint(vocab_size // 10, (70,))
    targets[3] = -100
    return torch.randn(70, 16), torch.randn(vocab_size, 16) * spread, targets


def plain_loss(hidden, head: Head, targets):
    logits = F.linear(hidden, head.weight).float()
    logits = logits if head.cap is None else head.cap * torch.tanh(logits / head.cap)
    return F.cross_entropy(logits, targets)


def gradients(loss_of, hidden, weight, targets, cap):
    hidden, weight = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = loss_of(hidden, Head(weight, cap), targets)
    (loss * 0.3).backward()
    return loss.detach(), hidden.grad, weight.grad


@caps
@pytest.mark.parametrize("vocab_size", [50, 5000])
def test_loss_and_gradients_are_those_of_all_logits_at_once(vocab_size, cap):
    expected = gradients(plain_loss, *case(vocab_size), cap)
    found = gradients(head_loss, *case(vocab_size), cap)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


@caps
def test_under_autocast_too_up_to_the_rounding_of_bfloat16(cap):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = gradients(plain_loss, *case(50), cap)
        found = gradients(head_loss, *case(50), cap)
    assert [tensor.dtype for tensor in found] == [torch.float32] * 3
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() < 0.01 * theirs.norm()


@caps
def test_without_gradients_the_loss_is_the_same(cap):
    hidden, weight, targets = case(50)
    expected = plain_loss(hidden, Head(weight, cap), targets)
    torch.testing.assert_close(head_loss(hidden, Head(weight, cap), targets), expected)


@caps
def test_only_tokens_of_negligible_probability_get_no_gradient(cap):
    hidden, weight, targets = case(5000)
    hidden, weight = hidden.abs(), weight.abs()
    weight[1000:] *= -20  # so 4,000 tokens are next to impossible
    expected = gradients(plain_loss, hidden, weight, targets, cap)
    _, hidden_gradient, weight_gradient = gradients(head_loss, hidden, weight, targets, cap)
    assert not weight_gradient[1000:].any()
    assert weight_gradient[targets[targets >= 0]].any(1).all()
    for ours, theirs in zip((hidden_gradient, weight_gradient), expected[1:], strict=True):
        assert 0 < (ours - theirs).norm() < 40 * NEGLIGIBLE * theirs.norm()


def test_it_says_twice_the_same_bit_for_bit():
    once, again = (gradients(head_loss, *case(5000, spread=3.0), 15.0) for _ in range(2))
    assert all(map(torch.equal, once, again))
