"""What a model remembers while it speaks: keys and values, so that it reads each token once.

A cache holds rows: texts of different lengths that grow together, a token of each at a time. Its
memory is allocated once, and a step may look at all of it instead of at the part that is in use:
then every step has the same shapes and addresses, as a CUDA graph wants.

Shapes: B rows, T tokens, H n_head, D size of a head, S block_size, L n_layer.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt.attention import causal_attention, pays_off

if TYPE_CHECKING:
    from impressions_assets.gpt.model import GPT


class Cache:
    """Keys and values of the tokens so far, for every layer and row."""

    def __init__(self, model: "GPT", num_rows: int = 1) -> None:
        config, weight = model.config, model.token_embedding.weight
        shape = (config.n_layer, num_rows, config.n_head, config.block_size)
        # Zeros: what was never written is masked, and a NaN times nothing is NaN.
        self.keys_LBHSD = weight.new_zeros(*shape, config.n_embd // config.n_head)
        self.values_LBHSD = torch.zeros_like(self.keys_LBHSD)
        self.lengths = [0] * num_rows
        self.lengths_B = torch.zeros(num_rows, dtype=torch.long, device=weight.device)

    def set_length(self, row: int, length: int) -> None:
        """Count the first tokens of a row as known."""
        self.lengths[row] = self.lengths_B[row] = length

    def advance(self) -> None:
        """Count a token more in every row."""
        self.lengths = [length + 1 for length in self.lengths]
        self.lengths_B += 1


class Past(ABC):
    """What a forward pass knows of the tokens before its own, and where its own stand."""

    positions: Tensor  # of the tokens of this pass: (T,), or (B, 1)
    mask: Tensor | None = None  # None: causal

    @abstractmethod
    def remember(self, layer: int, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor]:
        """Keep the keys and values of the new tokens; give those that they may look at."""


class Reading(Past):
    """The first tokens of one row, read at once."""

    def __init__(self, cache: Cache, row: int, num_tokens: int) -> None:
        self._cache, self._row, self._num_tokens = cache, row, num_tokens
        self.positions = torch.arange(num_tokens, device=cache.lengths_B.device)

    def remember(self, layer: int, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor]:
        """Keep them in the row; there is nothing before them."""
        self._cache.keys_LBHSD[layer, self._row, :, : self._num_tokens] = k_BHTD[0]
        self._cache.values_LBHSD[layer, self._row, :, : self._num_tokens] = v_BHTD[0]
        return k_BHTD, v_BHTD


class Step(Past):
    """The next token of every row."""

    def __init__(self, cache: Cache, same_shape: bool = False) -> None:
        self._cache = cache
        size = cache.keys_LBHSD.shape[3]
        self._end = size if same_shape else max(cache.lengths) + 1
        self._is_even = not same_shape and len(set(cache.lengths)) == 1
        self._rows_B = torch.arange(len(cache.lengths), device=cache.lengths_B.device)
        self.positions = cache.lengths_B[:, None]
        if not self._is_even:
            places_S = torch.arange(self._end, device=cache.lengths_B.device)
            self.mask = (places_S <= self.positions)[:, None, None]

    def remember(self, layer: int, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor]:
        """Keep each row's at its own place; give all up to the end of the longest row."""
        keys_BHSD, values_BHSD = self._cache.keys_LBHSD[layer], self._cache.values_LBHSD[layer]
        if self._is_even:
            keys_BHSD[:, :, self._end - 1] = k_BHTD[:, :, 0]
            values_BHSD[:, :, self._end - 1] = v_BHTD[:, :, 0]
        else:
            lengths_B = self._cache.lengths_B
            keys_BHSD[self._rows_B, :, lengths_B] = k_BHTD[:, :, 0].type_as(keys_BHSD)
            values_BHSD[self._rows_B, :, lengths_B] = v_BHTD[:, :, 0].type_as(values_BHSD)
        return keys_BHSD[:, :, : self._end], values_BHSD[:, :, : self._end]


class CachedLayer(NamedTuple):
    """A layer's share in the past."""

    past: Past
    layer: int


def attend(
    q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor, cached: CachedLayer | None, dropout: float
) -> Tensor:
    """Causal attention, heads joined, (B, T, C); with a past, to what it remembers as well."""
    if cached is None and pays_off(q_BHTD, dropout):
        y_BHTD = causal_attention(q_BHTD, k_BHTD, v_BHTD, dropout)
    else:
        mask = None
        if cached is not None:
            k_BHTD, v_BHTD = cached.past.remember(cached.layer, k_BHTD, v_BHTD)
            mask = cached.past.mask
        y_BHTD = F.scaled_dot_product_attention(
            q_BHTD,
            k_BHTD,
            v_BHTD,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=q_BHTD.shape[2] > 1,  # a single token sees all that there is
        )
    return y_BHTD.transpose(1, 2).flatten(2)
