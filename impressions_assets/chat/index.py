"""The passages of a channel that match some words, best first: BM25, without any model.

Notable choices, measured in docs/search.md:
- bm25s keeps what each word scores in each passage as a sparse matrix, so that a search adds up a
  few columns: 1 ms among 42,000 passages. SQLite's FTS5 took 90, rank-bm25 140.
- A passage is also found by what is written about it: the questions that it answers and the titles
  of its chapters. Listeners ask in other words than speakers answer.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import bm25s
import pyarrow as pa

from impressions_assets.chat.passages import Passage, passages_of
from impressions_assets.chat.words import analyzer_of, primary_language
from impressions_assets.rows import Chapters, Document, QAPairs

VERSION = 1  # raise it when the same rows must be indexed anew
_K1, _B = 1.2, 0.75
_PASSAGES, _LANGUAGES = "passages.arrow", b"languages"


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
    """A channel's passages by their words."""

    def __init__(self, bm25: Any, passages: pa.Table, languages: Sequence[str]) -> None:
        """Hold what `build` made or `load` read."""
        self._bm25, self._passages, self._languages = bm25, passages, tuple(languages)

    @classmethod
    def build(cls, documents: Iterable[Document], labels: Mapping[str, Sequence[Label]]) -> Self:
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
        return cls(bm25, _table(rows), sorted(languages))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote; it stays on disk until a search reads some of it."""
        passages = pa.ipc.open_file(pa.memory_map(str(folder / _PASSAGES))).read_all()
        languages = passages.schema.metadata[_LANGUAGES].decode().split()
        bm25 = bm25s.BM25.load(str(folder), mmap=True) if passages.num_rows else bm25s.BM25()
        return cls(bm25, passages, languages)

    def save(self, folder: Path) -> None:
        """Write into a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.num_passages:
            self._bm25.save(str(folder), show_progress=False)
        named = self._passages.replace_schema_metadata({_LANGUAGES: " ".join(self._languages)})
        path = str(folder / _PASSAGES)
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, named.schema) as writer:
            writer.write_table(named)

    @property
    def num_passages(self) -> int:
        """How many passages there are."""
        return int(self._passages.num_rows)

    def search(self, words: str, most: int = 5) -> list[Hit]:
        """The passages that match best, best first; none that holds none of the words."""
        most = min(most, self.num_passages)
        asked = list(self.weights(words)) if most > 0 else []
        if not asked:
            return []
        numbers, scores = self._bm25.retrieve([asked], k=most, show_progress=False)
        hits = zip(numbers[0].tolist(), scores[0].tolist(), strict=True)
        return [self._hit(number, score) for number, score in hits if score > 0]

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
