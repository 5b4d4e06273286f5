"""The loss over a vocabulary, and its gradient, without ever holding all logits.

Notable choices:
- A few hundred tokens at a time go through the head, and their gradient is computed at once, while
  their probabilities are at hand (Hsu et al. 2024, "Liger Kernel"): nothing is computed twice.
- A row of the buffer for logits is a multiple of 64 numbers long: products with 50,257 columns ran
  at 28 GFLOP/s, with room for 50,304 at 52 (MKL on AVX2, one thread).
- The cap of logits is a sigmoid: `cap tanh(z / cap)` is `2 cap sigmoid(2z / cap) - cap`, a third as
  expensive; and no capped logit needs its row's highest subtracted.
- Tokens that the training text never holds have weights of zero, so their probability is known
  without a product, and none is learned (`prior.py`): of a vocabulary, training pays for what the
  text uses.

Shapes: N tokens, R those at once, C width, V vocabulary, K tokens of it that occur.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._compile import _disable_dynamo
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt.loader import IGNORED

_CPU_BYTES, _GPU_BYTES = 1 << 26, 1 << 30  # of logits at once
_CACHE_BYTES = 1 << 20  # of what is computed number by number, for each thread
_ROW = 64
_ROWS_AT_ONCE = 8192  # of the matrix's gradient


class Head(NamedTuple):
    """What turns hidden states into logits."""

    weight: Tensor  # (V, C)
    cap: float | None = None  # of what the weights say
    prior: Tensor | None = None  # (V,), added to that
    seen: Tensor | None = None  # (K,), the tokens that occur: the weights of all others are zero
    multiply: Callable[[Tensor], Tensor] | None = None  # by the weight in another way: `layout.py`

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all tokens, (..., V)."""
        logits = self.multiply(hidden) if self.multiply else F.linear(hidden, self.weight)
        if self.cap is not None:
            logits = self.cap * torch.tanh(logits.float() / self.cap)
        return logits if self.prior is None else logits + self.prior

    def narrowed(self) -> tuple["Head", Tensor | None]:
        """The head of the tokens that occur, and the unscaled probability of all others."""
        if self.seen is None:
            return self, None
        prior = torch.zeros_like(self.weight[:, 0]) if self.prior is None else self.prior
        rest = prior.exp().index_fill(0, self.seen, 0).sum()
        weight = self.weight.index_select(0, self.seen)
        return Head(weight, self.cap, prior.index_select(0, self.seen)), rest

    def places(self, tokens: Tensor) -> Tensor:
        """Where tokens stand among those that occur."""
        if self.seen is None:
            return tokens
        places_V = torch.zeros(len(self.weight), dtype=torch.long, device=tokens.device)
        places_V[self.seen] = torch.arange(len(self.seen), device=tokens.device)
        return places_V[tokens]


def plain_loss(hidden_NC: Tensor, head: Head, targets_N: Tensor) -> Tensor:
    """The same as `head_loss` in torch's own operations, for a compiler to fuse."""
    narrow, rest = head.narrowed()
    logits_NK = narrow.logits(hidden_NC).float()
    total_N = logits_NK.logsumexp(1)
    if rest is not None:
        total_N = torch.logaddexp(total_N, rest.log())
    valid_N = targets_N != IGNORED
    chosen_N1 = logits_NK.gather(1, head.places(targets_N.where(valid_N, 0))[:, None])
    return (total_N - chosen_N1[:, 0]).where(valid_N, 0).sum() / valid_N.sum()


