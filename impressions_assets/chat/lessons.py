"""What example questions teach: how much each of their words and pairs of words tells.

A ridge-penalized logistic regression corrects what the figures of a question say (`guard`), so that
few examples change little and many a lot. Beside words, as they are written and stemmed, it learns
what classes of words tell (names of other languages, of libraries, …), so that a name that no
example holds tells as much as others of its class, and, where an `encoder` made any, what the
numbers of a question's vector tell. SciPy's L-BFGS solves it in a second or two.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, combinations, pairwise

import numpy as np

from impressions_assets.chat.words import raw_words
from impressions_assets.errors import ConfigError

Analyze = Callable[[str], list[str]]
_LEAST = 2  # examples that a word must stand in
_SCALE, _PENALTY = 3.0, 1.0  # of terms and vectors; tuned by cross-validation (docs/guard.md)
_STEPS = 100
NO_VECTOR = np.zeros(0)


class Lessons:
    """Weights of words, classes, figures and vectors; those of a question are summed up."""

    def __init__(
        self,
        analyze: Analyze,
        examples: Sequence[tuple[str, Sequence[float], float, bool]],
        classes: Mapping[str, Iterable[str]] | None = None,
        vectors: np.ndarray | None = None,
    ) -> None:
        """Learn from examples: a question, its figures, what those say, whether it belongs.

        Args:
            analyze: what stems words.
            examples: what figures say is in log odds.
            classes: words by the name of their class.
            vectors: of the examples, example × width.

        Raises:
            ConfigError: scipy is missing.
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
        if vectors is None:
            vectors = np.zeros((len(asked), 0))
        self._weights, self._of_vector = _solved(rows, _SCALE * vectors, said, belong)

    def __call__(
        self, question: str, figures: Sequence[float], vector: np.ndarray = NO_VECTOR
    ) -> float:
        """How much more than its figures say speaks for a question, in log odds."""
        row = self._columns(question, self._terms(question), figures)
        told = sum(self._weights.get(name, 0.0) * share for name, share in row.items())
        return told + _SCALE * float(self._of_vector @ vector)

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


def _solved(
    rows: Sequence[Mapping[str, float]],
    vectors: np.ndarray,
    said: Sequence[float],
    belong: Sequence[bool],
) -> tuple[dict[str, float], np.ndarray]:
    """The weights, by name and of vectors, that say with what was said best what belongs."""
    try:
        from scipy.optimize import minimize
        from scipy.sparse import csr_array
        from scipy.special import expit
    except ImportError as error:
        raise ConfigError(
            "a scope learns from example questions with scipy, which cannot be imported"
            f" ({error}): pip install 'impressions-assets[chat]'"
        ) from error
    place = {name: at for at, name in enumerate(sorted({name for row in rows for name in row}))}
    columns = [place[name] for row in rows for name in row]
    shares = [share for row in rows for share in row.values()]
    starts = [0, *accumulate(map(len, rows))]
    named = csr_array((shares, columns, starts), shape=(len(rows), len(place)))
    before, wanted, num_named = np.array(said), np.array(belong, float), len(place)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = named @ weights[:num_named] + vectors @ weights[num_named:] + before
        spared = np.logaddexp(0, odds) - wanted * odds
        wrong = expit(odds) - wanted
        slope = np.concatenate([named.T @ wrong, vectors.T @ wrong]) + _PENALTY * weights
        return float(spared.sum() + _PENALTY / 2 * (weights @ weights)), slope

    start = np.zeros(num_named + vectors.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return dict(zip(place, found[:num_named].tolist(), strict=True)), found[num_named:]
