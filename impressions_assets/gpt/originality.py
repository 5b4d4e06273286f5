"""What a model's samples are made of: repetition, variety, and spans copied from its training text.

All three count tokens, so they compare versions under one tokenizer.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impressions_assets.gpt.loader import TokenStream

_Hashes = NDArray[np.uint64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_COUNTED_AT_ONCE = 1 << 22


def repetition_rate(samples: Sequence[Sequence[int]], size: int = 4) -> float:
    """Share of a sample's n-grams that it has said before (Welleck et al. 2019, seq-rep-n)."""
    spans = [_spans(ids, size) for ids in samples]
    total = sum(map(len, spans))
    return 1 - sum(len(set(of_sample)) for of_sample in spans) / total if total else 0.0


def distinct_share(samples: Sequence[Sequence[int]], size: int = 2) -> float:
    """Share of different n-grams among those of all samples (Li et al. 2016, distinct-n)."""
    spans = [span for ids in samples for span in _spans(ids, size)]
    return len(set(spans)) / len(spans) if spans else 0.0


def longest_copied(samples: Sequence[Sequence[int]], training: TokenStream) -> int:
    """Tokens of the longest span of a sample that stands in the training text word for word.

    A span that occurs holds all its shorter ones, so its length is found by halving.
    """
    shortest, longest = 0, max(map(len, samples), default=0)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if _occurs(samples, training, middle):
            shortest = middle
        else:
            longest = middle - 1
    return shortest


def _spans(ids: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(ids[start : start + size]) for start in range(len(ids) - size + 1)]


def _occurs(samples: Sequence[Sequence[int]], training: TokenStream, size: int) -> bool:
    """Whether any span of so many tokens is in both; equal hashes are looked at token by token."""
    spans = {span for ids in samples for span in _spans(ids, size)}
    wanted = np.concatenate([_hashes(np.array(ids), size) for ids in samples])
    for start in range(0, len(training) - size + 1, _COUNTED_AT_ONCE):
        end = min(start + _COUNTED_AT_ONCE + size - 1, len(training))
        ids = training.at(np.arange(start, end))
        found = np.flatnonzero(np.isin(_hashes(ids, size), wanted))
        if any(tuple(ids[place : place + size].tolist()) in spans for place in found):
            return True
    return False


def _hashes(ids: NDArray[np.int64], size: int) -> _Hashes:
    """A hash of each window of so many ids, by doubling: of 13 ids, from those of 8, 4 and 1."""
    if len(ids) < size:
        return np.empty(0, np.uint64)
    whole, known = np.zeros(len(ids) + 1, np.uint64), 0
    part, length = ids.astype(np.uint64) + np.uint64(1), 1
    while length <= size:
        if size & length:
            whole = _mixed(whole[: len(part) - known], part[known:], length)
            known += length
        part = _mixed(part[: len(part) - length], part[length:], length)
        length *= 2
    return whole[: len(ids) - size + 1]


def _mixed(first: _Hashes, second: _Hashes, length: int) -> _Hashes:
    mixed = (first[: len(second)] ^ (first[: len(second)] >> np.uint64(31))) * _FACTOR
    return mixed + second * np.uint64(2 * length + 1)
