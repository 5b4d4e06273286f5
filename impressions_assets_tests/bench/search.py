"""What searching a channel costs: the first time, when the index is there, and a question.

python -m impressions_assets_tests.bench.search --videos 1000 --words 5000

By meaning, vectors are as wide as all-mpnet-base-v2's and drawn at random: what it takes to make
them, and that of a question, depends on the model alone (docs/search.md).
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from impressions_assets.answering.search import open_search
from impressions_assets.chat.index import Index
from impressions_assets.rows import Document, Video
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.bench.archive import video_id, words_of
from impressions_assets_tests.bench.meter import Meter

_PARAGRAPH = 75  # words
_QUESTIONS = 20
_WIDTH = 768


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the costs; what they wrote goes when they are done."""
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.search")
    parser.add_argument("--videos", type=int, default=1000, help="videos of the channel")
    parser.add_argument("--words", type=int, default=5000, help="words of each video")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as folder:
        home, scratch = Home(f"{folder}/storage"), Path(folder, "scratch")
        _fill(home, chosen.videos, chosen.words)
        for name in ("opened the first time", "opened again"):
            meter = Meter()
            search = open_search(home, "bench", scratch)
            cost = meter.read()
            print(f"{name}: {cost.cpu_seconds:.2f} CPU-seconds, {cost.peak_mb:.0f} MB")
        _show_size(scratch, search.index)
        for name, ask in (("found", search.index.search), ("shown", search.sources)):
            _show_question(name, ask)
        kept = Path(folder, "meaning")
        Index.build(home.table("documents").rows("bench"), {}, _Drawn()).save(kept)
        index = Index.load(kept, _Drawn())
        _show_size(kept, index)
        _show_question("found by meaning", index.search)


class _Drawn:
    """Vectors at random."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def __call__(self, text: str) -> np.ndarray:
        return self.kept([text])[0]

    def kept(self, texts: Sequence[str]) -> np.ndarray:
        made = self._random.standard_normal((len(texts), _WIDTH), np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)


def _show_size(folder: Path, index: Index) -> None:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"index: {size / 1e6:.0f} MB, {index.num_passages:,} passages")


def _show_question(name: str, ask: Callable[[str], object]) -> None:
    meter = Meter()
    for number in range(_QUESTIONS):
        ask(" ".join(words_of(number, 8)))
    seconds = meter.read().cpu_seconds / _QUESTIONS
    print(f"a question {name}: {seconds * 1000:.1f} ms of CPU")


def _fill(home: Home, num_videos: int, num_words: int) -> None:
    for first in range(0, num_videos, 100):
        numbers = range(first, min(first + 100, num_videos))
        texts = {video_id(number): words_of(number, num_words) for number in numbers}
        home.table("videos").put(
            "bench", [Entry(Video(video_id=name, source="archive")) for name in texts]
        )
        home.table("documents").put(
            "bench", [Entry(_document(name, words)) for name, words in texts.items()]
        )


def _document(name: str, words: Sequence[str]) -> Document:
    starts = range(0, len(words), _PARAGRAPH)
    paragraphs = [" ".join(words[start : start + _PARAGRAPH]) + "." for start in starts]
    offsets = [0]
    for paragraph in paragraphs[:-1]:
        offsets.append(offsets[-1] + len(paragraph) + 2)
    return Document(
        video_id=name,
        text="\n\n".join(paragraphs),
        split="train",
        language="en",
        anchor_offsets=tuple(offsets),
        anchor_seconds=tuple(30.0 * number for number in range(len(offsets))),
    )


if __name__ == "__main__":
    main()
