"""The recipe `modern`: what speedruns of GPT training found to pay, for a model of any size.

Notable choices, each with its source; what each gained here stands in
docs/decisions/0013-a-modern-recipe.md.
- Rotary positions (Su et al. 2021), no table of positions to learn.
- RMSNorm without gains (Zhang and Sennrich 2019), also on queries and keys after their rotation
  (QK-norm, Henry et al. 2020) and right after the embedding.
- ReLU² in the MLP (So et al. 2021); no biases.
- Projections into the residual stream begin at zero: a fresh block changes nothing (Zhang et al.
  2019, muP practice); so does the untied head, and a fresh model finds all tokens equally likely.
- Logits are soft-capped at 15 (Gemma 2), and added to the logarithms of the training text's
  frequencies, where a fresh model begins (`prior.py`). What never occurs there is not learned.
- Muon moves the blocks' matrices, fused AdamW the rest (`optimizer.py`).

Shapes: B batch, T tokens, C n_embd, H n_head, D = C/H.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from impressions_assets.gpt.cache import CachedLayer, Past, attend
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.head import Head
from impressions_assets.gpt.model import GPT
from impressions_assets.gpt.pointwise import rms_norm, squared_relu
from impressions_assets.gpt.prior import log_frequencies

LOGIT_CAP = 15.0
ROPE_BASE = 10_000.0


class Modern(GPT):
    """nanochat's and modded-nanogpt's model, without what only their scale needs."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        rotation_2TD = _rotation(config.block_size, config.n_embd // config.n_head)
        self.register_buffer("rotation_2TD", rotation_2TD, persistent=False)
        self.register_buffer("prior_V", torch.zeros(vocab_size))
        self.register_buffer("seen_K", None, persistent=False)
        self.register_load_state_dict_pre_hook(_add_prior)  # type: ignore[no-untyped-call]
        self._initialize()

    def hidden(self, ids_BT: Tensor, past: Past | None) -> Tensor:
        """What the head reads, (B, T, C)."""
        rotation_2TD = cast(Tensor, self.rotation_2TD)
        if past is None:
            rotation_2TD = rotation_2TD[:, : ids_BT.shape[1]]
        else:  # the same for every head, but not for every row
            rotation_2TD = rotation_2TD[:, past.positions].unsqueeze(-3)
        x_BTC = self.dropout(rms_norm(self.token_embedding(ids_BT)))
        for layer, block in enumerate(self.blocks):
            cached = CachedLayer(past, layer) if past else None
            x_BTC = self.through(block, x_BTC, rotation_2TD, cached)
        return rms_norm(x_BTC)

    def expect(self, counts_V: Tensor) -> None:
        """Let a fresh model begin at these frequencies, and learn only what occurs."""
        if self.head is None:  # the embedding of a token that never occurs is not zero
            return
        known_V = self.head.weight.any(1)
        if not known_V.any():
            cast(Tensor, self.prior_V).copy_(log_frequencies(counts_V))
        seen_K = (known_V | (counts_V.to(known_V.device) > 0)).nonzero().flatten()
        self.seen_K = seen_K if len(seen_K) < self.vocab_size else None

    def _head(self) -> Head:
        seen_K = self.seen_K if self.training else None
        return (
            super()._head()._replace(cap=LOGIT_CAP, prior=cast(Tensor, self.prior_V), seen=seen_K)
        )

    def muon_weights(self) -> Iterable[nn.Parameter]:
        """The matrices of the blocks."""
        return self.blocks.parameters()

    def _initialize(self) -> None:
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        for name, parameter in self.blocks.named_parameters():
            if name.endswith("projection.weight"):
                nn.init.zeros_(parameter)
            else:  # variance 1 / fan-in
                bound = (3 / parameter.shape[1]) ** 0.5
                nn.init.uniform_(parameter, -bound, bound)
        if self.head is not None:
            nn.init.zeros_(self.head.weight)


class Block(nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention, self.mlp = Attention(config), MLP(config)

    def forward(
        self, x_BTC: Tensor, rotation_2TD: Tensor, cached: CachedLayer | None = None
    ) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        x_BTC = x_BTC + self.attention(rms_norm(x_BTC), rotation_2TD, cached)
        return cast(Tensor, x_BTC + self.mlp(rms_norm(x_BTC)))


class Attention(nn.Module):
    """Causal self-attention with several heads, rotated by position."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.projection = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x_BTC: Tensor, rotation_2TD: Tensor, cached: CachedLayer | None = None
    ) -> Tensor:
        """(B, T, C) to (B, T, C); with a cache, attends to what it remembers as well."""
        qkv_BTHD = self.qkv(x_BTC).unflatten(2, (3 * self.n_head, -1))
        qk_BHTD, v_BHTD = qkv_BTHD.transpose(1, 2).split((2 * self.n_head, self.n_head), dim=1)
        q_BHTD, k_BHTD = rms_norm(_rotated(qk_BHTD, rotation_2TD)).chunk(2, dim=1)
        dropout = self.dropout.p if self.training else 0.0
        y_BTC = attend(q_BHTD, k_BHTD, v_BHTD.type_as(q_BHTD), cached, dropout)
        return cast(Tensor, self.dropout(self.projection(y_BTC)))


class MLP(nn.Module):
    """Two linear layers around a squared ReLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.n_embd, 4 * config.n_embd, bias=False)
        self.projection = nn.Linear(4 * config.n_embd, config.n_embd, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        return cast(Tensor, self.dropout(self.projection(squared_relu(self.expand(x_BTC)))))


def _add_prior(model: "Modern", tensors: dict[str, Tensor], *_: object) -> None:
    """Models that were saved before there was a prior began without one."""
    tensors.setdefault("prior_V", torch.zeros(model.vocab_size))


def _rotation(num_positions: int, head_size: int) -> Tensor:
    """Cosines and sines for each position and pair of dimensions, (2, T, D).

    The first half of the sines is negative, for the second half of the dimensions that it turns.
    """
    rates = ROPE_BASE ** -(torch.arange(0, head_size, 2) / head_size)
    angles_TD = torch.outer(torch.arange(num_positions), rates).repeat(1, 2)
    sin_TD = angles_TD.sin()
    sin_TD[:, : head_size // 2].neg_()
    return torch.stack([angles_TD.cos(), sin_TD])


def _rotated(x_BHTD: Tensor, rotation_2TD: Tensor) -> Tensor:
    cos_TD, sin_TD = rotation_2TD.type_as(x_BHTD)
    halves_swapped = x_BHTD.roll(x_BHTD.shape[3] // 2, dims=3)
    return torch.addcmul(x_BHTD * cos_TD, halves_swapped, sin_TD)
