"""What example questions teach: how much each of their words and pairs of words tells.

A ridge-penalized logistic regression corrects what the figures of a question say (`guard`), so that
few examples change little and many a lot. It is solved over the examples, of which there are fewer
than words, by Newton's method: about a second for a thousand.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

Analyze = Callable[[str], list[str]]
_LEAST = 2  # examples that a word must stand in
_SCALE, _PENALTY = 3.0, 0.5  # tuned by cross-validation (docs/guard.md)
_STEPS, _SETTLED = 12, 1e-3


class Lessons:
    """Weights of words; a question's are summed up."""

    def __init__(
        self, analyze: Analyze, asked: Sequence[str], said: Sequence[float], belong: Sequence[bool]
    ) -> None:
        """Learn from the examples `asked`, of which figures have `said` so much (in log odds)."""
        self._analyze = analyze
        found = [self._terms(one) for one in asked]
        often = Counter(term for terms in found for term in terms)
        self._rarity = {
            term: math.log(1 + len(asked) / number)
            for term, number in often.items()
            if number >= _LEAST
        }
        place = {term: at for at, term in enumerate(sorted(self._rarity))}
        rows = np.zeros((len(asked), len(place)))  # examples by words
        for row, terms in zip(rows, found, strict=True):
            for term, share in self._shares(terms).items():
                row[place[term]] = share
        weights = rows.T @ _solved(rows @ rows.T, np.array(said), np.array(belong, float))
        self._weights = {term: float(weights[at]) for term, at in place.items()}

    def __call__(self, question: str) -> float:
        """How much its words tell for a question, in log odds; below 0 it is against it."""
        shares = self._shares(self._terms(question))
        return sum(self._weights[term] * share for term, share in shares.items())

    def _terms(self, question: str) -> list[str]:
        words = self._analyze(question)
        pairs = (f"{one} {two}" for one, two in pairwise(["<", *words, ">"]))
        return list(dict.fromkeys([*words, *pairs]))

    def _shares(self, terms: Sequence[str]) -> dict[str, float]:
        rare = {term: self._rarity[term] for term in terms if term in self._rarity}
        length = math.hypot(*rare.values()) or 1.0
        return {term: _SCALE * one / length for term, one in rare.items()}


def _solved(likeness: np.ndarray, said: np.ndarray, belong: np.ndarray) -> np.ndarray:
    """Each example's share in the weights, by iteratively reweighted least squares in the dual."""
    shares = np.zeros(len(said))
    for _ in range(_STEPS):
        odds = likeness @ shares
        p = 1 / (1 + np.exp(-np.clip(odds + said, -30, 30)))
        spread = np.maximum(p * (1 - p), 1e-4)
        wanted = odds + (belong - p) / spread
        new: np.ndarray = np.linalg.solve(likeness + np.diag(_PENALTY / spread), wanted)
        if np.abs(new - shares).max(initial=0.0) < _SETTLED:
            return new
        shares = new
    return shares
