"""What the recipes of a model share: loss, logits, attention, and a cache for generation.

A recipe is a file (`classic`, `modern`) with a subclass of `GPT`; `model_of` makes the one that a
configuration names.

Shapes: B batch, T tokens, C n_embd, H n_head, D = C/H, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt.config import ModelConfig


class GPT(nn.Module, ABC):
    """A decoder-only transformer over token ids."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.token_embedding = nn.Embedding(vocab_size, config.n_embd)
        self.head = None if config.tied else nn.Linear(config.n_embd, vocab_size, bias=False)

    @abstractmethod
    def hidden(self, ids_BT: Tensor, cache: "Cache | None") -> Tensor:
        """What the head reads, (B, T, C)."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all tokens, (..., V)."""
        head = self.token_embedding if self.head is None else self.head
        return F.linear(hidden, head.weight)

    def forward(self, ids_BT: Tensor, targets_BT: Tensor | None = None) -> Tensor:
        """The mean loss (a scalar) when there are targets, else all logits, (B, T, V)."""
        logits_BTV = self.logits(self.hidden(ids_BT, None))
        if targets_BT is None:
            return logits_BTV
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten())

    def next_logits(self, ids_BT: Tensor, cache: "Cache") -> Tensor:
        """Logits after the last token, (B, V); `cache` remembers the tokens before `ids_BT`."""
        hidden_BTC = self.hidden(ids_BT, cache)
        cache.length += ids_BT.shape[1]
        return self.logits(hidden_BTC[:, -1]).float()

    def muon_weights(self) -> Iterable[nn.Parameter]:
        """Matrices that are moved by Muon: none, unless the recipe says so."""
        return ()

    def flops_per_token(self, num_tokens: int) -> int:
        """Operations of a training step for each token of a window (Chowdhery et al. 2022, B).

        Six for each weight that multiplies: looking up an embedding costs nothing, unless it is
        the head as well. Then attention, as if it saw the whole window.
        """
        shape = self.config
        weights = sum(p.numel() for n, p in self.named_parameters() if "embedding" not in n)
        weights += self.token_embedding.weight.numel() if shape.tied else 0
        return 6 * weights + 12 * shape.n_layer * shape.n_embd * num_tokens

    def num_parameters(self) -> int:
        """Weights, shared ones counted once."""
        return sum(p.numel() for p in self.parameters())


def model_of(config: ModelConfig, vocab_size: int) -> GPT:
    """A model with fresh weights, by the recipe that the configuration names."""
    from impressions_assets.gpt.classic import Classic
    from impressions_assets.gpt.modern import Modern

    return {"classic": Classic, "modern": Modern}[config.recipe](config, vocab_size)


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


class CachedLayer(NamedTuple):
    """A layer's place in the cache."""

    cache: Cache
    layer: int


def attend(
    q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor, cached: CachedLayer | None, dropout: float
) -> Tensor:
    """Causal attention, heads joined, (B, T, C); with a cache, to what it remembers as well."""
    num_new = q_BHTD.shape[2]
    if cached is not None:
        k_BHTD, v_BHTD = cached.cache.remember(cached.layer, k_BHTD, v_BHTD)
    y_BHTD = F.scaled_dot_product_attention(
        q_BHTD,
        k_BHTD,
        v_BHTD,
        dropout_p=dropout,
        attn_mask=_mask(num_new, k_BHTD) if num_new > 1 and cached is not None else None,
        is_causal=cached is None,
    )
    return y_BHTD.transpose(1, 2).flatten(2)


def _mask(num_new: int, k_BHTD: Tensor) -> Tensor:
    """Which of all tokens each new one may see: the causal mask's lower right corner."""
    num_all = k_BHTD.shape[2]
    full = torch.ones(num_new, num_all, dtype=torch.bool, device=k_BHTD.device)
    return full.tril(diagonal=num_all - num_new)
