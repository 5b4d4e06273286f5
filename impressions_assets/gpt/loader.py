"""Training batches from token shards.

Shards lie memory-mapped and are seen as one stream of tokens per split. An epoch goes once through
the stream, each token a target once, in windows of documents packed by best fit (`packing.py`) in
an order that only (seed, epoch) decides. The place in it is two numbers, which a checkpoint keeps:
a resumed training sees the windows it would have seen, also when the number of its ranks changed.

A document's first token follows the end-of-text token of the one before, which marks the boundary
as it does in generation. Attention may look across it, as nanoGPT's does: a mask for each window
would take it off SDPA's causal path.

Windows are read ahead, some 130,000 tokens at once and each run of a document as one slice; a batch
is a slice of them. 12 windows of 64 cost a 10th of what nanoGPT's get_batch does, 12 of 1024 a 4th.
Shapes: B windows in a batch, T tokens in a window.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.packing import Ids, packed, shuffled

IGNORED = -100  # torch's cross_entropy leaves out such a target
# One higher with each change that gives a position other windows: 1 came with packed documents.
ORDER = 1
_COUNTED_AT_ONCE = 1 << 24
_TOKENS_AHEAD = 1 << 17


class TokenStream:
    """Shards, one after the other, as one row of ids; without `document_ends`, one document."""

    def __init__(
        self,
        shards: Sequence[NDArray[np.unsignedinteger]],
        document_ends: Sequence[int] | Ids | None = None,
    ) -> None:
        self._shards = [np.asarray(shard) for shard in shards if len(shard)]
        self._ends = np.cumsum([len(shard) for shard in self._shards], dtype=np.int64)
        self.document_ends: Ids = np.array(
            self._ends[-1:] if document_ends is None else document_ends, dtype=np.int64
        )

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def at(self, positions: Ids) -> Ids:
        """The ids at these positions, in the same shape."""
        if len(self._shards) == 1:
            return self._shards[0][positions].astype(np.int64)
        ids = np.empty(positions.shape, dtype=np.int64)
        shard_of = np.searchsorted(self._ends, positions, side="right")
        for number in np.unique(shard_of):
            here, shard = shard_of == number, self._shards[number]
            ids[here] = shard[positions[here] - (self._ends[number] - len(shard))]
        return ids

    def read(self, begins: Ids, lengths: Ids, into: Ids) -> None:
        """Copy these stretches of the stream one after the other: no gather comes near a slice."""
        place, ends = 0, self._ends.tolist()
        for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
            at, end = begin, begin + length
            while at < end:
                number = bisect_right(ends, at)
                shard, stop = self._shards[number], min(end, ends[number])
                before = ends[number] - len(shard)
                into[place : place + stop - at] = shard[at - before : stop - before]
                place, at = place + stop - at, stop

    def windows(self, starts_B: Ids, length: int) -> tuple[Ids, Ids]:
        """Inputs and targets, each (B, length): the target of a token is the one after it."""
        ids = self.at(starts_B[:, None] + np.arange(length + 1))
        return ids[:, :-1], ids[:, 1:]

    def counts(self, vocab_size: int) -> Ids:
        """How often each id occurs."""
        counts = np.zeros(vocab_size, dtype=np.int64)
        for shard in self._shards:
            for start in range(0, len(shard), _COUNTED_AT_ONCE):
                some = np.bincount(shard[start : start + _COUNTED_AT_ONCE], minlength=vocab_size)
                if len(some) > vocab_size:
                    raise TrainingError(
                        f"the shards hold token {len(some) - 1}, but their manifest says that "
                        f"there are {vocab_size}: they were made by another tokenizer; make "
                        "the shards again"
                    )
                counts += some
        return counts


class Position(msgspec.Struct, frozen=True):
    """A place in the training data: so many windows into an epoch."""

    epoch: int = 0
    index: int = 0


class WindowLoader:
    """Shuffled windows of a stream, epoch after epoch, without end.

    A stream shorter than a window gives shorter windows; `length` tells how long they are. Of
    several ranks each has a loader: theirs move together, and each gives its part of a batch.
    """

    def __init__(
        self, stream: TokenStream, block_size: int, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        if len(stream) < 2:
            raise TrainingError(
                f"the training text has {len(stream)} tokens, and it takes two to predict one "
                "from the other: add videos with text to the channel"
            )
        self.length = min(block_size, len(stream))
        self.windows_per_epoch = math.ceil(len(stream) / self.length)
        self._stream, self._seed = stream, seed
        self._rank, self._world_size = rank, world_size
        self.position = Position()

    @property
    def position(self) -> Position:
        """Where the next batch begins, on all ranks; set it to go on from there."""
        return Position(self._epoch, self._index)

    @position.setter
    def position(self, position: Position) -> None:
        self._epoch, self._index = position.epoch, position.index
        random = np.random.default_rng([self._seed, position.epoch])
        pieces = packed(self._stream.document_ends, self.length, random)
        self._pieces = shuffled(pieces, self.length, random)
        self._ahead, self._ahead_from = (np.empty((0, self.length), np.int64),) * 2, 0

    def next_batch(self, batch_size: int) -> tuple[Ids, Ids]:
        """Of the next windows, so many for all ranks together, this one's part.

        Inputs and targets, (B, T) each. May reach into the next epoch. Beyond the end of an epoch
        a target is `IGNORED`.
        """
        start, end = (batch_size * r // self._world_size for r in (self._rank, self._rank + 1))
        self._skip(start)
        inputs, targets = zip(*self._read(end - start), strict=True)
        self._skip(batch_size - end)
        return _joined(inputs), _joined(targets)

    def num_targets(self, num_windows: int) -> int:
        """How many targets are in the next windows, of all ranks."""

        def before(window: int) -> int:
            epochs, index = divmod(window, self.windows_per_epoch)
            return epochs * len(self._stream) + index * self.length

        return before(self._index + num_windows) - before(self._index)

    def documents(self, num_windows: int) -> Ids:
        """The numbers, in the stream, of the documents in the next windows of this epoch."""
        end = min((self._index + num_windows) * self.length, len(self._stream))
        begins = self._pieces.runs(self._index * self.length, end).begins
        return np.unique(np.searchsorted(self._stream.document_ends, begins, side="right"))

    def _skip(self, num_windows: int) -> None:
        epochs, index = divmod(self._index + num_windows, self.windows_per_epoch)
        if epochs:
            self.position = Position(self._epoch + epochs, index)
        self._index = index

    def _read(self, num_windows: int) -> Iterator[tuple[Ids, Ids]]:
        while num_windows:
            here = min(num_windows, self.windows_per_epoch - self._index)
            yield self._windows(here)
            num_windows -= here
            self._skip(here)

    def _windows(self, num_windows: int) -> tuple[Ids, Ids]:
        first = self._index - self._ahead_from
        if first < 0 or first + num_windows > len(self._ahead[0]):
            most = max(num_windows, _TOKENS_AHEAD // self.length)
            self._ahead = self._gathered(min(most, self.windows_per_epoch - self._index))
            self._ahead_from, first = self._index, 0
        inputs, targets = self._ahead
        return inputs[first : first + num_windows], targets[first : first + num_windows]

    def _gathered(self, num_windows: int) -> tuple[Ids, Ids]:
        """Inputs are the targets one place on, but where a run begins: what is before it there."""
        start, end = self._index * self.length, len(self._stream)
        runs = self._pieces.runs(start, min(start + num_windows * self.length, end))
        num_tokens = int(runs.lengths.sum())
        targets = np.full(num_windows * self.length, IGNORED, dtype=np.int64)
        self._stream.read(runs.begins, runs.lengths, targets)
        inputs = np.zeros_like(targets)
        inputs[1:num_tokens] = targets[: num_tokens - 1]
        # Before the first document of the stream is the end of the last.
        inputs[runs.places] = self._stream.at((runs.begins - 1) % end)
        return inputs.reshape(num_windows, -1), targets.reshape(num_windows, -1)


def _joined(parts: Sequence[Ids]) -> Ids:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
