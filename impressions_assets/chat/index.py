"""The passages of a channel that match some words, best first: BM25, and meaning with an encoder.

Notable choices, measured in docs/search.md:
- bm25s keeps what each word scores in each passage as a sparse matrix, so that a search adds up a
  few columns: 1 ms among 42,000 passages. SQLite's FTS5 took 90, rank-bm25 140.
- A passage is also found by what is written about it: the questions that it answers and the titles
  of its chapters. Listeners ask in other words than speakers answer.
- With a sentence encoder every passage is compared with the question, exactly: 34,000 take 19 ms.
  Both scores are brought to 0 to 1 by the least that they can be and the most that a passage has,
  and added (Bruch et al. 2023, "An Analysis of Fusion Functions for Hybrid Retrieval",
  https://arxiv.org/abs/2210.11934: TM2C2, with the weight that they give, so that none is chosen
  on the questions that it is measured by).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import bm25s
import numpy as np
import pyarrow as pa

from impressions_assets.chat.passages import Passage, passages_of
from impressions_assets.chat.words import analyzer_of, primary_language, raw_words
from impressions_assets.rows import Chapters, Document, QAPairs

VERSION = 1  # raise it when the same rows must be indexed anew
_K1, _B = 1.2, 0.75
_MEANING = 0.8  # of the score with an encoder; the words have the rest
_PASSAGES, _LANGUAGES, _VECTORS = "passages.arrow", b"languages", "vectors.npy"


class TextEncoder(Protocol):
    """Tells what texts mean, as vectors of length 1 whose products tell how near they are."""

    def __call__(self, text: str) -> np.ndarray:
        """The vector of a question."""

    def kept(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of passages, text × width."""


class Label(NamedTuple):
    """What is written about a span of a talk."""

    start_seconds: float
    end_seconds: float
    text: str


class Hit(NamedTuple):
    """A passage of a video that matches, and how well."""

    video_id: str
    passage: Passage
    score: float


def labels_of(chapters: Chapters | None, pairs: QAPairs | None) -> list[Label]:
    """The titles of listed chapters, and the questions that a span answers."""
    listed = chapters.listed if chapters else ()
    ends = [*(chapter.start_seconds for chapter in listed[1:]), float("inf")]
    titled = [Label(c.start_seconds, end, c.title) for c, end in zip(listed, ends, strict=False)]
    asked = [
        Label(pair.start_seconds, pair.end_seconds, pair.question)
        for pair in (pairs.pairs if pairs else ())
        if pair.review != "rejected"
    ]
    return titled + asked


