"""A GPT, as nanoGPT writes it, with a cache for generation.

Notable choices, each with its source:
- LayerNorm before attention and MLP, and a last one before the head (GPT-2, Radford et al. 2019).
- Learned positions, GELU, an MLP four times as wide; biases optional and off: a bit better and
  faster (nanoGPT).
- Embedding and head share one matrix when `tied` (Press and Wolf 2017).
- Initialization N(0, 0.02); projections into the residual stream are scaled by 1/sqrt(2 n_layer)
  (GPT-2, section 2.3).
- Attention through `scaled_dot_product_attention`, which picks the fastest kernel there is.

Shapes: B batch, T tokens, C n_embd, H n_head, D = C/H, V vocabulary.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt.config import ModelConfig


class GPT(nn.Module):
    """A decoder-only transformer over token ids."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.token_embedding = nn.Embedding(vocab_size, config.n_embd)
        self.position_embedding = nn.Embedding(config.block_size, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.head = None if config.tied else nn.Linear(config.n_embd, vocab_size, bias=False)
        self._initialize()

    def forward(self, ids_BT: Tensor, targets_BT: Tensor | None = None) -> Tensor:
        """The mean loss (a scalar) when there are targets, else all logits, (B, T, V)."""
        logits_BTV = self._logits(self._hidden(ids_BT, None))
        if targets_BT is None:
            return logits_BTV
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten())

    def next_logits(self, ids_BT: Tensor, cache: "Cache") -> Tensor:
        """Logits after the last token, (B, V); `cache` remembers the tokens before `ids_BT`."""
        hidden_BTC = self._hidden(ids_BT, cache)
        cache.length += ids_BT.shape[1]
        return self._logits(hidden_BTC[:, -1]).float()

    def num_parameters(self) -> int:
        """Weights, shared ones counted once."""
        return sum(p.numel() for p in self.parameters())

    def _hidden(self, ids_BT: Tensor, cache: "Cache | None") -> Tensor:
        start = cache.length if cache else 0
        positions_T = torch.arange(start, start + ids_BT.shape[1], device=ids_BT.device)
        x_BTC = self.token_embedding(ids_BT) + self.position_embedding(positions_T)
        x_BTC = self.dropout(x_BTC)
        for layer, block in enumerate(self.blocks):
            x_BTC = block(x_BTC, None if cache is None else (cache, layer))
        return cast(Tensor, self.norm(x_BTC))

    def _logits(self, hidden: Tensor) -> Tensor:
        head = self.token_embedding if self.head is None else self.head
        return F.linear(hidden, head.weight)

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

    def forward(self, x_BTC: Tensor, cached: "tuple[Cache, int] | None" = None) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        x_BTC = x_BTC + self.attention(self.attention_norm(x_BTC), cached)
        return cast(Tensor, x_BTC + self.mlp(self.mlp_norm(x_BTC)))


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_head, self.dropout = config.n_head, config.dropout
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.projection = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.residual_dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTC: Tensor, cached: "tuple[Cache, int] | None" = None) -> Tensor:
        """(B, T, C) to (B, T, C); with a cache, attends to what it remembers as well."""
        qkv_BTHD = self.qkv(x_BTC).unflatten(2, (3 * self.n_head, -1))
        q_BHTD, k_BHTD, v_BHTD = qkv_BTHD.transpose(1, 2).chunk(3, dim=1)
        num_new = q_BHTD.shape[2]
        if cached is not None:
            cache, layer = cached
            k_BHTD, v_BHTD = cache.remember(layer, k_BHTD, v_BHTD)
        y_BHTD = F.scaled_dot_product_attention(
            q_BHTD,
            k_BHTD,
            v_BHTD,
            dropout_p=self.dropout if self.training else 0.0,
            attn_mask=_mask(num_new, k_BHTD) if num_new > 1 and cached is not None else None,
            is_causal=cached is None,
        )
        return cast(Tensor, self.residual_dropout(self.projection(_joined(y_BHTD))))


class MLP(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.projection = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        return cast(Tensor, self.dropout(self.projection(F.gelu(self.expand(x_BTC)))))


class Cache:
    """Keys and values of the tokens so far, for every layer, in memory allocated once."""

    def __init__(self, model: GPT, batch_size: int = 1) -> None:
        config, weight = model.config, model.token_embedding.weight
        shape = (config.n_layer, batch_size, config.n_head, config.block_size)
        self._keys = weight.new_empty(*shape, config.n_embd // config.n_head)
        self._values = torch.empty_like(self._keys)
        self.length = 0

    def remember(self, layer: int, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor]:
        """Add the new tokens' keys and values; give those of all tokens."""
        end = self.length + k_BHTD.shape[2]
        self._keys[layer, :, :, self.length : end] = k_BHTD
        self._values[layer, :, :, self.length : end] = v_BHTD
        return self._keys[layer, :, :, :end], self._values[layer, :, :, :end]


def _mask(num_new: int, k_BHTD: Tensor) -> Tensor:
    """Which of all tokens each new one may see: the causal mask's lower right corner."""
    num_all = k_BHTD.shape[2]
    full = torch.ones(num_new, num_all, dtype=torch.bool, device=k_BHTD.device)
    return full.tril(diagonal=num_all - num_new)


def _joined(y_BHTD: Tensor) -> Tensor:
    return y_BHTD.transpose(1, 2).flatten(2)
