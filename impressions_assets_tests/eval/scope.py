"""How often a guard decides rightly whether a question is one for its channel.

    python -m impressions_assets_tests.eval.scope [--errors] [--fit]

The questions are our own: `labels/scope_python.txt` for the preset, `labels/scope_demo.txt` and
`labels/paraphrases.json` for the demo channel, whose scope is learned from what it says. Precision
and recall are those of questions that belong. `--errors` lists what was decided wrongly among those
that are not kept aside, `--fit` prints the weights that these give.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from impressions_assets.chat.guard import Guard, preset_named, reference_of
from impressions_assets.chat.scope import Scope
from impressions_assets_tests.eval.search import PARAPHRASES, demo_talks

_LABELS = Path(__file__).with_name("labels")
_ASIDE = ", kept aside"
_PENALTY = {"python": 0.3, "demo": 0.1}  # of the squared weights


class Labelled(NamedTuple):
    """A question, and whether it belongs."""

    question: str
    belongs: bool
    kind: str
    kept_aside: bool


def questions_of(name: str) -> list[Labelled]:
    """All questions for a scope."""
    found, kind = [], ""
    for line in (_LABELS / f"scope_{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        elif not line.startswith("#"):
            plain = kind.removesuffix(_ASIDE)
            found.append(Labelled(line, kind.startswith("in:"), plain, kind.endswith(_ASIDE)))
    if name == "demo":
        others = [row["question"] for row in json.loads(PARAPHRASES.read_text("utf-8"))]
        found += [Labelled(one, True, "in: in other words", False) for one in others]
    return found


@cache
def guards() -> dict[str, Guard]:
    """The preset alone, and what the demo channel teaches."""
    preset = preset_named("python")
    keywords = Scope()
    keywords.read_up(reference_of("python"))
    keywords.add(preset["keywords"], preset["in_scope"], preset["out_of_scope"])
    learned, talks = Scope(("en", "de")), demo_talks()
    titles = [
        (text, talk.document.language)
        for talk in talks
        for text in (talk.title, *(label.text for label in talk.labels()))
    ]
    learned.learn([(talk.document.text, talk.document.language) for talk in talks], titles)
    python = Guard(keywords, preset["patterns"], other_patterns=preset["other_patterns"])
    return {"python": python, "demo": Guard(learned)}


def table() -> Iterator[str]:
    """The scores as lines of Markdown."""
    yield "| scope | questions | number | belong | accuracy | precision | recall |"
    yield "|---|---|---|---|---|---|---|"
    for name, guard in guards().items():
        for part, aside in (("tuned on", False), ("kept aside", True)):
            asked = [one for one in questions_of(name) if one.kept_aside == aside]
            said = [guard.judge(one.question).in_scope for one in asked]
            belong = sum(one.belongs for one in asked)
            right = sum(said_so == one.belongs for said_so, one in zip(said, asked, strict=True))
            hits = sum(said_so and one.belongs for said_so, one in zip(said, asked, strict=True))
            shares = (right / len(asked), hits / max(1, sum(said)), hits / belong)
            figures = " | ".join(f"{share:.3f}" for share in shares)
            yield f"| {name} | {part} | {len(asked)} | {belong} | {figures} |"


def errors() -> Iterator[str]:
    """What was decided wrongly, of what is not kept aside, and why."""
    for name, guard in guards().items():
        for one in questions_of(name):
            verdict = guard.judge(one.question)
            if not one.kept_aside and verdict.in_scope != one.belongs:
                yield f"{name}, {one.kind}: {one.question} ({verdict.reason})"


def fitted(name: str) -> list[float]:
    """The weights by logistic regression (Newton's method) on what the rules leave to decide."""
    guard = guards()[name]
    rows, belong = [], []
    for one in questions_of(name):
        evidence = guard.scope.evidence(one.question)
        if not one.kept_aside and guard.by_rule(one.question) is None and any(evidence[-2:]):
            rows.append([1.0, *evidence.figures])
            belong.append(float(one.belongs))
    return _regression(rows, belong, _PENALTY[name])


def _regression(
    rows: Sequence[Sequence[float]], belong: Sequence[float], penalty: float
) -> list[float]:
    x, y = np.array(rows), np.array(belong)
    weights = np.zeros(x.shape[1])
    shrink = penalty * np.r_[0.0, np.ones(x.shape[1] - 1)]
    for _ in range(60):
        p = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (p - y) + shrink * weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + penalty * np.eye(len(weights))
        weights -= np.linalg.solve(curve, slope)
    return [round(float(weight), 2) for weight in weights]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.eval.scope")
    parser.add_argument("--errors", action="store_true", help="list what was decided wrongly")
    parser.add_argument("--fit", action="store_true", help="print weights")
    chosen = parser.parse_args()
    print("\n".join(table()))
    if chosen.errors:
        print("\n".join(errors()))
    if chosen.fit:
        print({name: fitted(name) for name in guards()})
