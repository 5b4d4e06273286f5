"""Muon for the matrices of modern blocks, fused AdamW for all else, and the learning rate's way.

Muon (Jordan et al. 2024) moves a matrix by its momentum with all singular values brought near one.
Its moves are scaled to the root mean square that AdamW's have, so one learning rate and one weight
decay do for both (Liu et al. 2025, "Muon is scalable", section 2.2).
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from impressions_assets.gpt.config import TrainConfig
from impressions_assets.gpt.model import GPT

_MOMENTUM = 0.95
_LIKE_ADAMW = 0.2
# Coefficients of each round: the first three of five that bring singular values down to a
# thousandth to one ("The Polar Express", Amsel et al. 2025, https://arxiv.org/abs/2505.16932,
# algorithm 2), with the paper's margin for rounding: what lies beyond one they would amplify. What
# three gave here, and Muon's own: docs/decisions/0013-a-modern-recipe.md.
_MARGIN = 1.01
_ROUNDS = tuple(
    (a / _MARGIN, b / _MARGIN**3, c / _MARGIN**5)
    for a, b, c in (
        (8.28721201814563, -23.595886519098837, 17.300387312530933),
        (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
        (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    )
)


def optimizer_of(
    model: GPT, config: TrainConfig, dtype: torch.dtype = torch.float32
) -> torch.optim.AdamW:
    """The optimizer of a model's recipe; gains and biases do not decay (GPT-3's habit).

    Where the model is multiplied in bfloat16, so are Muon's matrices: its iteration bears that.
    """
    by_muon = list(model.muon_weights())
    known = set(map(id, by_muon))
    rest = [weight for weight in model.parameters() if id(weight) not in known]
    kinds = [
        (by_muon, True, config.weight_decay),
        ([w for w in rest if w.dim() >= 2], False, config.weight_decay),
        ([w for w in rest if w.dim() < 2], False, 0.0),
    ]
    groups = [
        {"params": weights, "muon": muon, "weight_decay": decay}
        for weights, muon, decay in kinds
        if weights
    ]
    # fused: measured 1.8 times the tokens per second of the plain one on CPU, with bfloat16
    optimizer = MuonAdamW(
        groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True
    )
    optimizer.iterates_in = torch.bfloat16 if dtype == torch.bfloat16 else torch.float32
    return optimizer


class MuonAdamW(torch.optim.AdamW):
    """Fused AdamW; groups marked `muon` move by Muon. A `found_inf` of 1 holds back both."""

    iterates_in: torch.dtype = torch.float32
    """The type of Newton's and Schulz's products."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move the weights."""
        for group in self.param_groups:
            if group["muon"]:
                self._move_by_muon(group)
        super().step(closure)

    def _move_by_muon(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        device = weights[0].device
        held = getattr(self, "found_inf", torch.zeros((), device=device)).to(device)
        moves = [self._direction(weight, held) for weight in weights]
        directions = orthogonal(moves, self.iterates_in)
        rate = group["lr"] * (1 - held)
        for weight, direction in zip(weights, directions, strict=True):
            weight.mul_(1 - rate * group["weight_decay"])
            weight.addcmul_(direction, rate, value=-_LIKE_ADAMW * math.sqrt(max(weight.shape)))
            weight.grad = None  # AdamW leaves alone what has no gradient

    def _direction(self, weight: Tensor, held: Tensor) -> Tensor:
        """Nesterov momentum, as it is before the step when that is held back."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:  # `step` is for AdamW, which asks each state for it when it loads one
            state["momentum"] = torch.zeros_like(weight)
            state["step"] = torch.zeros(())
        momentum = state["momentum"]
        gradient = torch.where(held > 0, momentum, weight.grad)
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(momentum, _MOMENTUM)


def orthogonal(matrices: Sequence[Tensor], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Each matrix with its singular values brought towards one, by Newton and Schulz.

    Those of a thousandth of the matrix's norm and more end between 0.13 and 1.87.

    Matrices of one shape, turned to lie if they stand, go through the iteration in one batch.
    """
    lying = [m.T if m.shape[0] > m.shape[1] else m for m in matrices]
    found: list[Tensor] = list(lying)
    for shape in {m.shape for m in lying}:
        places = [place for place, m in enumerate(lying) if m.shape == shape]
        batch = _iterated(torch.stack([lying[place] for place in places]), dtype)
        for place, direction in zip(places, batch, strict=True):
            found[place] = direction
    pairs = zip(matrices, found, strict=True)
    return [f.T if m.shape[0] > m.shape[1] else f for m, f in pairs]


def _iterated(x_NRC: Tensor, dtype: torch.dtype) -> Tensor:
    length_N11 = x_NRC.norm(dim=(1, 2), keepdim=True) + 1e-7
    made_NRC: Tensor = (x_NRC / length_N11).to(dtype)
    if dtype == torch.float32:
        found_NRC: Tensor = _polynomial(made_NRC @ made_NRC.mT) @ made_NRC
        return found_NRC
    for a, b, c in _ROUNDS:
        squares_NRR = made_NRC @ made_NRC.mT
        factor_NRR = torch.baddbmm(squares_NRR, squares_NRR, squares_NRR, beta=b, alpha=c)
        made_NRC = torch.baddbmm(made_NRC, factor_NRR, made_NRC, beta=a)
    return made_NRC.to(x_NRC.dtype)


def _polynomial(squares_NRR: Tensor) -> Tensor:
    """What all rounds together multiply X by, of X Xᵀ alone, (N, R, R).

    Each multiplies from the left by a polynomial of X Xᵀ, and these commute, so that no round needs
    X itself: a third cheaper where X is three or four times as wide as high ("Gram Newton-Schulz",
    https://dao-lab.ai/blog/2026/gram-newton-schulz). Half precision would lose what is small there.
    """
    product_NRR: Tensor | None = None
    for number, (a, b, c) in enumerate(_ROUNDS, start=1):
        factor_NRR = torch.baddbmm(squares_NRR, squares_NRR, squares_NRR, beta=b, alpha=c)
        factor_NRR.diagonal(dim1=1, dim2=2).add_(a)
        product_NRR = factor_NRR if product_NRR is None else factor_NRR @ product_NRR
        if number < len(_ROUNDS):
            squares_NRR = factor_NRR @ squares_NRR @ factor_NRR
    assert product_NRR is not None
    return product_NRR


def learning_rate_at(step: int, config: TrainConfig, num_steps: int | None) -> float:
    """The learning rate of a step, counted from 0.

    A training without an end (`num_steps` None) warms up and then keeps its rate, unless
    `lr_decay_iters` says where to decay.
    """
    if not config.decay_lr:
        return config.learning_rate
    end = config.lr_decay_iters or num_steps
    warmup = config.warmup_iters
    if warmup is None:
        warmup = 500 if end is None else min(500, end // 20)
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    if end is None:
        return config.learning_rate
    lowest = config.learning_rate / 10 if config.min_lr is None else config.min_lr
    progress = min(1.0, (step - warmup) / max(1, end - warmup))
    return lowest + (config.learning_rate - lowest) * 0.5 * (1 + math.cos(math.pi * progress))
