"""How well questions asked in a conversation are found, against turns that a person labelled.

    python -m impressions_assets_tests.eval.question_turns DATA

DATA holds `qa/bitcointranscripts/*.json`. A found question is right when its turn is labelled in
`labels/questions.json`. The baseline takes every turn with a question mark, answered by the next.
The second table lists the labelled questions at wrong times, two thirds of their words kept, and
counts how many `moved` brings back to their turn.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from impressions_assets.rows import Chapters, Question, Segment, Transcript, Video
from impressions_assets.text.qa import pairs_of
from impressions_assets.text.question_times import moved
from impressions_assets.text.sentences import sentences_of

_LABELS = Path(__file__).with_name("labels") / "questions.json"

_SHORT_TURN = 60

Finder = Callable[[Sequence[Segment]], list[float]]


class Conversation(NamedTuple):
    """Turns as segments, and when those begin that ask."""

    video_id: str
    turns: list[Segment]
    asking: set[float]
    kept_aside: bool


def conversations_in(folder: Path) -> Iterator[Conversation]:
    """What was labelled, with the turn that answers last; turns of one speaker in a row are one."""
    for row in json.loads(_LABELS.read_text("utf-8")):
        [path] = folder.glob(f"{row['id']}*.json")
        turns = list(turns_of(json.loads(path.read_text("utf-8"))["turns"]))
        read = [turn for turn in turns if turn.start_seconds <= row["read_until"]]
        yield Conversation(row["id"], read, set(map(float, row["asking"])), row["kept_aside"])


def turns_of(rows: Sequence[dict[str, str]]) -> Iterator[Segment]:
    """The rows as segments, rows of one speaker in a row as one, each until the next begins."""
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row["speaker"])]
    starts = [float(run[0]["start"]) for run in runs]
    for run, (start, end) in zip(runs, pairwise([*starts, starts[-1] + 60]), strict=True):
        text = " ".join(row["text"] for row in run)
        yield Segment(start, end, " ".join(text.split()), run[0]["speaker"])


def baseline(turns: Sequence[Segment]) -> list[float]:
    """Every turn with a question mark and a turn behind it."""
    return [turn.start_seconds for turn in turns[:-1] if "?" in turn.text]


def ours(turns: Sequence[Segment]) -> list[float]:
    """The starts of the pairs that the asset makes, without a description."""
    talk = Transcript(video_id="v", origin="manual", language="en", segments=tuple(turns))
    video = Video(video_id="v", source="archive", title="A talk")
    return [pair.start_seconds for pair in pairs_of(video, talk, Chapters(video_id="v")).pairs]


def table(conversations: Sequence[Conversation]) -> Iterator[str]:
    """The scores as lines of Markdown."""
    yield "| method | found | right | precision | recall | F1 |"
    yield "|---|---|---|---|---|---|"
    methods: dict[str, Finder] = {"ours": ours, "every question mark": baseline}
    for name, find in methods.items():
        found = right = 0
        for conversation in conversations:
            starts = find(conversation.turns)
            found += len(starts)
            right += len(conversation.asking & set(starts))
        labelled = sum(len(conversation.asking) for conversation in conversations)
        precision, recall = right / max(1, found), right / labelled
        f1 = 2 * right / (found + labelled)
        yield f"| {name} | {found} | {right} | {precision:.2f} | {recall:.2f} | {f1:.3f} |"


def moves(conversations: Sequence[Conversation]) -> Iterator[str]:
    """How many questions listed some seconds away come back to within five of their turn."""
    yield "| listed off by | questions | within 5 s of where they are asked |"
    yield "|---|---|---|"
    for off in (-45, -20, -10, 0, 10, 20, 45):
        near, number = 0, 0
        for conversation in conversations:
            said = [
                Segment(sentence.start_seconds, sentence.end_seconds, sentence.text, turn.speaker)
                for turn in conversation.turns
                for sentence in sentences_of([turn])
            ]
            for turn in conversation.turns:
                words = turn.text.split()
                if turn.start_seconds in conversation.asking and len(words) <= _SHORT_TURN:
                    text = " ".join(word for place, word in enumerate(words) if place % 3)
                    listed = Question(max(0.0, turn.start_seconds + off), text)
                    [found] = moved([listed], said)
                    number += 1
                    near += abs(found.start_seconds - turn.start_seconds) <= 5
        yield f"| {off} s | {number} | {near} |"


def report(data: Path) -> Iterator[str]:
    """Both tables for each half."""
    conversations = list(conversations_in(data / "qa" / "bitcointranscripts"))
    for part, aside in (("tuned on", False), ("kept aside", True)):
        half = [one for one in conversations if one.kept_aside == aside]
        number = sum(len(one.asking) for one in half)
        yield f"\n{part}: {len(half)} conversations, {number} questions\n"
        yield from (*table(half), "", *moves(half))


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1]))))
