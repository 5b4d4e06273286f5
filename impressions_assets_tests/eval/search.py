"""How often a search finds the passage that answers: questions as listed, as asked, in other words.

    python -m impressions_assets_tests.eval.search [DATA] [--encoder MODEL]

A passage answers when it overlaps the span that answers, in that video; k passages count as one
answer when any of them does. The demo's questions need no DATA. `labels/paraphrases.json` asks each
of them in other words, written without looking at what a search finds.
`labels/elsewhere.json` says of the questions of one video which other passages give the very
answer; only what one of the searches found among its best five was read for that. DATA may hold
`qa/bitcointranscripts` (questions that a person labelled, each answered by the next turn) and
`qa/askswami` (listed questions; its transcripts have no times, so the video must be the right one).
With `--encoder`, the name of a sentence encoder on the hub or its folder, passages are found by
meaning, too; vectors are kept under `.impressions`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import NamedTuple

from impressions_assets.chat.encoder import SEARCH, Encoder
from impressions_assets.chat.index import Hit, Index, Label, labels_of
from impressions_assets.demo.render import write_archive
from impressions_assets.rows import Chapters, Document, QAPair, Segment, Transcript, Video
from impressions_assets.text.chapters import chapters_of
from impressions_assets.text.documents import document_of
from impressions_assets.text.qa import pairs_of
from impressions_assets_tests.demo_articles import transcripts_in
from impressions_assets_tests.eval.question_turns import conversations_in, turns_of

_LABELS = Path(__file__).with_name("labels")
PARAPHRASES = _LABELS / "paraphrases.json"
_ELSEWHERE = _LABELS / "elsewhere.json"
_KEPT = Path(".impressions/scratch/vectors-of-search")
_MOST = (1, 3, 5, 10)

Place = tuple[str, int]  # a video, and a second of it


class Talk(NamedTuple):
    """A document, and the titles and questions that are written about it."""

    title: str
    document: Document
    chapters: Chapters
    pairs: tuple[QAPair, ...] = ()

    def labels(self, without: Collection[str] = ()) -> list[Label]:
        """All of them, but for some questions."""
        asked = [Label(p.start_seconds, p.end_seconds, p.question) for p in self.pairs]
        return [one for one in labels_of(self.chapters, None) + asked if one.text not in without]


class Asked(NamedTuple):
    """A question, and the half-open span that answers it."""

    question: str
    video_id: str
    start_seconds: float
    end_seconds: float
    also: tuple[Place, ...] = ()
    """Where else the very answer is given."""


@cache
def encoder_for(texts: str, name: str | None) -> Encoder | None:
    """An encoder whose vectors are kept for these texts; None where none is named."""
    begun = process_time()

    def tell(done: int, of: int) -> None:
        spent = process_time() - begun
        print(f"{texts}: {done} of {of} passages, {spent:.0f} CPU-seconds", file=sys.stderr)

    return Encoder(name, _KEPT / texts, SEARCH, tell) if name else None


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


def answered_elsewhere() -> dict[Place, tuple[Place, ...]]:
    """The questions that were looked for in other passages, and which of these answer."""
    rows = json.loads(_ELSEWHERE.read_text("utf-8"))
    return {
        (row["video_id"], row["at"]): tuple((video, second) for video, second in row["also"])
        for row in rows
    }


def index_of(
    talks: Sequence[Talk], without: Collection[str] = (), encoder: Encoder | None = None
) -> Index:
    """The talks indexed as the product does it, without some questions among what is written."""
    labels = {talk.document.video_id: talk.labels(without) for talk in talks}
    return Index.build((talk.document for talk in talks), labels, encoder)


def ranks(questions: Sequence[Asked], index_for: Callable[[Asked], Index]) -> list[int]:
    """For each question the place of the first passage that answers; 0 is the best."""
    found = []
    for asked in questions:
        hits = index_for(asked).search(asked.question, max(_MOST))
        right = (place for place, hit in enumerate(hits) if _answers(hit, asked))
        found.append(next(right, max(_MOST)))
    return found


def _answers(hit: Hit, asked: Asked) -> bool:
    spans = [(asked.video_id, asked.start_seconds, asked.end_seconds)]
    spans += [(video, second, second + 0.5) for video, second in asked.also]
    start, end = hit.passage.start_seconds, hit.passage.end_seconds
    return any(
        hit.video_id == video and (start is None or (start < to and (end is None or end > since)))
        for video, since, to in spans
    )


def _line(name: str, found: Sequence[int]) -> str:
    shares = " | ".join(f"{sum(place < k for place in found) / len(found):.2f}" for k in _MOST)
    return f"| {name} | {len(found)} | {shares} |"


def _head() -> Iterator[str]:
    yield "| questions | number | " + " | ".join(f"best {k}" for k in _MOST) + " |"
    yield "|---|---|" + "---|" * len(_MOST)


def demo_table(encoder: Encoder | None = None) -> Iterator[str]:
    """The demo's questions: as they are listed or asked, and in other words."""
    talks = demo_talks()
    index, questions, others = index_of(talks, (), encoder), demo_questions(), paraphrases()
    yield from _head()
    yield _line("demo, as listed or asked", ranks(questions, lambda _: index))
    yield _line("in other words", ranks(others, lambda _: index))
    bare = Index.build((talk.document for talk in talks), {}, encoder)
    yield _line("the same, only what is said indexed", ranks(others, lambda _: bare))
    apart = ranks(questions, lambda asked: index_of(talks, (asked.question,), encoder))
    yield _line("as listed, but that question is not indexed", apart)
    unasked = index_of(talks, {asked.question for asked in questions}, encoder)
    yield from _unasked("", questions, others, unasked)
    known = answered_elsewhere()
    few = [_known(asked, known) for asked in (questions, others)]
    yield from _unasked("one video's alone: ", *few, unasked)
    for name, asked in zip(("as listed", "in other words"), few, strict=True):
        also = [one._replace(also=known[_key(one)]) for one in asked]
        yield _line(f"the same {name}, or the answer elsewhere", ranks(also, lambda _: unasked))


