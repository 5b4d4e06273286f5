"""What a GPU reaches: `make bench-gpu`. Where there is none, it says so.

Figures are compared with those of an H200, the largest of today's; another GPU may do less.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from impressions_assets.gpt.device import arithmetic
from impressions_assets.gpt.sample import Generator
from impressions_assets.gpt.tokenizer import Tokenizer, train_tokenizer
from impressions_assets_tests.bench.ratios import Ratio, ratio_table
from impressions_assets_tests.bench.stream import Training, encoded, of_ids
from impressions_assets_tests.bench.texts import Text, text_of

_WARMUP, _STEPS = 10, 40
_NUM_TOKENS = 4_000_000
_SHAKESPEARE: dict[str, Any] = {"dropout": 0.2, "batch_size": 64, "learning_rate": 3e-3}
_SHAKESPEARE_STEPS = 2000
_SECONDS = 60.0
_DECODED = 512


def gpu_rows(text: Text) -> Iterator[Ratio]:
    """All figures, each as its own row."""
    with arithmetic(torch.device("cuda")):
        shape: dict[str, Any] = {"recipe": "classic", "tied": True, "batch_size": 32}
        speed = tokens_per_second("gpt2", gradient_accumulation_steps=1, **shape)
        yield Ratio("GPT-2 124M, context 1024, tokens/s", "an H200", 415_000, speed)
        speed = tokens_per_second("tinystories", batch_size=128)
        yield Ratio("4 layers, 256 wide, tokens/s", "an H200", 2_000_000, speed)
        yield learned_in_a_minute(text)
        yield decoded(text)


def tokens_per_second(preset: str, **settings: Any) -> float:
    """Of training on tokens of a vocabulary of 50,257, compiled, once it runs."""
    ids = np.random.default_rng(0).zipf(1.2, _NUM_TOKENS) % 50_257
    training = Training(of_ids(ids, 50_257), preset, device="cuda", compile=True, **settings)
    training.steps(_WARMUP)
    began = time.monotonic()
    training.steps(_STEPS)
    return _STEPS * training.tokens_per_step / (time.monotonic() - began)


def learned_in_a_minute(text: Text) -> Ratio:
    """Loss by characters after 60 s of training, compiling included; as perplexity's share."""
    began = time.monotonic()
    training = Training(
        encoded(text.text, _characters(text)),
        "small",
        max_iters=_SHAKESPEARE_STEPS,
        device="cuda",
        compile=True,
        **_SHAKESPEARE,
    )
    num_steps, best = 0, float("inf")
    while num_steps < _SHAKESPEARE_STEPS and time.monotonic() - began < _SECONDS:
        training.steps(100)
        num_steps += 100
        if num_steps % 500 == 0:
            best = min(best, training.val_loss())
    seconds = time.monotonic() - began
    best = min(best, training.val_loss())
    note = f"{best:.4f} nats after {num_steps} steps, {seconds:.0f} s; {text.name}"
    return Ratio("1.4697 nats per character / ours, 60 s", "nanoGPT", 1.0, 1.4697 / best, note)


def decoded(text: Text) -> Ratio:
    """Tokens a second of one text, by the 124M model."""
    tokenizer = _characters(text)
    training = Training(encoded(text.text, tokenizer), "gpt2", device="cuda", batch_size=1)
    generator = Generator(training.state.model, tokenizer, 1024)
    generator.generate("A", 32, seed=1, may_loop=True)
    began, num_tokens, seed = time.monotonic(), 0, 0
    while num_tokens < _DECODED:  # an untrained model ends its text now and then
        seed += 1
        said = generator.generate("A", _DECODED - num_tokens, seed=seed, may_loop=True)
        num_tokens += max(1, len(said))
    speed = num_tokens / (time.monotonic() - began)
    return Ratio("decoding at batch 1, tokens/s", "an H200", 5000, speed)


def _characters(text: Text) -> Tokenizer:
    return train_tokenizer([text.text], "characters")


def main() -> None:
    """Print the table, or that there is no GPU."""
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.gpu")
    parser.add_argument("--text", type=Path, help="tiny Shakespeare; else the demo's talks")
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        print(f"torch {torch.__version__} sees no CUDA GPU here: there is nothing to measure")
        return
    text, console = text_of(chosen.text), Console(width=120)
    console.print(torch.cuda.get_device_name())
    console.print(ratio_table(gpu_rows(text), text.name))


if __name__ == "__main__":
    main()
