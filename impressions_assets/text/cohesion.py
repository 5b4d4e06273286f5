"""Lexical cohesion: where a talk turns to other words.

The words of a span come from a distribution of its own, drawn around that of the whole talk; the
segmentation that makes the talk most probable is found by dynamic programming, as in Utiyama and
Isahara (2001) and Eisenstein and Barzilay (2008). Notable choices:

- the talk's own distribution is the prior, so no list of stop words in any language is needed;
- a word counts once a sentence; a stem is a word's first letters, or a pair of unspaced characters;
- the length of a span in seconds has a prior, which stands in for the number of spans;
- a talk has topics when its order tells: the same sentences shuffled must cohere less;
- what a sentence gains from an earlier one is the same in every span that holds both. So the
  scores of all spans are running sums of a band of sentence pairs, and time is linear.
"""

import math
import random
import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_UNSPACED = re.compile(r"[\u0e00-\u0fff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_STEM_LENGTH = 6
_SHORTEST_STEM = 3

# Chosen on half of the Crash Course videos (docs/segmentation.md); the neighbours score alike.
_CONCENTRATION = 500.0  # words: how near a span's distribution is to the talk's
_COMMON = 0.2  # a word in more than this share of the sentences tells of no topic
_EVIDENCE = 0.2  # words of a talk depend on each other, so their log-odds count less
_PAUSE = 0.5  # for each standard deviation of a pause before a span
_SPREAD_BELOW = 0.5  # of the logarithm of a span's length: short spans are rarer
_SPREAD_ABOVE = 1.2
_LONGEST = 6.0  # times the typical length
_SHUFFLES = 2

Floats = NDArray[np.float64]


def stems_of(text: str) -> set[str]:
    """The stems of a sentence's words."""
    stems: set[str] = set()
    for word in _WORD.findall(text.casefold()):
        if _UNSPACED.search(word):
            stems.update(word[i : i + 2] for i in range(len(word) - 1))
        elif len(word) >= _SHORTEST_STEM:
            stems.add(word[:_STEM_LENGTH])
    return stems


def most_cohesive(
    texts: Sequence[str], times: Sequence[float], pauses: Sequence[float], typical_seconds: float
) -> list[int]:
    """The numbers of the sentences that begin a span: 0 alone when the talk keeps to its words.

    Args:
        texts: the sentences, at least one.
        times: the second at which each begins, not falling, and that at which the last one ends.
        pauses: the seconds of silence before each.
        typical_seconds: the length of a span that is most likely beforehand.
    """
    marks = np.array(times, dtype=np.float64)
    reach = np.searchsorted(marks, marks + _LONGEST * typical_seconds) - np.arange(len(marks))
    width, marks = max(1, int(reach.max())), marks / typical_seconds
    stems = [stems_of(text) for text in texts]
    opening = _PAUSE * _standing_out(np.array(pauses))
    found, score = _best(*_recurrences(stems, width), opening, marks)
    least = score - float(opening[found].sum())
    for seed in range(_SHUFFLES):
        shuffled = random.Random(seed).sample(stems, len(stems))  # noqa: S311
        _, other = _best(*_recurrences(shuffled, width), np.zeros(len(stems)), marks)
        if other >= least:
            return [0]
    return found


def _recurrences(stems: Sequence[set[str]], width: int) -> tuple[Floats, Floats]:
    """`band[t, d]`: what sentence t gains when its span holds sentence t - d too; stems in each."""
    places: dict[str, list[int]] = defaultdict(list)
    for number, sentence in enumerate(stems):
        for stem in sorted(sentence):
            places[stem].append(number)
    most = max(2.0, _COMMON * len(stems))
    telling = [np.array(found) for found in places.values() if len(found) <= most]
    band, num_stems = np.zeros((len(stems), width)), np.zeros(len(stems))
    for found in telling:
        num_stems[found] += 1
    total = max(1.0, float(num_stems.sum()))
    for found in telling:
        prior = _CONCENTRATION * len(found) / total
        for rank in range(1, len(found)):
            distance = found[rank:] - found[:-rank]
            near = distance < width
            if not near.any():
                break
            gain = math.log((prior + rank) / (prior + rank - 1))
            band[found[rank:][near], distance[near]] += gain
    return band, num_stems


def _standing_out(pauses: Floats) -> Floats:
    """How far each pause is above the mean, in standard deviations, at most 3; 0 where all are."""
    spread = float(pauses.std())
    if spread < 0.05:
        return np.zeros(len(pauses))
    above: Floats = (pauses - pauses.mean()) / spread
    return np.clip(above, 0.0, 3.0)


def _best(
    band: Floats, num_stems: Floats, opening: Floats, marks: Floats
) -> tuple[list[int], float]:
    """The best starts and their score, span by span; `marks` count typical lengths."""
    size, width = band.shape
    gains = np.cumsum(band, axis=1)
    words = np.concatenate([[0.0], np.cumsum(num_stems)]).astype(int)
    expected = np.concatenate([[0.0], np.log1p(np.arange(words[-1]) / _CONCENTRATION).cumsum()])
    score, back = np.zeros(size + 1), np.zeros(size + 1, dtype=int)
    recurring = np.zeros(size)  # of the span from each sentence to the current one
    for last in range(size):
        first = max(0, last + 1 - width)
        starts = slice(first, last + 1)
        recurring[starts] += gains[last, : last + 1 - first][::-1]
        cohesion = recurring[starts] - expected[words[last + 1] - words[starts]]
        length = _length_prior(marks[last + 1] - marks[starts])
        totals = score[starts] + _EVIDENCE * cohesion + length + opening[starts]
        best = int(np.argmax(totals))
        score[last + 1], back[last + 1] = totals[best], first + best
    bounds = [size]
    while bounds[-1]:
        bounds.append(int(back[bounds[-1]]))
    return bounds[:0:-1], float(score[size])


def _length_prior(lengths: Floats) -> Floats:
    """The logarithm of a span's probability by its length, the most likely one being 1."""
    ratio: Floats = np.log(np.maximum(lengths, 1e-3))
    prior: Floats = -0.5 * (ratio / np.where(ratio < 0, _SPREAD_BELOW, _SPREAD_ABOVE)) ** 2
    return prior
