"""What example questions teach: how much each of their words and pairs of words tells.

A ridge-penalized logistic regression corrects what the figures of a question say (`guard`), so that
few examples change little and many a lot. Beside words, as they are written and stemmed, it learns
what classes of words tell (names of other languages, of libraries, …), so that a name that no
example holds tells as much as others of its class. Few of the words stand in an example: it is
solved by Newton's method with conjugate gradients, which multiply what is not zero alone. Some
thousand examples take half a second.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, pairwise

import numpy as np

from impressions_assets.chat.words import raw_words

Analyze = Callable[[str], list[str]]
_LEAST = 2  # examples that a word must stand in
_SCALE, _PENALTY = 3.0, 1.0  # tuned by cross-validation (docs/guard.md)
_STEPS, _INNER, _SETTLED = 20, 60, 1e-3


class Lessons:
    """Weights of words, classes and figures; those of a question are summed up."""

    def __init__(
        self,
        analyze: Analyze,
        examples: Sequence[tuple[str, Sequence[float], float, bool]],
        classes: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Learn from examples: a question, its figures, what those say, whether it belongs.

        Args:
            analyze: what stems words.
            examples: what figures say is in log odds.
            classes: words by the name of their class.
        """
        self._analyze = analyze
        self._classes: dict[str, str] = {}
        for name, words in (classes or {}).items():
            self._classes.update(dict.fromkeys(words, name))
        asked, figures, said, belong = zip(*examples, strict=True)
        terms = [self._terms(one) for one in asked]
        often = Counter(term for found in terms for term in found)
        known = sorted(term for term, number in often.items() if number >= _LEAST)
        self._rarity = {term: math.log(1 + len(asked) / often[term]) for term in known}
        self._spread = [spread or 1.0 for spread in np.std(figures, axis=0).tolist()]
        rows = [self._columns(*found) for found in zip(asked, terms, figures, strict=True)]
        place = {name: at for at, name in enumerate(sorted({one for row in rows for one in row}))}
        weights = _solved(
            _Rows(
                [{place[name]: share for name, share in row.items()} for row in rows], len(place)
            ),
            np.array(said),
            np.array(belong, float),
        )
        self._weights = {name: float(weights[at]) for name, at in place.items()}

    def __call__(self, question: str, figures: Sequence[float]) -> float:
        """How much more than its figures say speaks for a question, in log odds."""
        row = self._columns(question, self._terms(question), figures)
        return sum(self._weights.get(name, 0.0) * share for name, share in row.items())

    def _columns(
        self, question: str, terms: Sequence[str], figures: Sequence[float]
    ) -> dict[str, float]:
        """Names of what is weighed, never none, and how much of it there is."""
        rare = {term: self._rarity[term] for term in terms if term in self._rarity}
        length = math.hypot(*rare.values()) or 1.0
        row = {term: _SCALE * one / length for term, one in rare.items()}
        row.update(dict.fromkeys(self._kinds(question), 1.0))
        spread = zip(figures, self._spread, strict=True)
        row.update({f"#{at}": figure / wide for at, (figure, wide) in enumerate(spread)})
        row["#"] = 1.0
        return row

    def _terms(self, question: str) -> list[str]:
        """Words, as they are stemmed and written, and pairs of neighbours: of stems, of classes."""
        stems, raw = self._analyze(question), list(raw_words(question))
        kinds = [
            f"@{self._classes[word]}" if word in self._classes else stem
            for word, stem in zip(raw, stems, strict=True)
        ]
        return list(
            dict.fromkeys([*stems, *(f"={word}" for word in raw), *_pairs(stems), *_pairs(kinds)])
        )

    def _kinds(self, question: str) -> Iterator[str]:
        """The classes of its words, which stand twice, and which beside which."""
        often = Counter(
            self._classes[word] for word in raw_words(question) if word in self._classes
        )
        yield from (f"@{name}" for name in often)
        yield from (f"@@{name}" for name, number in often.items() if number > 1)
        yield from (f"@{one}&{other}" for one, other in combinations(sorted(often), 2))


def _pairs(words: Sequence[str]) -> Iterator[str]:
    return (f"{one} {two}" for one, two in pairwise(["<", *words, ">"]))


class _Rows:
    """A matrix of which few numbers are not zero; no row is empty."""

    def __init__(self, rows: Sequence[Mapping[int, float]], width: int) -> None:
        self._width = width
        self._lengths = np.array([len(row) for row in rows])
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._columns = np.array([at for row in rows for at in row])
        self._shares = np.array([share for row in rows for share in row.values()])

    def times(self, weights: np.ndarray) -> np.ndarray:
        """A number for each row."""
        found: np.ndarray = np.add.reduceat(self._shares * weights[self._columns], self._starts)
        return found

    def turned(self, numbers: np.ndarray) -> np.ndarray:
        """A number for each column, from one for each row."""
        spread = self._shares * np.repeat(numbers, self._lengths)
        return np.bincount(self._columns, spread, self._width)


def _solved(rows: _Rows, said: np.ndarray, belong: np.ndarray) -> np.ndarray:
    """The weights that say with what was said best what belongs, by Newton's method."""

    def loss(weights: np.ndarray) -> float:
        odds = rows.times(weights) + said
        spared = np.logaddexp(0, odds) - belong * odds
        return float(spared.sum() + _PENALTY / 2 * (weights @ weights))

    weights = np.zeros_like(rows.turned(said))
    before = loss(weights)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(rows.times(weights) + said, -30, 30)))
        bent = p * (1 - p)
        slope = rows.turned(p - belong) + _PENALTY * weights
        step = _conjugate(partial(_curved, rows, bent), slope)
        while (now := loss(weights - step)) > before and np.abs(step).max() > _SETTLED:
            step /= 2  # from far away a whole step may go too far
        if before - now < _SETTLED:
            break
        weights, before = weights - step, now
    return weights


def _curved(rows: _Rows, bent: np.ndarray, way: np.ndarray) -> np.ndarray:
    """How the slope changes along a way."""
    return rows.turned(bent * rows.times(way)) + _PENALTY * way


def _conjugate(times: Callable[[np.ndarray], np.ndarray], wanted: np.ndarray) -> np.ndarray:
    """Solve by conjugate gradients."""
    found = np.zeros_like(wanted)
    left, way = wanted.copy(), wanted.copy()
    size = left @ left
    enough = 1e-6 * size
    for _ in range(_INNER):
        if size <= enough:
            break
        turned = times(way)
        far = size / (way @ turned)
        found += far * way
        left -= far * turned
        size, before = left @ left, size
        way = left + size / before * way
    return found
