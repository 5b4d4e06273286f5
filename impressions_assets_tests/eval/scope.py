"""How often a guard decides rightly whether a question is one for its channel.

    python -m impressions_assets_tests.eval.scope [--aside] [--errors] [--fit] [--encoder MODEL]

The questions are our own: the examples of the preset python, `labels/scope_demo.txt` and
`labels/paraphrases.json` for the demo channel, whose scope is learned from what it says, alone and
with those questions given as examples; each is decided without its fold of them (5). With
`--aside` the questions of `labels/scope_*_drawn.txt`, drawn from the same (`draw`), and of
`labels/scope_*_aside.txt` and `labels/scope_*_later.txt`, written apart, and of
`labels/scope_*_second.txt`, by a writer who had seen none of the others, are decided too, on which
nothing is tuned.
Precision and recall are those of questions that belong. `--errors` lists what was decided wrongly
of the others, `--fit` prints the weights of figures that these give. With `--encoder`, the name
of a sentence encoder on the hub or its folder (or `IMPRESSIONS_EVAL_ENCODER`), those that learn
from examples do so with it, too; vectors are kept under `.impressions`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from impressions_assets.chat.encoder import Encoder
from impressions_assets.chat.guard import (
    Guard,
    Verdict,
    examples_of,
    labelled_in,
    preset_named,
    reference_of,
)
from impressions_assets.chat.scope import Scope
from impressions_assets_tests.eval.search import PARAPHRASES, demo_talks

_LABELS = Path(__file__).with_name("labels")
_FOLDS = 5
_PENALTY = 0.5  # of the squared weights, each figure divided by its spread
PARTS = {
    "drawn": "drawn and kept aside",
    "aside": "written apart and kept aside",
    "later": "written later and kept aside",
    "second": "by a second writer, kept aside",
}
GUARDS = {"python": "python", "demo": "demo", "demo, with examples": "demo"}
ENCODER = "IMPRESSIONS_EVAL_ENCODER"
_KEPT = Path(".impressions/scratch/vectors")  # as the guard of a channel has it

Labelled = tuple[str, bool]  # a question, and whether it belongs


def tuned_on(name: str) -> tuple[Labelled, ...]:
    """The questions that rules and weights were made on."""
    if name == "python":
        return examples_of("python")
    others = [row["question"] for row in json.loads(PARAPHRASES.read_text("utf-8"))]
    return (*_labelled("scope_demo.txt"), *((one, True) for one in others))


def kept_aside(name: str, part: str) -> tuple[Labelled, ...]:
    """Those that nothing was tuned on, of one of PARTS."""
    return _labelled(f"scope_{name}_{part}.txt")


def parts_of(guard: str) -> list[str]:
    """Those of PARTS that there are of what a guard is asked."""
    return [part for part in PARTS if (_LABELS / f"scope_{GUARDS[guard]}_{part}.txt").exists()]


def _labelled(file: str) -> tuple[Labelled, ...]:
    text = (_LABELS / file).read_text("utf-8")
    return tuple((one, kind.startswith("in:")) for one, kind in labelled_in(text))


def guard_for(guard: str, examples: Sequence[Labelled], encoder: Encoder | None = None) -> Guard:
    """One of GUARDS, which learns from these examples, where it takes any."""
    if guard != "python":
        examples = examples if guard != "demo" else ()
        return Guard(_learned(), examples=examples, encoder=encoder)
    preset = preset_named("python")
    others, classes = preset["other_patterns"], preset["classes"]
    return Guard(_preset(), preset["patterns"], "", others, examples, classes, encoder)


class _Remembering(Encoder):
    """Encodes once what is asked in each fold."""

    def __init__(self, name: str) -> None:
        super().__init__(name, _KEPT)
        self._known: dict[str, np.ndarray] = {}

    def kept(self, texts: Sequence[str]) -> np.ndarray:
        if not self._known.keys() >= set(texts):
            self._known.update(zip(texts, super().kept(texts), strict=True))
        return np.stack([self._known[text] for text in texts])

    def __call__(self, text: str) -> np.ndarray:
        return self.kept([text])[0]


@cache
def encoder_named(name: str) -> Encoder:
    """An encoder whose vectors are kept."""
    return _Remembering(name)


@cache
def _preset() -> Scope:
    scope = Scope()
    scope.read_up(reference_of("python"))
    scope.add(preset_named("python")["keywords"])
    return scope


@cache
def _learned() -> Scope:
    scope, talks = Scope(("en", "de")), demo_talks()
    titles = [
        (text, talk.document.language)
        for talk in talks
        for text in (talk.title, *(label.text for label in talk.labels()))
    ]
    scope.learn([(talk.document.text, talk.document.language) for talk in talks], titles)
    return scope


def decided(
    guard: str, part: str | None = None, encoder: Encoder | None = None
) -> list[tuple[Labelled, Verdict]]:
    """What a guard says of one of PARTS, or of the others, each without its fold."""
    examples = kept_aside(GUARDS[guard], part) if part else tuned_on(GUARDS[guard])
    if encoder:
        encoder.kept([question for question, _ in examples])
    if part:
        taught = _taught(guard, encoder)
        return [(one, taught.judge(one[0])) for one in examples]
    found = []
    for fold in range(_FOLDS):
        others = [one for at, one in enumerate(examples) if at % _FOLDS != fold]
        taught = guard_for(guard, others, encoder)
        found += [(one, taught.judge(one[0])) for one in examples[fold::_FOLDS]]
    return found


@cache
def _taught(guard: str, encoder: Encoder | None) -> Guard:
    return guard_for(guard, tuned_on(GUARDS[guard]), encoder)


def shares_of(found: Sequence[tuple[Labelled, Verdict]]) -> tuple[float, float, float]:
    """Accuracy, precision and recall."""
    belong = np.array([one[1] for one, _ in found])
    said = np.array([verdict.in_scope for _, verdict in found])
    hits = (belong & said).sum()
    return float((belong == said).mean()), float(hits / said.sum()), float(hits / belong.sum())


def table(aside: bool, encoder: Encoder | None = None) -> Iterator[str]:
    """The scores as lines of Markdown; with an encoder, of the guards that learn by it."""
    yield "| guard | questions | number | belong | accuracy | precision | recall |"
    yield "|---|---|---|---|---|---|---|"
    for guard in GUARDS if encoder is None else [one for one in GUARDS if one != "demo"]:
        for part in (None, *parts_of(guard)) if aside else (None,):
            found = decided(guard, part, encoder)
            belong = sum(one[1] for one, _ in found)
            figures = " | ".join(f"{share:.3f}" for share in shares_of(found))
            named = PARTS[part] if part else "tuned on"
            yield f"| {guard} | {named} | {len(found)} | {belong} | {figures} |"


def errors(encoder: Encoder | None = None) -> Iterator[str]:
    """What was decided wrongly, of what was tuned on, and why."""
    for guard in GUARDS:
        for (question, belongs), verdict in decided(guard, None, encoder):
            if verdict.in_scope != belongs:
                kind = "in" if belongs else "out"
                yield f"{guard}, {kind} ({verdict.probability:.2f}): {question} ({verdict.reason})"


def fitted(name: str) -> list[float]:
    """The weights by logistic regression (Newton's method) on what the rules leave to decide."""
    guard = guard_for(name, ())
    rows, belong = [], []
    for question, belongs in tuned_on(name):
        evidence = guard.scope.evidence(guard.scope.mended(question))
        if guard.by_rule(question) is None and any(evidence[-2:]):
            rows.append(evidence.figures)
            belong.append(float(belongs))
    spread = np.std(rows, axis=0)
    spread[spread == 0] = 1.0
    first, *weights = _regression(np.array(rows) / spread, np.array(belong))
    return [
        round(first, 2),
        *(round(float(w / s), 2) for w, s in zip(weights, spread, strict=True)),
    ]


def _regression(x: np.ndarray, y: np.ndarray) -> list[float]:
    x = np.c_[np.ones(len(x)), x]
    weights = np.zeros(x.shape[1])
    shrink = _PENALTY * np.r_[0.0, np.ones(x.shape[1] - 1)]
    for _ in range(60):
        p = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (p - y) + shrink * weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(shrink + 1e-9)
        weights -= np.linalg.solve(curve, slope)
    return [float(weight) for weight in weights]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.eval.scope")
    parser.add_argument("--aside", action="store_true", help="decide what is kept aside, too")
    parser.add_argument("--errors", action="store_true", help="list what was decided wrongly")
    parser.add_argument("--fit", action="store_true", help="print weights")
    parser.add_argument("--encoder", default=os.environ.get(ENCODER), help="of sentences")
    chosen = parser.parse_args()
    encoder = encoder_named(chosen.encoder) if chosen.encoder else None
    if encoder is None:
        print(f"without an encoder: neither --encoder nor {ENCODER} names one", file=sys.stderr)
    if chosen.fit:
        print({name: fitted(name) for name in ("python", "demo")})
    print("\n".join(table(chosen.aside, encoder)))
    if chosen.errors:
        print("\n".join(errors(encoder)))
