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

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._compile import _disable_dynamo
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt.loader import IGNORED

_CPU_BYTES, _GPU_BYTES = 1 << 26, 1 << 30  # of logits at once; on a CPU, near its cache
_ROW = 64


class Head(NamedTuple):
    """What turns hidden states into logits."""

    weight: Tensor  # (V, C)
    cap: float | None = None  # of what the weights say
    prior: Tensor | None = None  # (V,), added to that
    seen: Tensor | None = None  # (K,), the tokens that occur: the weights of all others are zero

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all tokens, (..., V)."""
        logits = F.linear(hidden, self.weight)
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
    valid_N = targets_N != IGNORED
    # Not narrowed: the targets of a validation text need not occur in the training text.
    chunks = _chunks(hidden_NC, head, None, targets_N.where(valid_N, 0))
    with torch.autocast(hidden_NC.device.type, enabled=False):
        losses_N = torch.cat([chunk.losses() for chunk in chunks])
    return losses_N.where(valid_N, 0).sum() / valid_N.sum()


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_NC: Tensor, weight_VC: Tensor, head: Head, targets_N: Tensor
    ) -> Tensor:
        valid_N = targets_N != IGNORED
        narrow, rest = head.narrowed()
        chunks = _chunks(hidden_NC, narrow, rest, head.places(targets_N.where(valid_N, 0)))
        hidden_grad_NC = torch.empty_like(hidden_NC, dtype=torch.float32)
        weight_grad_KC = torch.zeros_like(narrow.weight, dtype=torch.float32)
        losses = []
        with torch.autocast(hidden_NC.device.type, enabled=False):
            for chunk in chunks:
                losses.append(chunk.losses())
                valid_R1 = valid_N[chunk.rows, None]
                gradient_RC = chunk.add_gradient(weight_grad_KC, valid_R1)
                hidden_grad_NC[chunk.rows] = gradient_RC * valid_R1
        count = valid_N.sum()
        ctx.save_for_backward(hidden_grad_NC, weight_grad_KC, count, head.seen)
        ctx.hidden_dtype, ctx.vocab_size = hidden_NC.dtype, len(weight_VC)
        return torch.cat(losses).where(valid_N, 0).sum() / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden_grad_NC, weight_grad, count, seen_K = ctx.saved_tensors
        scale = gradient / count
        hidden_grad_NC = (hidden_grad_NC * scale).to(ctx.hidden_dtype)
        weight_grad = weight_grad * scale
        if seen_K is not None:
            all_VC = weight_grad.new_zeros(ctx.vocab_size, weight_grad.shape[1])
            weight_grad = all_VC.index_copy_(0, seen_K, weight_grad)
        return hidden_grad_NC, weight_grad, None, None


@dataclass
class _Chunk:
    """Some tokens on their way through the head."""

    rows: slice
    hidden: Tensor  # (R, C)
    head: Head
    rest: Tensor | None  # the unscaled probability of all tokens that the head leaves out
    targets: Tensor  # (R, 1)
    room: Tensor  # (2, R, V), shared by all: what stays in it is overwritten by the next

    def losses(self) -> Tensor:
        """The loss of each, (R,); leaves their probabilities in the place of the logits."""
        weight, cap, prior, _ = self.head
        if cap is None:
            logits_RV = _product(self.hidden, weight.T, self.room[0])
            if prior is not None:
                logits_RV.add_(prior)
            highest_R1 = logits_RV.amax(1, keepdim=True)
            logits_RV.sub_(highest_R1)
        else:
            product_RV = _product(self.hidden * (2 / cap), weight.T, self.room[0])
            self._gate_RV = product_RV.sigmoid_()
            least = product_RV.new_tensor(-cap) if prior is None else prior - cap
            logits_RV = torch.add(least, self._gate_RV, alpha=2 * cap, out=self.room[1])
            highest_R1 = None
        chosen_R1 = logits_RV.gather(1, self.targets)
        self._shares_RV = logits_RV.exp_()
        total_R1 = self._shares_RV.sum(1, keepdim=True)
        if self.rest is not None:
            total_R1 += self.rest if highest_R1 is None else self.rest * (-highest_R1).exp()
        self._shares_RV.div_(total_R1)
        return (total_R1.log() - chosen_R1).squeeze(1)

    def add_gradient(self, weight_grad_VC: Tensor, valid_R1: Tensor) -> Tensor:
        """Add to that of the matrix; give that of the hidden states, (R, C)."""
        shares_RV, weight, scale = self._shares_RV, self.head.weight, 1
        wrong_R1 = shares_RV.gather(1, self.targets) - 1
        shares_RV.scatter_(1, self.targets, wrong_R1)
        if self.head.cap is not None:  # the slope of the cap is 4 gate (1 - gate)
            shares_RV.mul_(self._gate_RV.addcmul_(self._gate_RV, self._gate_RV, value=-1))
            scale = 4
        shares_RV, hidden_RC = shares_RV.to(weight.dtype), self.hidden * (valid_R1 * scale)
        if weight.dtype == torch.float32:
            weight_grad_VC.addmm_(shares_RV.T, hidden_RC)
        else:
            weight_grad_VC.add_(shares_RV.T @ hidden_RC)
        return (shares_RV @ weight).float().mul_(scale)


def _chunks(hidden_NC: Tensor, head: Head, rest: Tensor | None, targets_N: Tensor) -> list[_Chunk]:
    device, num_tokens = hidden_NC.device.type, len(hidden_NC)
    dtype = head.weight.dtype
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    hidden_NC, head = hidden_NC.to(dtype), head._replace(weight=head.weight.to(dtype))
    vocab_size = len(head.weight)
    width = -(-vocab_size // _ROW) * _ROW
    at_once = (_CPU_BYTES if device == "cpu" else _GPU_BYTES) // (4 * width)
    at_once = min(num_tokens, max(1, at_once))
    room_2RV = torch.empty(2, at_once, width, device=hidden_NC.device)[..., :vocab_size]
    parts = (slice(start, start + at_once) for start in range(0, num_tokens, at_once))
    tokens = ((part, hidden_NC[part], targets_N[part, None]) for part in parts)
    return [
        _Chunk(part, hidden_RC, head, rest, targets_R1, room_2RV[:, : len(hidden_RC)])
        for part, hidden_RC, targets_R1 in tokens
    ]


def _product(left: Tensor, right: Tensor, room: Tensor) -> Tensor:
    """Their product in float32, in that room where its type allows."""
    if left.dtype == torch.float32:
        return torch.mm(left, right, out=room)
    return room.copy_(left @ right)
