"""The loss in parts equals torch's own over all logits, in its gradients as well."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt import head as head_module
from impressions_assets.gpt.head import Head, head_loss, plain_loss
from impressions_assets.gpt.prior import log_frequencies

VOCAB_SIZE = 500
PRIOR = torch.randn(VOCAB_SIZE, generator=torch.Generator().manual_seed(2)).log_softmax(0)
SEEN = torch.arange(0, VOCAB_SIZE, 5)
heads = pytest.mark.parametrize(
    "parts",
    [
        {},
        {"cap": 15.0},
        {"cap": 15.0, "prior": PRIOR},
        {"cap": 15.0, "prior": PRIOR, "seen": SEEN},
        {"prior": PRIOR, "seen": SEEN},
    ],
)
ways = pytest.mark.parametrize("loss_of", [head_loss, plain_loss])


@pytest.fixture(autouse=True)
def _in_many_parts(monkeypatch):
    monkeypatch.setattr(head_module, "_CPU_BYTES", 1 << 16)
    monkeypatch.setattr(head_module, "_CACHE_BYTES", (1 << 14) // torch.get_num_threads())
    monkeypatch.setattr(head_module, "_ROWS_AT_ONCE", 64)


def case(parts) -> tuple[torch.Tensor, Head, torch.Tensor]:
    """Hidden states, a head and targets that occur, among them one that is left out."""
    torch.manual_seed(0)
    weight = torch.randn(VOCAB_SIZE, 16)
    targets = SEEN[torch.randint(len(SEEN), (70,))]
    targets[3] = -100
    if "seen" in parts:
        weight[~torch.isin(torch.arange(VOCAB_SIZE), SEEN)] = 0
    return torch.randn(70, 16), Head(weight, **parts), targets


def all_at_once(hidden, head: Head, targets):
    return F.cross_entropy(head.logits(hidden).float(), targets)


def gradients(loss_of, hidden, head: Head, targets):
    hidden, weight = hidden.clone().requires_grad_(), head.weight.clone().requires_grad_()
    loss = loss_of(hidden, head._replace(weight=weight), targets)
    (loss * 0.3).backward()
    learned = weight.grad if head.seen is None else weight.grad[head.seen]
    return loss.detach(), hidden.grad, learned


@ways
@heads
def test_loss_and_gradients_are_those_of_all_logits_at_once(parts, loss_of):
    expected, found = (gradients(way, *case(parts)) for way in (all_at_once, loss_of))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


@ways
@heads
def test_under_autocast_too_up_to_the_rounding_of_bfloat16(parts, loss_of):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected, found = (gradients(way, *case(parts)) for way in (all_at_once, loss_of))
    assert [tensor.dtype for tensor in found] == [torch.float32] * 3
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours - theirs).norm() < 0.01 * theirs.norm()


@ways
def test_what_does_not_occur_is_not_learned(loss_of):
    hidden, head, targets = case({"prior": PRIOR, "seen": SEEN})
    weight = head.weight.requires_grad_()
    loss_of(hidden, head, targets).backward()
    assert weight.grad[SEEN].any(1).all()
    assert torch.count_nonzero(weight.grad.any(1)) == len(SEEN)


@heads
def test_without_gradients_every_token_may_be_a_target(parts):
    hidden, head, targets = case(parts)
    targets[5] = 3
    with torch.no_grad():
        found = head_loss(hidden, head, targets)
    torch.testing.assert_close(found, all_at_once(hidden, head, targets))


def test_it_says_twice_the_same_bit_for_bit():
    parts = {"cap": 15.0, "prior": PRIOR, "seen": SEEN}
    once, again = (gradients(head_loss, *case(parts)) for _ in range(2))
    assert all(map(torch.equal, once, again))


def test_unseen_tokens_are_together_as_likely_as_those_seen_once():
    shares = log_frequencies(torch.tensor([5, 1, 0, 3, 0, 1])).exp()
    assert shares.sum().item() == pytest.approx(1)
    assert shares[[2, 4]].tolist() == pytest.approx([0.1, 0.1])
    assert (shares[0] / shares[1]).item() == pytest.approx(5)


def test_where_all_tokens_were_seen_nothing_is_held_back():
    assert log_frequencies(torch.tensor([3, 1])).exp().tolist() == pytest.approx([0.75, 0.25])