# As `torch.compiler.disable`, which loads all of the compiler at once: half of torch's start.
@_disable_dynamo
def head_loss(hidden_NC: Tensor, head: Head, targets_N: Tensor) -> Tensor:
    """Mean cross entropy of the targets that are not `IGNORED`, a scalar of float32."""
    if torch.is_grad_enabled() and (hidden_NC.requires_grad or head.weight.requires_grad):
        found: Tensor = _HeadLoss.apply(hidden_NC, head.weight, head, targets_N)  # type: ignore[no-untyped-call]
        return found
    # Not narrowed: the targets of a validation text need not occur in the training text.
    parts = _parts(hidden_NC, head, None, targets_N)
    with torch.autocast(hidden_NC.device.type, enabled=False):
        losses = [part.losses() for part in parts]
    return torch.cat(losses).sum() / (targets_N != IGNORED).sum()


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_NC: Tensor, weight_VC: Tensor, head: Head, targets_N: Tensor
    ) -> Tensor:
        narrow, rest = head.narrowed()
        places_N = head.places(targets_N.clamp(min=0)).where(targets_N != IGNORED, IGNORED)
        parts = _parts(hidden_NC, narrow, rest, places_N)
        hidden_grad_NC = torch.empty_like(hidden_NC, dtype=torch.float32)
        weight_grad_KC = torch.zeros_like(narrow.weight, dtype=torch.float32)
        losses = []
        with torch.autocast(hidden_NC.device.type, enabled=False):
            for part in parts:
                losses.append(part.losses(with_gradient=True))
                hidden_grad_NC[part.rows] = part.add_gradient(weight_grad_KC)
        count = (targets_N != IGNORED).sum()
        ctx.save_for_backward(hidden_grad_NC, weight_grad_KC, count, head.seen)
        ctx.hidden_dtype, ctx.vocab_size = hidden_NC.dtype, len(weight_VC)
        return torch.cat(losses).sum() / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden_grad_NC, weight_grad, count, seen_K = ctx.saved_tensors
        scale = gradient / count
        hidden_grad_NC = (hidden_grad_NC * scale).to(ctx.hidden_dtype)
        weight_grad.mul_(scale)
        if seen_K is not None:
            all_VC = weight_grad.new_zeros(ctx.vocab_size, weight_grad.shape[1])
            weight_grad = all_VC.index_copy_(0, seen_K, weight_grad)
        return hidden_grad_NC, weight_grad, None, None


@dataclass
class _Part:
    """Some tokens on their way through the head."""

    rows: slice
    hidden: Tensor  # (R, C)
    head: Head  # whose prior is already less the cap, where there is one
    rest: Tensor | None  # the unscaled probability of all tokens that the head leaves out
    targets: Tensor  # (R,)
    room: Tensor  # (R, V), shared by all, of the products' type: scores, then their gradient
    cache: Tensor  # (2, Q, V) of float32, shared by all

    def losses(self, with_gradient: bool = False) -> Tensor:
        """The loss of each, (R,), 0 of what is ignored."""
        scale = 1 if self.head.cap is None else 2 / self.head.cap
        torch.mm(self.hidden * scale, self.head.weight.T, out=self.room)
        at_once = self.cache.shape[1]
        few = (slice(start, start + at_once) for start in range(0, len(self.targets), at_once))
        return torch.cat([self._losses(rows, with_gradient) for rows in few])

    def _losses(self, rows: slice, with_gradient: bool) -> Tensor:
        """Those of a few tokens, and their gradient in the place of their scores."""
        scores_QV, targets_Q1 = self.room[rows], self.targets[rows, None]
        is_valid_Q1 = targets_Q1 != IGNORED
        targets_Q1 = targets_Q1.clamp(min=0)
        logits_QV, gate_QV = self.cache[:, : len(targets_Q1)]
        highest_Q1 = self._to_logits(scores_QV, logits_QV, gate_QV)
        chosen_Q1 = logits_QV.gather(1, targets_Q1)
        shares_QV = logits_QV.exp_()
        total_Q1 = shares_QV.sum(1, keepdim=True)
        if self.rest is not None:
            total_Q1 += self.rest if highest_Q1 is None else self.rest * (-highest_Q1).exp()
        losses_Q1: Tensor = (total_Q1.log() - chosen_Q1) * is_valid_Q1
        if with_gradient:
            shares_QV.mul_(is_valid_Q1 / total_Q1)
            wrong_Q1 = shares_QV.gather(1, targets_Q1) - is_valid_Q1.float()
            scores_QV.copy_(self._slopes(shares_QV.scatter_(1, targets_Q1, wrong_Q1), gate_QV))
        return losses_Q1.squeeze(1)

    def _slopes(self, wrong_QV: Tensor, gate_QV: Tensor) -> Tensor:
        """From the gradient of capped logits to that of scores, but for the scale of the cap."""
        if self.head.cap is None:
            return wrong_QV
        # The slope of the cap is 4 gate (1 - gate).
        return wrong_QV.mul_(gate_QV.addcmul_(gate_QV, gate_QV, value=-1))

    def _to_logits(self, scores_QV: Tensor, logits_QV: Tensor, gate_QV: Tensor) -> Tensor | None:
        """Fill in logits and gates; the highest logit of each row, where it was subtracted."""
        cap, prior = self.head.cap, self.head.prior
        if cap is not None:
            assert prior is not None
            gate_QV.copy_(scores_QV).sigmoid_()
            torch.add(prior, gate_QV, alpha=2 * cap, out=logits_QV)
            return None
        logits_QV.copy_(scores_QV)
        if prior is not None:
            logits_QV.add_(prior)
        highest_Q1 = logits_QV.amax(1, keepdim=True)
        logits_QV.sub_(highest_Q1)
        return highest_Q1

    def add_gradient(self, weight_grad_VC: Tensor) -> Tensor:
        """Add to that of the matrix; give that of the hidden states, (R, C)."""
        scale = 1 if self.head.cap is None else 4
        hidden_RC = self.hidden * scale
        if self.room.dtype == torch.float32:
            weight_grad_VC.addmm_(self.room.T, hidden_RC)
        else:  # some rows at a time: all of them, in float32, would be fresh memory for each part
            for start in range(0, len(weight_grad_VC), _ROWS_AT_ONCE):
                some = slice(start, start + _ROWS_AT_ONCE)
                weight_grad_VC[some] += self.room[:, some].T @ hidden_RC
        return (self.room @ self.head.weight).float().mul_(scale)


