"""TextTiling (Hearst 1997): the baseline that a segmentation must beat.

Blocks of k token sequences are compared on both sides of each gap by the cosine of their word
counts; the scores are smoothed; a boundary lies where the valley is deeper than the mean depth less
half a standard deviation, at the nearest sentence. Parameters are the paper's: 20 tokens in a
sequence, 10 sequences in a block; words of closed classes are left out.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from statistics import mean, pstdev

from impressions_assets.text.sentences import Sentence

_SEQUENCE_TOKENS = 20
_BLOCK_SEQUENCES = 10
_CLOSED = frozenset(
    "a about after all also an and any are as at be because been but by can could did do does"  # noqa: SIM905
    " for from get had has have he her him his how i if in into is it its just like may me"
    " more most my no not of on one or other our out over she should so some such than that"
    " the their them then there these they this those to up us very was we were what when"
    " where which who why will with would you your".split()
)


def texttiling(sentences: Sequence[Sentence], number: int | None = None) -> list[float]:
    """The seconds at which the talk turns to another topic; the deepest `number` when given."""
    tokens, owners = [], []
    for place, sentence in enumerate(sentences):
        words = re.findall(r"\w+", sentence.text.casefold())
        tokens += words
        owners += [place] * len(words)
    sequences = [
        Counter(word for word in tokens[i : i + _SEQUENCE_TOKENS] if word not in _CLOSED)
        for i in range(0, len(tokens), _SEQUENCE_TOKENS)
    ]
    depths = _depths(_smoothed(_similarities(sequences)))
    if not depths:
        return []
    least = mean(depths) - pstdev(depths) / 2
    chosen: list[int] = []
    for gap in sorted(range(len(depths)), key=lambda gap: -depths[gap]):
        deep = depths[gap] > least if number is None else len(chosen) < number
        if deep and depths[gap] > 0 and all(abs(gap - one) > 3 for one in chosen):
            chosen.append(gap)
    places = [(gap + 1) * _SEQUENCE_TOKENS for gap in chosen]
    starts = {_nearest_start(owners, place) for place in places if place < len(owners)}
    return [
        sentences[start].start_seconds for start in sorted(starts) if 0 < start < len(sentences)
    ]


def _similarities(sequences: Sequence[Counter[str]]) -> list[float]:
    """The cosine at each gap, of the blocks on its two sides."""
    scores = []
    for gap in range(1, len(sequences)):
        size = min(_BLOCK_SEQUENCES, gap, len(sequences) - gap)
        left: Counter[str] = sum(sequences[gap - size : gap], Counter())
        right: Counter[str] = sum(sequences[gap : gap + size], Counter())
        norm = math.sqrt(sum(n * n for n in left.values()) * sum(n * n for n in right.values()))
        scores.append(sum(left[word] * right[word] for word in left) / norm if norm else 0.0)
    return scores


def _smoothed(scores: Sequence[float]) -> list[float]:
    return [mean(scores[max(0, i - 1) : i + 2]) for i in range(len(scores))]


def _depths(scores: Sequence[float]) -> list[float]:
    """How far the peaks on both sides rise above each gap that is a valley, else 0."""
    depths = []
    for gap, score in enumerate(scores):
        left = right = score
        for other in reversed(scores[:gap]):
            if other < left:
                break
            left = other
        for other in scores[gap + 1 :]:
            if other < right:
                break
            right = other
        depths.append(left + right - 2 * score)
    return depths


def _nearest_start(owners: Sequence[int], place: int) -> int:
    """The sentence whose beginning is nearest to that token."""
    number = owners[place]
    first = owners.index(number)
    after = owners.index(number + 1) if owners[-1] > number else len(owners)
    return number if place - first <= after - place else number + 1
