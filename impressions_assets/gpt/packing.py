"""The order of an epoch: which document follows which, so that few of them are cut.

Windows are cut from documents laid end to end, so no token is dropped and none is filler, except
in the last window. What an order decides is where the cuts fall. Best fit puts next the longest
document that still ends inside the window; only where none does is one cut, a long one first (Ding
et al. 2024, "Fewer Truncations Improve Language Modeling", which packs so, but pads).
Of 20,000 documents of 20 to 400 tokens, in windows of 512, 3% are cut, against 41% in any order; of
200 such documents, among which few fit, 27%.

An epoch begins in the middle of some document, and ends with that one's first part: a text of one
long document is cut at new places each time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class Pieces(NamedTuple):
    """Parts of a stream in the order of an epoch."""

    ends: Ids  # of each, in the epoch
    shifts: Ids  # from a place in the epoch to the place in the stream

    def runs(self, start: int, stop: int) -> "Runs":
        """These places of the epoch as runs of the stream."""
        first, last = np.searchsorted(self.ends, [start, stop - 1], side="right")
        ends = np.minimum(self.ends[first : last + 1], stop)
        begins = np.append(start, ends[:-1])
        return Runs(begins + self.shifts[first : last + 1], ends - begins, begins - start)


class Runs(NamedTuple):
    """Stretches of the stream, which stand one after the other."""

    begins: Ids  # of each, in the stream
    lengths: Ids
    places: Ids  # of each, behind those before it


def packed(document_ends: Ids, window: int, random: np.random.Generator) -> Pieces:
    """Order the documents that end there in the stream for windows of so many tokens."""
    starts = np.concatenate([[0], document_ends[:-1]])
    cut = int(random.integers(document_ends[-1]))
    opened = int(np.searchsorted(document_ends, cut, side="right"))
    lengths = document_ends - starts
    filled = int(document_ends[opened]) - cut
    others = random.permutation(len(starts))
    order = _best_fit(lengths, others[others != opened], window, window - filled % window)
    starts = np.concatenate([[cut], starts[order], [starts[opened]]])
    lengths = np.concatenate([[filled], lengths[order], [cut - starts[-1]]])
    return _pieces(starts, lengths)


def shuffled(pieces: Pieces, window: int, random: np.random.Generator) -> Pieces:
    """The windows in another order; one with room left stays at the end."""
    num_tokens = int(pieces.ends[-1])
    ends = np.union1d(pieces.ends, np.arange(window, num_tokens, window))
    begins = np.concatenate([[0], ends[:-1]])
    starts = begins + pieces.shifts[np.searchsorted(pieces.ends, begins, side="right")]
    place_of = np.append(random.permutation(num_tokens // window), num_tokens // window)
    order = np.argsort(place_of[begins // window], kind="stable")
    return _pieces(starts[order], (ends - begins)[order])


def _pieces(starts: Ids, lengths: Ids) -> Pieces:
    ends = np.cumsum(lengths)
    return Pieces(ends, starts - (ends - lengths))


def _best_fit(lengths: Ids, documents: Ids, window: int, space: int) -> Ids:
    """These documents in the order in which they fill windows; `space` is left in the first."""
    shelves: list[list[int]] = [[] for _ in range(window + 2)]  # by length; the last: too long
    for document, length in zip(documents.tolist(), lengths[documents].tolist(), strict=True):
        shelves[min(length, window + 1)].append(document)
    stocked = sum(1 << length for length, shelf in enumerate(shelves) if shelf)  # a bit for each
    order = []
    while stocked:
        fitting = stocked & ((2 << space) - 1)
        length = (fitting or stocked).bit_length() - 1
        order.append(shelves[length].pop())
        if not shelves[length]:
            stocked ^= 1 << length
        space = window - (window - space + int(lengths[order[-1]])) % window
    return np.array(order, dtype=np.int64)
