"""Tokens against others: tiktoken, a plain script from captions to shards, nanoGPT's batches.

`python -m impressions_assets_tests.bench.tokens` prints these rows alone. Each is the median of
five tries, in CPU-seconds of one process, ours and theirs in turn.
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from impressions_assets.gpt.loader import TokenStream, WindowLoader
from impressions_assets.gpt.tokenizer import load_tokenizer, train_tokenizer
from impressions_assets_tests.bench.archive import words_of
from impressions_assets_tests.bench.ratios import Ratio

_TRIES = 5
_TEXTS, _WORDS = 400, 10_000
_BATCHES = 300


def tokens_ratios() -> list[Ratio]:
    """Measure all rows; what they write goes when they are done."""
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as folder:
        return [tokenizing(Path(folder)), loading(Path(folder))]


def tokenizing(folder: Path, num_texts: int = _TEXTS) -> Ratio:
    """Encode a corpus with our own vocabulary, opened anew each time, as tiktoken does."""
    texts = [" ".join(words_of(number, _WORDS)) for number in range(num_texts)]
    train_tokenizer(texts[:40]).save(folder / "tokenizer")
    engines = set()

    def ours() -> list[np.ndarray]:
        tokenizer = load_tokenizer(folder / "tokenizer")
        ids = [tokenizer.encode_array(text) for text in texts]
        engines.add(tokenizer._encoder.engine)
        return ids

    def theirs() -> list[list[int]]:
        encoding = load_tokenizer(folder / "tokenizer")._encoder._slow
        return encoding.encode_ordinary_batch(texts, num_threads=1)

    assert all(np.array_equal(a, b) for a, b in zip(ours(), theirs(), strict=True))
    megabytes = sum(map(len, texts)) / 1e6
    note = f"{megabytes:.0f} MB of made-up talk, cold, by {' and '.join(engines)}; identical ids"
    return Ratio("tokenizing", "tiktoken", 5, _ratio(ours, theirs), note)


def loading(folder: Path, batch_size: int = 12, block_size: int = 64) -> Ratio:
    """Random batches of one file, as nanoGPT's get_batch and as ours."""
    random = np.random.default_rng(0)
    path = folder / "train.bin"
    random.integers(0, 50257, 1_000_000).astype(np.uint16).tofile(path)
    ends = np.cumsum(random.integers(200, 3000, 1000))
    ends = np.append(ends[ends < 1_000_000], 1_000_000)
    tokens = np.memmap(path, dtype=np.uint16, mode="r")
    loader = WindowLoader(TokenStream([tokens], ends), block_size, seed=0)

    def ours() -> None:
        for _ in range(_BATCHES):
            loader.next_batch(batch_size)

    def theirs() -> None:
        for _ in range(_BATCHES):
            _get_batch(path, batch_size, block_size, random)

    note = f"{batch_size} windows of {block_size}, shuffled, in documents; each token once an epoch"
    against = "memmap opened for each batch, row by row"
    return Ratio("batch loading", against, 8, _ratio(ours, theirs), note)


def _get_batch(
    path: Path, batch_size: int, block_size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Do as nanoGPT's train.py does, without torch's part of it."""
    data = np.memmap(path, dtype=np.uint16, mode="r")
    starts = random.integers(len(data) - block_size, size=batch_size)
    x = np.stack([data[i : i + block_size].astype(np.int64) for i in starts])
    y = np.stack([data[i + 1 : i + 1 + block_size].astype(np.int64) for i in starts])
    return x, y


def _ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """How many times the CPU-seconds of ours theirs takes, in the median of five tries each."""
    spent: dict[Callable[[], object], list[float]] = {ours: [], theirs: []}
    for _ in range(_TRIES):
        for work, seconds in spent.items():
            gc.collect()  # what others left is not theirs to clear away
            begin = time.process_time()
            work()
            seconds.append(time.process_time() - begin)
    return statistics.median(spent[theirs]) / statistics.median(spent[ours])


def _main() -> None:
    for row in tokens_ratios():
        sign = "holds" if row.holds else "MISSED"
        print(f"{row.what} / {row.against}: {row.found:.1f}x of {row.at_least}x, {row.note} {sign}")


if __name__ == "__main__":
    _main()
