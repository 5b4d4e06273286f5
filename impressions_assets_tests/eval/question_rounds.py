"""How well question rounds are read where no speakers are known: in lectures, speakers taken away.

    python -m impressions_assets_tests.eval.question_rounds DATA

DATA holds `qa/bitcointranscripts/*.json`. Who says 0.6 of a talk's words is its lecturer. Which
turns ask is what a person labelled; in the other talks it is what `asked_by_speakers` finds with
the speakers, which is right in about 0.85 of the cases. A question is right when it ends in a turn
that asks. The baseline takes every sentence with a question mark in the last two thirds, several in
a row as one, answered until the next. The last column is the share of the words answered to right
questions that the lecturer says before somebody asks again.
"""

import json
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from impressions_assets.rows import Chapters, Segment
from impressions_assets.text.asked import asked_by_speakers
from impressions_assets.text.round import answered_in_round
from impressions_assets.text.sentences import sentences_of
from impressions_assets_tests.eval.question_turns import conversations_in, turns_of

_LECTURE_SHARE = 0.6
_ROUND_FROM = 1 / 3

Answer = Sequence[Segment]
Finder = Callable[[Sequence[Segment]], Iterator[Answer]]


class Talk(NamedTuple):
    """Turns of speakers, when those begin that ask, and whether a person said so."""

    turns: list[Segment]
    asking: set[float]
    is_labelled: bool


def talks_in(folder: Path) -> Iterator[Talk]:
    """Talks of several speakers; labelled ones as far as they were read."""
    labelled = {one.video_id: one for one in conversations_in(folder)}
    for path in sorted(folder.glob("*.json")):
        turns = list(turns_of(_without_headings(json.loads(path.read_text("utf-8"))["turns"])))
        known = next((one for name, one in labelled.items() if path.name.startswith(name)), None)
        if known:
            read_until = known.turns[-1].start_seconds
            turns = [turn for turn in turns if turn.start_seconds <= read_until]
        asking = known.asking if known else {one.start_seconds for one in asked_by_speakers(turns)}
        if len({turn.speaker for turn in turns}) > 1:
            yield Talk(turns, asking, known is not None)


def _without_headings(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Nobody says "## Questions": those who wrote the talks down put headings between."""
    return [
        {**row, "text": "\n".join(x for x in row["text"].splitlines() if not x.startswith("#"))}
        for row in rows
    ]


def _lecturer(turns: Sequence[Segment]) -> str | None:
    words: Counter[str | None] = Counter()
    for turn in turns:
        words[turn.speaker] += len(turn.text.split())
    speaker, most = words.most_common(1)[0]
    return speaker if most >= _LECTURE_SHARE * words.total() else None


def ours(segments: Sequence[Segment]) -> Iterator[Answer]:
    """The answers of the pairs that the asset makes."""
    return (one.segments for one in answered_in_round(segments, Chapters(video_id="v")))


def baseline(segments: Sequence[Segment]) -> Iterator[Answer]:
    """What is said between one run of sentences with question marks and the next."""
    said = [Segment(one.start_seconds, one.end_seconds, one.text) for one in sentences_of(segments)]
    late = [one for one in said if one.start_seconds >= said[-1].end_seconds * _ROUND_FROM]
    runs = [(asks, list(run)) for asks, run in groupby(late, key=lambda one: "?" in one.text)]
    return (run for number, (asks, run) in enumerate(runs) if number and not asks)


def table(lectures: Sequence[Talk]) -> Iterator[str]:
    """The scores as lines of Markdown."""
    yield "| method | found | right | precision | recall | words of an answer | of the answer |"
    yield "|---|---|---|---|---|---|---|"
    methods: dict[str, Finder] = {"ours": ours, "every question mark": baseline}
    asked = sum(len(lecture.asking) for lecture in lectures)
    for name, find in methods.items():
        scores = [score for lecture in lectures for score in _scores(lecture, find)]
        right = sum(is_right for is_right, _, _ in scores)
        kept = sum(kept for is_right, kept, _ in scores if is_right)
        words = sum(words for is_right, _, words in scores if is_right)
        yield (
            f"| {name} | {len(scores)} | {right} | {right / max(1, len(scores)):.2f} "
            f"| {right / max(1, asked):.2f} | {words / max(1, right):.0f} "
            f"| {kept / max(1, words):.2f} |"
        )


def _scores(lecture: Talk, find: Finder) -> Iterator[tuple[bool, int, int]]:
    """For each answer: whether it is one, its words that answer, and all of its words."""
    bare = [Segment(one.start_seconds, one.end_seconds, one.text) for one in lecture.turns]
    starts = [turn.start_seconds for turn in lecture.turns]
    lecturer = _lecturer(lecture.turns)
    for answer in find(bare):
        asker = lecture.turns[bisect_right(starts, answer[0].start_seconds - 0.01) - 1]
        again = min((one for one in lecture.asking if one > asker.start_seconds), default=None)
        kept = words = 0
        for one in answer:
            middle = (one.start_seconds + one.end_seconds) / 2
            turn = lecture.turns[bisect_right(starts, middle) - 1]
            number = len(one.text.split())
            words += number
            kept += number * (turn.speaker == lecturer and (again is None or middle < again))
        yield asker.start_seconds in lecture.asking, kept, words


def report(data: Path) -> Iterator[str]:
    """Both tables, and what is found wrongly where nobody lectures."""
    talks = list(talks_in(data / "qa" / "bitcointranscripts"))
    lectures = [one for one in talks if _lecturer(one.turns)]
    for part, labelled in (("labelled", True), ("told by their speakers", False)):
        half = [one for one in lectures if one.is_labelled == labelled]
        number = sum(len(one.asking) for one in half)
        yield f"\nrounds without speakers, {part}: {len(half)} lectures, {number} questions\n"
        yield from table(half)
    others = [one for one in talks if not _lecturer(one.turns)]
    found = sum(1 for one in others for _ in _scores(one, ours))
    yield f"\nfound in {len(others)} conversations without a lecturer: {found}"


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1]))))
