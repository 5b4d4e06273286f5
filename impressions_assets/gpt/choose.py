"""Choosing the next token from the model's logits, for many texts at once.

Notable choices:
- A token is drawn by one random number and the sum of the probabilities up to it: over 50,257
  tokens on a CPU that takes 0.1 ms, torch.multinomial 1.5 ms (it draws as many numbers).
- Each text has random numbers of its own, from Python's generator, which promises the same ones on
  every machine: what a text says depends neither on its neighbours nor on the device.
- The nucleus is looked for among the likeliest 1,024 tokens first: sorting all takes 7 ms.

Shapes: B texts, V vocabulary, K candidates.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import TypedDict

import torch
from torch import Tensor

from impressions_assets.errors import ConfigError

_NUCLEUS = 1024


class Sampling(TypedDict, total=False):
    """How the next token is chosen from the model's probabilities."""

    temperature: float  # 0 always takes the likeliest token
    top_k: int | None  # only so many tokens, the likeliest
    top_p: float | None  # only the fewest tokens that have this probability together
    min_p: float | None  # only tokens with this share of the likeliest one's probability
    repetition_penalty: float  # above 1, what was said becomes rarer


class Chooser:
    """Picks the next tokens."""

    def __init__(
        self,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float = 1.0,
    ) -> None:
        _require(temperature >= 0, f"temperature {temperature}", "0 or more")
        _require(top_k is None or top_k >= 1, f"top_k {top_k}", "1 or more")
        _require(top_p is None or 0 < top_p <= 1, f"top_p {top_p}", "above 0 and at most 1")
        _require(min_p is None or 0 <= min_p <= 1, f"min_p {min_p}", "from 0 to 1")
        _require(repetition_penalty > 0, f"repetition_penalty {repetition_penalty}", "above 0")
        self._temperature, self._top_k = temperature, top_k
        self._top_p = None if top_p == 1 else top_p
        self._min_p, self._penalty = min_p, repetition_penalty

    def choose(
        self, logits_BV: Tensor, recent: Sequence[Sequence[int]], random: Sequence[Random]
    ) -> list[int]:
        """The next token of each text; `recent` are those whose repetition is penalized."""
        if logits_BV.device.type == "mps":  # knows no float64
            logits_BV = logits_BV.cpu()
        logits_BV = self._penalized(logits_BV, recent)
        if self._temperature == 0:
            return list(map(int, logits_BV.argmax(1).tolist()))
        logits_BV = self._likely(logits_BV / self._temperature)
        logits_BK, ids_BK = self._candidates(logits_BV)
        drawn_B1 = _drawn(logits_BK.softmax(1), [source.random() for source in random])
        tokens_B1 = drawn_B1 if ids_BK is None else ids_BK.gather(1, drawn_B1)
        return list(map(int, tokens_B1[:, 0].tolist()))

    def _penalized(self, logits_BV: Tensor, recent: Sequence[Sequence[int]]) -> Tensor:
        """CTRL's penalty (Keskar et al. 2019, section 4.1)."""
        if self._penalty == 1:
            return logits_BV
        logits_BV = logits_BV.clone()
        for logits_V, ids in zip(logits_BV, recent, strict=True):
            seen = torch.tensor(sorted(set(ids)), dtype=torch.long, device=logits_V.device)
            said = logits_V[seen]
            logits_V[seen] = torch.where(said > 0, said / self._penalty, said * self._penalty)
        return logits_BV

    def _likely(self, logits_BV: Tensor) -> Tensor:
        """Keep what is at least min_p as probable as the likeliest (Nguyen et al. 2024)."""
        if not self._min_p:
            return logits_BV
        least_B1 = logits_BV.amax(1, keepdim=True) + math.log(self._min_p)
        return logits_BV.masked_fill(logits_BV < least_B1, -torch.inf)

    def _candidates(self, logits_BV: Tensor) -> tuple[Tensor, Tensor | None]:
        """The logits to draw from, and whose they are; None: of all tokens, in order."""
        num_tokens = logits_BV.shape[1]
        top_k = min(self._top_k or num_tokens, num_tokens)
        if top_k < num_tokens:
            logits_BV, ids_BK = logits_BV.topk(top_k)
            return self._nucleus(logits_BV, logits_BV), ids_BK
        if self._top_p is None:
            return logits_BV, None
        likeliest_BK, ids_BK = logits_BV.topk(min(_NUCLEUS, num_tokens))
        if self._reaches(likeliest_BK, logits_BV):
            return self._nucleus(likeliest_BK, logits_BV), ids_BK
        sorted_BV, ids_BV = logits_BV.sort(descending=True)
        return self._nucleus(sorted_BV, logits_BV), ids_BV

    def _reaches(self, likeliest_BK: Tensor, logits_BV: Tensor) -> bool:
        totals_B = (likeliest_BK.logsumexp(1) - logits_BV.logsumexp(1)).exp()
        return bool((totals_B >= (self._top_p or 1)).all())

    def _nucleus(self, sorted_BK: Tensor, logits_BV: Tensor) -> Tensor:
        """Keep the fewest tokens whose probabilities reach top_p (Holtzman et al. 2019)."""
        if self._top_p is None:
            return sorted_BK
        probabilities_BK = (sorted_BK - logits_BV.logsumexp(1, keepdim=True)).exp()
        before_BK = probabilities_BK.cumsum(1) - probabilities_BK
        return sorted_BK.masked_fill(before_BK >= self._top_p, -torch.inf)


def _drawn(probabilities_BK: Tensor, numbers: Sequence[float]) -> Tensor:
    """A place in each row, as probable as the row says, (B, 1), by a number from [0, 1) each."""
    sums_BK = probabilities_BK.cumsum(1, dtype=torch.float64)
    numbers_B1 = torch.tensor(numbers, dtype=torch.float64, device=sums_BK.device)[:, None]
    places_B1 = torch.searchsorted(sums_BK, numbers_B1 * sums_BK[:, -1:], right=True)
    return places_B1.clamp_(max=sums_BK.shape[1] - 1)


def _require(fine: bool, given: str, allowed: str) -> None:
    if not fine:
        raise ConfigError(f"cannot generate with {given}: it must be {allowed}")
