"""How many of a list of questions come out of a description, in which layouts.

    python -m impressions_assets_tests.eval.questions DATA

DATA holds `qa/askswami/questions.jsonl`: questions of real sessions with their seconds. Each
session's list is written as a description in every layout of `question_layouts`, and counts when
exactly its times and texts come out, whitespace folded.
"""

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from impressions_assets.rows import Question
from impressions_assets.text.questions import parse_questions
from impressions_assets_tests.eval.question_layouts import layouts


def lists_in(path: Path) -> list[list[Question]]:
    """The questions of each session, in their order."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        [Question(float(row["start_sec"]), _folded(row["question"])) for row in session]
        for _, session in groupby(rows, key=lambda row: row["video_id"])
    ]


def _folded(text: str) -> str:
    return " ".join(text.split())


def table(data: Path) -> Iterator[str]:
    """The scores as lines of Markdown."""
    sessions = lists_in(data / "qa" / "askswami" / "questions.jsonl")
    number = sum(map(len, sessions))
    yield f"| layout | lists of {len(sessions)} | questions of {number} | found and not listed |"
    yield "|---|---|---|---|"
    for name, layout in layouts().items():
        lists, right, wrong = 0, 0, 0
        for asked in sessions:
            expected = {(q.start_seconds, q.text) for q in asked}
            read = parse_questions(layout(asked))
            found = {(q.start_seconds, _folded(q.text)) for q in read}
            lists += found == expected and len(read) == len(asked)
            right += len(found & expected)
            wrong += len(found - expected)
        yield f"| {name} | {lists} | {right} | {wrong} |"


if __name__ == "__main__":
    print("\n".join(table(Path(sys.argv[1]))))
