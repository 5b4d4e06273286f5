"""How often a search finds the passage that answers: questions as listed, as asked, in other words.

    python -m impressions_assets_tests.eval.search [DATA]

A passage answers when it overlaps the span that answers, in that video; k passages count as one
answer when any of them does. The demo's questions need no DATA. `labels/paraphrases.json` asks each
of them in other words; a person wrote them without looking at what a search finds. DATA may hold
`qa/bitcointranscripts` (questions that a person labelled, each answered by the next turn) and
`qa/askswami` (listed questions; its transcripts have no times, so the video must be the right one).
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from impressions_assets.chat.index import Hit, Index, Label, labels_of
from impressions_assets.demo.render import write_archive
from impressions_assets.rows import Chapters, Document, QAPair, Segment, Transcript, Video
from impressions_assets.text.chapters import chapters_of
from impressions_assets.text.documents import document_of
from impressions_assets.text.qa import pairs_of
from impressions_assets_tests.demo_articles import transcripts_in
from impressions_assets_tests.eval.question_turns import conversations_in, turns_of

PARAPHRASES = Path(__file__).with_name("labels") / "paraphrases.json"
_MOST = (1, 3, 5, 10)


class Talk(NamedTuple):
    """A document, and the titles and questions that are written about it."""

    title: str
    document: Document
    chapters: Chapters
    pairs: tuple[QAPair, ...] = ()

    def labels(self, without: str = "") -> list[Label]:
        """All of them, or those that are not this question."""
        asked = [Label(p.start_seconds, p.end_seconds, p.question) for p in self.pairs]
        return [one for one in labels_of(self.chapters, None) + asked if one.text != without]


class Asked(NamedTuple):
    """A question, and the half-open span that answers it."""

    question: str
    video_id: str
    start_seconds: float
    end_seconds: float


@cache
def demo_talks() -> tuple[Talk, ...]:
    """The demo channel, through the rooms."""
    with tempfile.TemporaryDirectory() as archive:
        write_archive(Path(archive))
        return tuple(_talk(video, said) for video, said in transcripts_in(Path(archive)))


def _talk(video: Video, said: Transcript) -> Talk:
    chapters = chapters_of(video, said)
    document = document_of(video, said, chapters, val_fraction=0)
    return Talk(video.title, document, chapters, pairs_of(video, said, chapters).pairs)


def demo_questions() -> list[Asked]:
    """Every pair of the demo's."""
    return [
        Asked(pair.question, talk.document.video_id, pair.start_seconds, pair.end_seconds)
        for talk in demo_talks()
        for pair in talk.pairs
    ]


def paraphrases() -> list[Asked]:
    """The same, each in other words."""
    listed = {(one.video_id, int(one.start_seconds)): one for one in demo_questions()}
    rows = json.loads(PARAPHRASES.read_text("utf-8"))
    return [listed[row["video_id"], row["at"]]._replace(question=row["question"]) for row in rows]


def index_of(talks: Sequence[Talk], without: str = "") -> Index:
    """The talks indexed as the product does it, without a question among what is written."""
    labels = {talk.document.video_id: talk.labels(without) for talk in talks}
    return Index.build((talk.document for talk in talks), labels)


def ranks(questions: Sequence[Asked], index_for: Callable[[Asked], Index]) -> list[int]:
    """For each question the place of the first passage that answers; 0 is the best."""
    found = []
    for asked in questions:
        hits = index_for(asked).search(asked.question, max(_MOST))
        right = (place for place, hit in enumerate(hits) if _answers(hit, asked))
        found.append(next(right, max(_MOST)))
    return found


def _answers(hit: Hit, asked: Asked) -> bool:
    start, end = hit.passage.start_seconds, hit.passage.end_seconds
    inside = start is None or (
        start < asked.end_seconds and (end is None or end > asked.start_seconds)
    )
    return hit.video_id == asked.video_id and inside


def _line(name: str, found: Sequence[int]) -> str:
    shares = " | ".join(f"{sum(place < k for place in found) / len(found):.2f}" for k in _MOST)
    return f"| {name} | {len(found)} | {shares} |"


def _head() -> Iterator[str]:
    yield "| questions | number | " + " | ".join(f"best {k}" for k in _MOST) + " |"
    yield "|---|---|" + "---|" * len(_MOST)


def demo_table() -> Iterator[str]:
    """The demo's questions: as they are listed or asked, and in other words."""
    talks = demo_talks()
    index, questions = index_of(talks), demo_questions()
    yield from _head()
    yield _line("demo, as listed or asked", ranks(questions, lambda _: index))
    yield _line("in other words", ranks(paraphrases(), lambda _: index))
    bare = Index.build((talk.document for talk in talks), {})
    yield _line("the same, only what is said indexed", ranks(paraphrases(), lambda _: bare))
    apart = ranks(questions, lambda asked: index_of(talks, asked.question))
    yield _line("as listed, but that question is not indexed", apart)


def conversations(data: Path, *, heard: bool) -> tuple[Index, list[Asked]]:
    """Conversations, with the turns that ask in the text or without, and what they ask."""
    folder = data / "qa" / "bitcointranscripts"
    labelled = {one.video_id: one.asking for one in conversations_in(folder)}
    documents, asked = [], []
    for path in sorted(folder.glob("*.json")):
        row = json.loads(path.read_text("utf-8"))
        turns = list(turns_of(row["turns"]))
        asking = labelled.get(row["id"], set())
        asked += [
            Asked(turn.text, row["id"], answer.start_seconds, answer.end_seconds)
            for turn, answer in pairwise(turns)
            if turn.start_seconds in asking
        ]
        said = [turn for turn in turns if heard or turn.start_seconds not in asking]
        documents.append(_document(row["id"], said))
    return Index.build(documents, {}), asked


def listed_sessions(data: Path) -> tuple[Index, list[Asked]]:
    """Question rounds as one text each, and what their lists ask."""
    folder = data / "qa" / "askswami"
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("transcripts/*"))]
    documents = [_document(row["id"], [Segment(0, 0, row["text"])]) for row in rows]
    there = {row["id"] for row in rows}
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    asked = [Asked(q["question"], q["video_id"], 0, 1) for q in map(json.loads, lines)]
    return Index.build(documents, {}), [one for one in asked if one.video_id in there]


def _document(video_id: str, segments: Sequence[Segment]) -> Document:
    timed = segments[0].end_seconds > 0
    said = Transcript(
        video_id=video_id,
        origin="manual" if timed else "text",
        language="en",
        segments=tuple(segments),
    )
    video = Video(video_id=video_id, source="archive")
    return document_of(video, said, Chapters(video_id=video_id), val_fraction=0)


def report(data: Path | None) -> Iterator[str]:
    """All tables that there are texts for."""
    yield from demo_table()
    if data and (data / "qa" / "bitcointranscripts").is_dir():
        for name, heard in (("as it was", True), ("without the turns that ask", False)):
            index, asked = conversations(data, heard=heard)
            yield _line(f"conversations, {name}", ranks(asked, lambda _, it=index: it))
    if data and (data / "qa" / "askswami").is_dir():
        index, asked = listed_sessions(data)
        yield _line("question rounds, the right video", ranks(asked, lambda _: index))


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1]) if sys.argv[1:] else None)))
