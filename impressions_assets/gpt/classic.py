"""The recipe `classic`: a GPT-2, as nanoGPT writes it.

Notable choices, each with its source:
- LayerNorm before attention and MLP, and a last one before the head (GPT-2, Radford et al. 2019).
- Learned positions, GELU, an MLP four times as wide; biases optional and off: a bit better and
  faster (nanoGPT).
- Embedding and head share one matrix when `tied` (Press and Wolf 2017).
- Initialization N(0, 0.02); projections into the residual stream are scaled by 1/sqrt(2 n_layer)
  (GPT-2, section 2.3).
- Attention through `scaled_dot_product_attention`, or our own where a CPU trains (`attention.py`).

Shapes: B batch, T tokens, C n_embd, H n_head, D = C/H.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt.cache import CachedLayer, Past, attend
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.model import GPT


class Classic(GPT):
    """nanoGPT's model."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.position_embedding = nn.Embedding(config.block_size, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.n_embd, bias=config.bias)
        self._initialize()

    def hidden(self, ids_BT: Tensor, past: Past | None) -> Tensor:
        """What the head reads, (B, T, C)."""
        positions = past.positions if past else torch.arange(ids_BT.shape[1], device=ids_BT.device)
        x_BTC = self.token_embedding(ids_BT) + self.position_embedding(positions)
        x_BTC = self.dropout(x_BTC)
        for layer, block in enumerate(self.blocks):
            x_BTC = self.through(block, x_BTC, CachedLayer(past, layer) if past else None)
        return cast(Tensor, self.norm(x_BTC))

    def _initialize(self) -> None:
        residual_std = 0.02 / math.sqrt(2 * self.config.n_layer)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif name.endswith("projection.weight"):
                nn.init.normal_(parameter, std=residual_std)
            elif parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)


class Block(nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attention = Attention(config)
        self.mlp_norm = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x_BTC: Tensor, cached: CachedLayer | None = None) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        x_BTC = x_BTC + self.attention(self.attention_norm(x_BTC), cached)
        return cast(Tensor, x_BTC + self.mlp(self.mlp_norm(x_BTC)))


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.projection = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTC: Tensor, cached: CachedLayer | None = None) -> Tensor:
        """(B, T, C) to (B, T, C); with a cache, attends to what it remembers as well."""
        qkv_BTHD = self.qkv(x_BTC).unflatten(2, (3 * self.n_head, -1))
        q_BHTD, k_BHTD, v_BHTD = qkv_BTHD.transpose(1, 2).chunk(3, dim=1)
        dropout = self.dropout.p if self.training else 0.0
        y_BTC = attend(q_BHTD, k_BHTD, v_BHTD, cached, dropout)
        return cast(Tensor, self.dropout(self.projection(y_BTC)))


class MLP(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.projection = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.approximate = "tanh" if config.gelu == "tanh" else "none"
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        inner_BTC = F.gelu(self.expand(x_BTC), approximate=self.approximate)
        return cast(Tensor, self.dropout(self.projection(inner_BTC)))