def _parts(hidden_NC: Tensor, head: Head, rest: Tensor | None, targets_N: Tensor) -> list[_Part]:
    device, num_tokens = hidden_NC.device, len(hidden_NC)
    dtype = head.weight.dtype
    if torch.is_autocast_enabled(device.type):
        dtype = torch.get_autocast_dtype(device.type)
    hidden_NC, head = hidden_NC.to(dtype), head._replace(weight=head.weight.to(dtype))
    if head.cap is not None:
        prior = torch.zeros((), device=device) if head.prior is None else head.prior
        head = head._replace(prior=prior - head.cap)
    room_RV, cache_2QV = _rooms(num_tokens, head.weight)
    starts = range(0, num_tokens, len(room_RV))
    parts = (slice(start, min(start + len(room_RV), num_tokens)) for start in starts)
    return [
        _Part(
            *(part, hidden_NC[part], head, rest, targets_N[part]),
            room=room_RV[: part.stop - part.start],
            cache=cache_2QV,
        )
        for part in parts
    ]


def _rooms(num_tokens: int, weight_VC: Tensor) -> tuple[Tensor, Tensor]:
    """Memory for the scores of a part, (R, V), and for what is computed of a few, (2, Q, V)."""
    device, vocab_size = weight_VC.device, len(weight_VC)
    width = -(-vocab_size // _ROW) * _ROW
    room, cache = _GPU_BYTES, _GPU_BYTES
    if device.type == "cpu":
        room, cache = _CPU_BYTES, _CACHE_BYTES * torch.get_num_threads()
    at_once = min(num_tokens, max(1, room // (weight_VC.dtype.itemsize * width)))
    few = min(at_once, max(1, cache // (8 * width)))
    room_RV = torch.empty(at_once, width, device=device, dtype=weight_VC.dtype)
    cache_2QV = torch.empty(2, few, width, device=device)
    return room_RV[:, :vocab_size], cache_2QV[..., :vocab_size]
