"""The loss over a vocabulary, and its gradient, without ever holding all logits.

Notable choices:
- A few hundred tokens at a time go through the head, and their gradient is computed at once, while
  their probabilities are at hand (Hsu et al. 2024, "Liger Kernel"): nothing is computed twice.
- A row of the buffer for logits is a multiple of 64 numbers long: products with 50,257 columns ran
  at 28 GFLOP/s, with room for 50,304 at 52 (MKL on AVX2, one thread).
- On a CPU, of a large vocabulary, the tokens that share less than `NEGLIGIBLE` of the probability
  between them get no gradient (after Wijmans et al. 2024, "Cut Your Losses", who neglect single
  probabilities below 2^-12): a quarter of the rounding of bfloat16, and most of the products. A
  GPU would have to wait for their number.
- The cap of logits is a sigmoid: `cap tanh(z / cap)` is `2 cap sigmoid(2z / cap) - cap`, a third as
  expensive; and no capped logit needs its row's highest subtracted.

Shapes: N tokens, R those at once, C width, V vocabulary, K tokens worth a gradient.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

NEGLIGIBLE = 2.0**-12
_LARGE = 4096  # tokens of a vocabulary: below, finding the negligible costs what it saves
_CPU_BYTES, _GPU_BYTES = 1 << 26, 1 << 30  # of logits at once; on a CPU, near its cache
_ROW = 64


class Head(NamedTuple):
    """What turns hidden states into logits: a matrix (V, C), and a cap where there is one."""

    weight: Tensor
    cap: float | None = None


@torch.compiler.disable  # type: ignore[untyped-decorator]
def head_loss(hidden_NC: Tensor, head: Head, targets_N: Tensor, ignored: int = -100) -> Tensor:
    """Mean cross entropy of the targets that are not `ignored`, a scalar of float32."""
    if torch.is_grad_enabled() and (hidden_NC.requires_grad or head.weight.requires_grad):
        loss: Tensor = _HeadLoss.apply(hidden_NC, *head, targets_N, ignored)  # type: ignore[no-untyped-call]
        return loss
    valid_N = targets_N != ignored
    chunks = _chunks(hidden_NC, head, targets_N.where(valid_N, 0))
    with torch.autocast(hidden_NC.device.type, enabled=False):
        losses_N = torch.cat([chunk.losses() for chunk in chunks])
    return losses_N.where(valid_N, 0).sum() / valid_N.sum()


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_NC: Tensor,
        weight_VC: Tensor,
        cap: float | None,
        targets_N: Tensor,
        ignored: int,
    ) -> Tensor:
        valid_N = targets_N != ignored
        hidden_grad_NC = torch.empty_like(hidden_NC, dtype=torch.float32)
        weight_grad_VC = torch.zeros_like(weight_VC, dtype=torch.float32)
        chunks, losses = _chunks(hidden_NC, Head(weight_VC, cap), targets_N.where(valid_N, 0)), []
        with torch.autocast(hidden_NC.device.type, enabled=False):
            for chunk in chunks:
                losses.append(chunk.losses())
                valid_R1 = valid_N[chunk.rows, None]
                gradient_RC = chunk.add_gradient(weight_grad_VC, valid_R1)
                hidden_grad_NC[chunk.rows] = gradient_RC * valid_R1
        count = valid_N.sum()
        ctx.save_for_backward(hidden_grad_NC, weight_grad_VC, count)
        ctx.hidden_dtype = hidden_NC.dtype
        return torch.cat(losses).where(valid_N, 0).sum() / count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden_grad_NC, weight_grad_VC, count = ctx.saved_tensors
        scale = gradient / count
        hidden_grad_NC = (hidden_grad_NC * scale).to(ctx.hidden_dtype)
        return hidden_grad_NC, weight_grad_VC * scale, None, None, None


class _Chunk:
    """Some tokens on their way through the head."""

    def __init__(
        self, rows: slice, hidden_RC: Tensor, head: Head, targets_R1: Tensor, room_RV: Tensor
    ) -> None:
        self.rows, self._hidden_RC, self._head = rows, hidden_RC, head
        self._targets_R1 = targets_R1
        self._room_RV = room_RV[: len(hidden_RC), : len(head.weight)]

    def losses(self) -> Tensor:
        """The loss of each, (R,); leaves their probabilities in the place of the logits."""
        weight_VC, cap = self._head
        logits_RV = _product(self._hidden_RC, weight_VC.T, self._room_RV)
        if cap is None:
            logits_RV.sub_(logits_RV.amax(1, keepdim=True))
        else:
            self._gate_RV = logits_RV.mul_(2 / cap).sigmoid_()
            logits_RV = (self._gate_RV * (2 * cap)).sub_(cap)
        chosen_R1 = logits_RV.gather(1, self._targets_R1)
        self._shares_RV = logits_RV.exp_()
        total_R1 = self._shares_RV.sum(1, keepdim=True)
        self._shares_RV.div_(total_R1)
        return (total_R1.log() - chosen_R1).squeeze(1)

    def add_gradient(self, weight_grad_VC: Tensor, valid_R1: Tensor) -> Tensor:
        """Add to that of the matrix; give that of the hidden states, (R, C)."""
        shares_RV, (weight_VC, cap) = self._shares_RV, self._head
        kept_K = _worth_a_gradient(shares_RV, self._targets_R1)
        wrong_R1 = shares_RV.gather(1, self._targets_R1) - 1
        shares_RV.scatter_(1, self._targets_R1, wrong_R1)
        if cap is not None:
            shares_RV.mul_(self._gate_RV.addcmul_(self._gate_RV, self._gate_RV, value=-1))
            shares_RV.mul_(4)
        hidden_RC = self._hidden_RC * valid_R1
        if kept_K is not None:
            shares_RK = shares_RV.index_select(1, kept_K)
            weight_grad_VC.index_add_(0, kept_K, shares_RK.T @ hidden_RC)
            return shares_RK @ weight_VC.index_select(0, kept_K)
        shares_RV = shares_RV.to(weight_VC.dtype)
        if weight_VC.dtype == torch.float32:
            weight_grad_VC.addmm_(shares_RV.T, hidden_RC)
        else:
            weight_grad_VC.add_(shares_RV.T @ hidden_RC)
        return shares_RV @ weight_VC


def _chunks(hidden_NC: Tensor, head: Head, targets_N: Tensor) -> list[_Chunk]:
    device, num_tokens = hidden_NC.device.type, len(hidden_NC)
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
    dtype = dtype or head.weight.dtype
    weight_VC, hidden_NC = head.weight.to(dtype), hidden_NC.to(dtype)
    width = -(-len(weight_VC) // _ROW) * _ROW
    at_once = (_CPU_BYTES if device == "cpu" else _GPU_BYTES) // (4 * width)
    at_once = min(num_tokens, max(1, at_once))
    room_RV = torch.empty(at_once, width, device=hidden_NC.device)
    head = Head(weight_VC, head.cap)
    parts = (slice(start, start + at_once) for start in range(0, num_tokens, at_once))
    return [_Chunk(part, hidden_NC[part], head, targets_N[part, None], room_RV) for part in parts]


def _product(left: Tensor, right: Tensor, room: Tensor) -> Tensor:
    """Their product in float32, in that room where its type allows."""
    if left.dtype == torch.float32:
        return torch.mm(left, right, out=room)
    return room.copy_(left @ right)


def _worth_a_gradient(shares_RV: Tensor, targets_R1: Tensor) -> Tensor | None:
    """The tokens that are targets or not negligible, in order; None where that is most of them."""
    num_rows, vocab_size = shares_RV.shape
    if shares_RV.device.type != "cpu" or vocab_size < _LARGE:
        return None
    mass_V = shares_RV.new_ones(num_rows) @ shares_RV
    rising_V, order_V = mass_V.sort()
    worth_V = torch.empty(vocab_size, dtype=torch.bool)
    worth_V[order_V] = rising_V.cumsum(0) > NEGLIGIBLE * num_rows
    worth_V[targets_R1.flatten()] = True
    kept_K = worth_V.nonzero().flatten()
    return kept_K if len(kept_K) < vocab_size // 2 else None
