"""How well a model predicts text that it never trained on.

Bits per byte, not loss per token, is what may be compared: between tokenizers, and with a zip.
"""

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

from impressions_assets.gpt.device import autocast
from impressions_assets.gpt.loader import TokenStream
from impressions_assets.gpt.model import GPT
from impressions_assets.gpt.packing import Ids
from impressions_assets.gpt.ranks import Ranks


class Evaluator:
    """The validation text, whole when it is small, else the same random windows every time."""

    def __init__(
        self, stream: TokenStream, num_bytes: int, length: int, batch_size: int, max_batches: int
    ) -> None:
        self._stream, self._length, self._batch_size = stream, length, batch_size
        self._starts = np.arange(0, len(stream) - 1, length, dtype=np.int64)
        if len(self._starts) > batch_size * max_batches:
            random = np.random.default_rng(0)
            full = self._starts[: (len(stream) - 1) // length]
            self._starts = np.sort(random.choice(full, batch_size * max_batches, replace=False))
        self.tokens_per_byte = len(stream) / num_bytes

    def bits_per_byte(self, loss: float) -> float:
        """What a loss in nats per token comes to."""
        return loss * self.tokens_per_byte / math.log(2)

    @torch.no_grad()
    def loss(
        self, model: GPT, device: torch.device, dtype: torch.dtype, ranks: Ranks | None = None
    ) -> float:
        """Mean loss in nats per token; leaves the model in the mode it was in.

        Ranks share the batches, and all get the mean over all of them.
        """
        ranks = ranks or Ranks()
        was_training = model.training
        model.eval()
        means, sizes = [], []
        for inputs, targets in islice(self._batches(), ranks.rank, None, ranks.world_size):
            with autocast(device, dtype):
                mean = model(
                    torch.from_numpy(inputs).to(device), torch.from_numpy(targets).to(device)
                )
            means.append(mean)
            sizes.append(targets.size)
        model.train(was_training)
        # Read at the end, once: the device is waited for no more often than that.
        found = torch.stack(means).tolist() if means else []
        total, size = ranks.totals(float(np.dot(found, sizes)), sum(sizes))
        return total / size

    def _batches(self) -> Iterator[tuple[Ids, Ids]]:
        last_start = len(self._stream) - 1 - self._length
        full = self._starts[self._starts <= last_start]
        for i in range(0, len(full), self._batch_size):
            yield self._stream.windows(full[i : i + self._batch_size], self._length)
        for start in self._starts[len(full) :]:  # the end of the text, shorter than a window
            yield self._stream.windows(np.array([start]), len(self._stream) - 1 - int(start))
