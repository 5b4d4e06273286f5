"""What the recipes of a model share: loss, logits, and the count of their operations.

A recipe is a file (`classic`, `modern`) with a subclass of `GPT`; `model_of` makes the one that a
configuration names.

Shapes: B batch, T tokens, C n_embd, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from impressions_assets.gpt.cache import Past
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.head import Head, head_loss, plain_loss


class GPT(nn.Module, ABC):
    """A decoder-only transformer over token ids."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.recomputes = False  # blocks once more in the backward pass, to hold less in memory
        self.token_embedding = nn.Embedding(vocab_size, config.n_embd)
        self.head = None if config.tied else nn.Linear(config.n_embd, vocab_size, bias=False)
        self.multiply_head: nn.Module | None = None  # in place of its weight, while it speaks

    @property
    def head_weight(self) -> Tensor:
        """What turns hidden states into logits, (V, C): the embedding, where it is tied."""
        return (self.token_embedding if self.head is None else self.head).weight

    @abstractmethod
    def hidden(self, ids_BT: Tensor, past: Past | None) -> Tensor:
        """What the head reads, (B, T, C); `past` remembers the tokens before `ids_BT`."""

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of all tokens, (..., V), none beyond the cap."""
        return self._head().logits(hidden)

    def forward(self, ids_BT: Tensor, targets_BT: Tensor | None = None) -> Tensor:
        """The mean loss (a scalar) when there are targets, else all logits, (B, T, V)."""
        hidden_BTC = self.hidden(ids_BT, None)
        if targets_BT is None:
            return self.logits(hidden_BTC)
        # A compiler for CUDA fuses what follows the product; by hand, less is held.
        fuses = hidden_BTC.is_cuda and torch.compiler.is_compiling()
        loss = plain_loss if fuses else head_loss
        return loss(hidden_BTC.flatten(0, 1), self._head(), targets_BT.flatten())

    def expect(self, counts_V: Tensor) -> None:
        """Tell how often the training text holds each token, once the weights are as they start."""

    def _head(self) -> Head:
        return Head(self.head_weight, multiply=self.multiply_head)

    def through(self, block: nn.Module, *inputs: Any) -> Tensor:
        """What a block makes of its inputs; of a block that is computed again, only they stay."""
        if self.recomputes and self.training:
            return cast(Tensor, checkpoint(block, *inputs, use_reentrant=False))
        return cast(Tensor, block(*inputs))

    def next_logits(self, ids_BT: Tensor, past: Past) -> Tensor:
        """Logits after the last token, (B, V)."""
        return self.logits(self.hidden(ids_BT, past)[:, -1]).float()

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
        seen_K = self._head().seen
        weights -= 0 if seen_K is None else (self.vocab_size - len(seen_K)) * shape.n_embd
        return 6 * weights + 12 * shape.n_layer * shape.n_embd * num_tokens

    def num_parameters(self) -> int:
        """Weights, shared ones counted once."""
        return sum(p.numel() for p in self.parameters())


def model_of(config: ModelConfig, vocab_size: int) -> GPT:
    """A model with fresh weights, by the recipe that the configuration names."""
    from impressions_assets.gpt.classic import Classic
    from impressions_assets.gpt.modern import Modern

    return {"classic": Classic, "modern": Modern}[config.recipe](config, vocab_size)