class Index:
    """A channel's passages by their words, and with an encoder by what they mean."""

    def __init__(
        self,
        bm25: Any,
        passages: pa.Table,
        languages: Sequence[str],
        encoder: TextEncoder | None = None,
        vectors: np.ndarray | None = None,
    ) -> None:
        """Hold what `build` made or `load` read; vectors are passage × width."""
        self._bm25, self._passages, self._languages = bm25, passages, tuple(languages)
        self._encoder, self._vectors = encoder, vectors

    @classmethod
    def build(
        cls,
        documents: Iterable[Document],
        labels: Mapping[str, Sequence[Label]],
        encoder: TextEncoder | None = None,
    ) -> Self:
        """Index what documents say, and what is written about them, by their videos' ids."""
        vocabulary: dict[str, int] = {}
        words: list[list[int]] = []
        rows: list[tuple[Any, ...]] = []
        languages = set()
        for document in documents:
            languages.add(primary_language(document.language))
            analyze = analyzer_of(document.language)
            for passage in passages_of(document):
                about = _about(passage, labels.get(document.video_id, ()))
                found = analyze("\n".join([passage.text, *about]))
                words.append([vocabulary.setdefault(word, len(vocabulary)) for word in found])
                rows.append((document.video_id, *passage))
        bm25 = bm25s.BM25(k1=_K1, b=_B)
        if words:
            bm25.index((words, vocabulary), show_progress=False)
        table = _table(rows)
        texts = table["text"].to_pylist() if encoder else []
        vectors = encoder.kept(texts) if encoder and texts else None
        return cls(bm25, table, sorted(languages), encoder, vectors)

    @classmethod
    def load(cls, folder: Path, encoder: TextEncoder | None = None) -> Self:
        """Open what `save` wrote; it stays on disk until a search reads some of it.

        Args:
            folder: that was given to `save`.
            encoder: the one that it was built with.
        """
        passages = pa.ipc.open_file(pa.memory_map(str(folder / _PASSAGES))).read_all()
        languages = passages.schema.metadata[_LANGUAGES].decode().split()
        if not passages.num_rows:
            return cls(bm25s.BM25(), passages, languages)
        bm25 = bm25s.BM25.load(str(folder), mmap=True)
        vectors = np.load(folder / _VECTORS, mmap_mode="r") if encoder else None
        return cls(bm25, passages, languages, encoder, vectors)

    def save(self, folder: Path) -> None:
        """Write into a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.num_passages:
            self._bm25.save(str(folder), show_progress=False)
        if self._vectors is not None:
            np.save(folder / _VECTORS, self._vectors)
        named = self._passages.replace_schema_metadata({_LANGUAGES: " ".join(self._languages)})
        path = str(folder / _PASSAGES)
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, named.schema) as writer:
            writer.write_table(named)

    @property
    def num_passages(self) -> int:
        """How many passages there are."""
        return int(self._passages.num_rows)

    def search(self, words: str, most: int = 5) -> list[Hit]:
        """The passages that match best, best first.

        Without an encoder none that holds none of the words, and the score is BM25's; with one it
        is at most 1, and as many passages are found as are wanted.
        """
        most = min(most, self.num_passages)
        if most <= 0:
            return []
        if self._vectors is not None:
            return self._by_both(words, most, self._vectors)
        asked = list(self.weights(words))
        if not asked:
            return []
        numbers, scores = self._bm25.retrieve([asked], k=most, show_progress=False)
        hits = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
        return [self._hit(number, score) for number, score in hits if score > 0]

    def _by_both(self, words: str, most: int, vectors: np.ndarray) -> list[Hit]:
        assert self._encoder is not None, "vectors without what made them"
        if not any(raw_words(words)):
            return []
        near = vectors @ self._encoder(words) + 1  # the least that a cosine can be is -1
        scores = _MEANING * near / near.max()
        if asked := list(self.weights(words)):
            told = self._bm25.get_scores(asked)
            scores += (1 - _MEANING) * told / told.max()
        best = np.argsort(-scores, kind="stable")[:most]
        return [self._hit(number, float(scores[number])) for number in best.tolist()]

    def weights(self, text: str) -> dict[str, float]:
        """The words of a text that the index knows, and how much each tells: the rare ones most."""
        num_passages = self.num_passages
        vocabulary = self._bm25.vocab_dict if num_passages else {}
        stems = {word for code in self._languages for word in analyzer_of(code)(text)}
        found = {}
        for word in sorted(stems & vocabulary.keys()):
            first, end = self._bm25.scores["indptr"][vocabulary[word] :][:2]
            holds = int(end - first)
            found[word] = math.log(1 + (num_passages - holds + 0.5) / (holds + 0.5))
        return found

    def _hit(self, number: int, score: float) -> Hit:
        row = self._passages.slice(number, 1).to_pylist()[0]
        return Hit(row.pop("video_id"), Passage(**row), score)


def _about(passage: Passage, labels: Sequence[Label]) -> list[str]:
    """What is written about a span that the passage lies in, or holds some of."""
    start, end = passage.start_seconds, passage.end_seconds
    if start is None:
        return []
    return [
        label.text
        for label in labels
        if label.end_seconds > start and (end is None or label.start_seconds < end)
    ]


def _table(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    names = ("video_id", *Passage._fields)
    types = (pa.string(), pa.large_string(), pa.float64(), pa.float64())
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})
