"""How much models that learned talk repeat themselves, and what the stop of loops leaves of it.

    python -m impressions_assets_tests.eval.repetition [--steps 300]

A tiny Llama learns the demo's talks, too little to do better than to go round in circles, and goes
on from each of the demo's questions, likeliest token by token: with and without the stop.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from impressions_assets.chat.answerer import Sampling
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.gpt.originality import repetition_rate
from impressions_assets_tests.chat.tiny import write_llama
from impressions_assets_tests.eval.search import demo_talks

_LONG, _WINDOW, _AT_ONCE = 200, 128, 8


def learned(folder: Path, texts: Sequence[str], steps: int) -> LocalAnswerer:
    """A Llama that saw so many windows of the texts; always the same ones."""
    import torch

    write_llama(folder, texts, context=512, width=96)
    answerer = LocalAnswerer.load(folder, "learned", "cpu", "float32")
    model: Any = answerer._model.train()
    ids = torch.tensor(answerer._tokenizer("\n\n".join(texts))["input_ids"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        starts = torch.randint(len(ids) - _WINDOW, (_AT_ONCE,), generator=random)
        windows = torch.stack([ids[start : start + _WINDOW] for start in starts])
        loss = model(input_ids=windows, labels=windows).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return answerer


def report(steps: int) -> Iterator[str]:
    """A table: what is said without the stop, and with it."""
    talks = demo_talks()
    with tempfile.TemporaryDirectory() as folder:
        answerer = learned(Path(folder), [talk.document.text for talk in talks], steps)
    questions = [pair.question for talk in talks for pair in talk.pairs]
    yield "| the stop of loops | answers | tokens each | 4-grams said before |"
    yield "|---|---|---|---|"
    for name, may_loop in (("off", True), ("on", False)):
        how = Sampling(_LONG, may_loop=may_loop)
        said = ["".join(answerer.complete(question, how)) for question in questions]
        ids = [answerer._tokenizer(text)["input_ids"] for text in said]
        yield f"| {name} | {len(ids)} | {fmean(map(len, ids)):.0f} | {repetition_rate(ids):.2f} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.eval.repetition")
    parser.add_argument("--steps", type=int, default=300)
    for line in report(parser.parse_args().steps):
        print(line, flush=True)