def _unasked(
    of: str, questions: Sequence[Asked], others: Sequence[Asked], index: Index
) -> Iterator[str]:
    yield _line(f"{of}as listed, no question indexed", ranks(questions, lambda _: index))
    yield _line(f"{of}in other words, no question indexed", ranks(others, lambda _: index))


def _known(questions: Sequence[Asked], known: Mapping[Place, object]) -> list[Asked]:
    return [asked for asked in questions if _key(asked) in known]


def _key(asked: Asked) -> Place:
    return asked.video_id, int(asked.start_seconds)


def conversations(
    data: Path, *, heard: bool, encoder: Encoder | None = None
) -> tuple[Index, list[Asked]]:
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
    return Index.build(documents, {}, encoder), asked


def listed_sessions(data: Path, encoder: Encoder | None = None) -> tuple[Index, list[Asked]]:
    """Question rounds as one text each, and what their lists ask."""
    folder = data / "qa" / "askswami"
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("transcripts/*"))]
    documents = [_document(row["id"], [Segment(0, 0, row["text"])]) for row in rows]
    there = {row["id"] for row in rows}
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    asked = [Asked(q["question"], q["video_id"], 0, 1) for q in map(json.loads, lines)]
    return Index.build(documents, {}, encoder), [one for one in asked if one.video_id in there]


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


def report(data: Path | None, encoder: str | None = None) -> Iterator[str]:
    """All tables that there are texts for."""
    yield from demo_table(encoder_for("demo", encoder))
    if data and (data / "qa" / "bitcointranscripts").is_dir():
        for name, heard in (("as it was", True), ("without the turns that ask", False)):
            of_these = encoder_for(f"conversations-{heard}", encoder)
            index, asked = conversations(data, heard=heard, encoder=of_these)
            yield _line(f"conversations, {name}", ranks(asked, lambda _, it=index: it))
    if data and (data / "qa" / "askswami").is_dir():
        index, asked = listed_sessions(data, encoder_for("rounds", encoder))
        yield _line("question rounds, the right video", ranks(asked, lambda _: index))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.eval.search")
    parser.add_argument("data", type=Path, nargs="?", help="more texts")
    parser.add_argument("--encoder", help="of sentences: passages are found by meaning, too")
    chosen = parser.parse_args()
    for line in report(chosen.data, chosen.encoder):
        print(line, flush=True)
