"""Causal attention for a training on a CPU, where torch's own leaves half of the speed.

Notable choices:
- A few queries at a time look at the keys up to the last of them: of T by T scores, no more than
  half are computed where T is long. torch's flash kernel for CPUs does so too, but its backward
  pass computes all of it again; here probabilities are kept. Forwards and backwards, 8 windows of
  512 took 39 ms in place of 99 in bfloat16, 87 in place of 104 in float32; 48 windows of 64 took 8
  in place of 34, and 15 in place of 15 (4 heads of 64, one thread of a Zen 4).
- With dropout torch leaves its kernel and computes all scores; here it stays as it is.
- In bfloat16 scores are rounded, as in transformers' eager attention, and so are the sums of
  gradients over blocks of queries; softmax sums in float32.

Shapes: N windows times heads, T tokens, D size of a head; q queries of a block, k keys to its end.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_QUERIES = 128  # at once
_MOST_BYTES = 1 << 27  # that a layer may keep; beyond, torch's kernel needs less memory


def pays_off(q_BHTD: Tensor, dropout: float) -> bool:
    """Whether `causal_attention` is the better way: where a CPU trains, on windows not too long."""
    windows, heads, num_tokens, _ = q_BHTD.shape
    size_bytes = q_BHTD.element_size() + bool(dropout)
    kept_bytes = windows * heads * num_tokens * num_tokens * size_bytes
    return q_BHTD.requires_grad and q_BHTD.device.type == "cpu" and kept_bytes <= _MOST_BYTES


def causal_attention(q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor, dropout: float) -> Tensor:
    """What each token takes from those up to itself, (B, H, T, D)."""
    flat = (x.flatten(0, 1) for x in (q_BHTD, k_BHTD, v_BHTD))
    found: Tensor = _Causal.apply(*flat, dropout)  # type: ignore[no-untyped-call]
    return found.view_as(q_BHTD)


class _Causal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q_NTD: Tensor, k_NTD: Tensor, v_NTD: Tensor, dropout: float) -> Tensor:
        num_tokens = q_NTD.shape[1]
        later_qq = q_NTD.new_full((_QUERIES, _QUERIES), -torch.inf).triu_(1)
        y_NTD, shares, masks = torch.empty_like(q_NTD), [], []
        for start in range(0, num_tokens, _QUERIES):
            end = min(start + _QUERIES, num_tokens)
            scores_Nqk = _scores(q_NTD[:, start:end], k_NTD[:, :end])
            scores_Nqk[:, :, start:] += later_qq[: end - start, : end - start]
            shares_Nqk = scores_Nqk.softmax(2)
            shares.append(shares_Nqk)
            if dropout:
                masks.append(torch.rand(shares_Nqk.shape) >= dropout)
                shares_Nqk = shares_Nqk * masks[-1]
            y_NTD[:, start:end] = shares_Nqk @ v_NTD[:, :end]
        ctx.save_for_backward(q_NTD, k_NTD, v_NTD, *shares, *masks)
        ctx.dropout = dropout
        return y_NTD.div_(1 - dropout) if dropout else y_NTD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_NTD: Tensor) -> tuple[Tensor | None, ...]:
        q_NTD, k_NTD, v_NTD, *kept = ctx.saved_tensors
        num_blocks = -(-q_NTD.shape[1] // _QUERIES)
        shares, masks = kept[:num_blocks], kept[num_blocks:]
        if masks:
            gradient_NTD = gradient_NTD / (1 - ctx.dropout)
        to_q_NTD, to_k_NTD, to_v_NTD = map(torch.zeros_like, (q_NTD, k_NTD, v_NTD))
        start = 0
        for number, shares_Nqk in enumerate(shares):
            end = shares_Nqk.shape[2]
            gradient_NqD = gradient_NTD[:, start:end]
            used_Nqk = shares_Nqk * masks[number] if masks else shares_Nqk
            to_v_NTD[:, :end] += used_Nqk.mT @ gradient_NqD
            to_shares_Nqk = gradient_NqD @ v_NTD[:, :end].mT
            if masks:
                to_shares_Nqk *= masks[number]
            to_scores_Nqk = torch._softmax_backward_data(to_shares_Nqk, shares_Nqk, 2, q_NTD.dtype)
            to_q_NTD[:, start:end] = to_scores_Nqk @ k_NTD[:, :end]
            to_k_NTD[:, :end] += to_scores_Nqk.mT @ q_NTD[:, start:end]
            start = end
        scale = q_NTD.shape[2] ** -0.5
        return to_q_NTD.mul_(scale), to_k_NTD.mul_(scale), to_v_NTD, None


def _scores(q_NqD: Tensor, k_NkD: Tensor) -> Tensor:
    """Scaled before they are rounded, (N, q, k)."""
    room = q_NqD.new_empty(len(q_NqD), q_NqD.shape[1], k_NkD.shape[1])
    return torch.baddbmm(room, q_NqD, k_NkD.mT, beta=0, alpha=q_NqD.shape[2] ** -0.5)
