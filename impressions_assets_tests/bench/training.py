"""Training against Hugging Face's GPT-2, and our default recipe against nanoGPT's.

`python -m impressions_assets_tests.bench --only training --text FILE`. One thread, so that waiting
for another does not count; steps of all take turns, so that a busy machine slows all alike.
"""

import hashlib
import shutil
import statistics
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch

from impressions_assets.gpt.device import arithmetic
from impressions_assets.gpt.loader import IGNORED, TokenStream, WindowLoader
from impressions_assets.gpt.tokenizer import Tokenizer, train_tokenizer
from impressions_assets_tests.bench.ratios import Ratio
from impressions_assets_tests.bench.stream import Training, encoded, of_ids
from impressions_assets_tests.bench.texts import Text
from impressions_assets_tests.bench.turns import cpu_seconds, medians, one_thread

_SHARES = (0.25, 0.3, 1 / 3)  # of the steps: the first that reaches as far counts

Step = Callable[[], None]
_AGAINST = "Hugging Face GPT-2, AdamW"
# What GPT-2's tokenizer, which cannot be had offline, makes of a text, by its sha256. Tiny
# Shakespeare: nanoGPT's data/shakespeare/prepare.py counts 301,966 tokens and 36,059.
_GPT2_TOKENS = {"86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed": 338_025}
_NANOGPT: dict[str, Any] = {  # its settings for a CPU
    "recipe": "classic",
    "tied": True,
    "learning_rate": 1e-3,
    "min_lr": 1e-4,
    "beta2": 0.99,
    "dropout": 0.0,
    "weight_decay": 0.1,
}


class Sizes(NamedTuple):
    """How much is measured: less in a test."""

    shape: tuple[int, int, int, int] = (4, 4, 256, 512)  # layers, heads, width, context
    batch_size: int = 8
    vocab_size: int = 50_257
    used_vocab_size: int = 16_384  # how many of them a text may hold
    own_vocab_size: int = 8192
    warmup_steps: int = 2
    rounds: int = 5
    compiled: bool = True
    preset: str = "baby"
    nanogpt_steps: int = 400
    seeds: tuple[int, ...] = (1, 2, 3)


def training_rows(text: Text, sizes: Sizes = Sizes()) -> Iterator[Ratio]:  # noqa: B008 - a constant
    """Measure all; some minutes."""
    with one_thread(), arithmetic(torch.device("cpu")):
        yield from _step_rows(text, sizes)
        yield from _learning_rows(text, sizes)
    yield _packing_row()


# Steps


def _step_rows(text: Text, sizes: Sizes) -> Iterator[Ratio]:
    has_compiler = shutil.which("gcc") or shutil.which("c++")
    ways = (False, True) if sizes.compiled and has_compiler else (False,)
    ours = {
        (recipe, own, compiled): _training(text, sizes, recipe, own, compiled)
        for recipe, own in (("modern", False), ("classic", False), ("modern", True))
        for compiled in ways
    }
    for training in ours.values():
        training.steps(sizes.warmup_steps)
    steps: dict[Any, Step] = {key: training.step for key, training in ours.items()}
    steps[_AGAINST] = _hugging_face(sizes)
    seconds = medians(steps, sizes.rounds)
    theirs = seconds.pop(_AGAINST)
    tokens = sizes.batch_size * sizes.shape[3]
    gpt2_bytes = _gpt2_bytes_per_token(text, sizes)
    for (recipe, own, compiled), ours_seconds in seconds.items():
        how = "compiled" if compiled else "eager"
        num_used = ours[recipe, own, compiled].num_tokens_used
        note = f"{tokens / ours_seconds:,.0f} and {tokens / theirs:,.0f} tokens a CPU-second; "
        note += f"the text uses {num_used:,} tokens"
        if own:
            gain = _bytes_per_token(text, sizes.own_vocab_size) / gpt2_bytes
            what = f"bytes of text, own vocabulary of {sizes.own_vocab_size}, {recipe}, {how}"
            yield Ratio(what, _AGAINST, 6.0, gain * theirs / ours_seconds, note)
        else:
            least = 3.2 if compiled else 1.8
            what = f"training step, vocabulary of {sizes.vocab_size}, {recipe}, {how}"
            yield Ratio(what, _AGAINST, least, theirs / ours_seconds, note)


def _training(text: Text, sizes: Sizes, recipe: str, own: bool, compiled: bool) -> Training:
    n_layer, n_head, n_embd, block_size = sizes.shape
    data = encoded(text.text, _bpe(text, sizes.own_vocab_size if own else sizes.used_vocab_size))
    if not own:  # GPT-2's cannot be had offline; a text of 15,027 words uses about as many of its
        data = of_ids(data.train.at(np.arange(len(data.train))), sizes.vocab_size)
    return Training(
        data,
        "tinystories",
        recipe=recipe,
        tied=recipe == "classic",
        n_layer=n_layer,
        n_head=n_head,
        n_embd=n_embd,
        block_size=block_size,
        batch_size=sizes.batch_size,
        max_iters=1000,
        warmup_iters=100,
        compile=compiled,
        device="cpu",
    )


def _hugging_face(sizes: Sizes) -> Step:
    from transformers import GPT2Config, GPT2LMHeadModel

    n_layer, n_head, n_embd, block_size = sizes.shape
    config = GPT2Config(
        vocab_size=sizes.vocab_size,
        n_positions=block_size,
        n_embd=n_embd,
        n_layer=n_layer,
        n_head=n_head,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    model = GPT2LMHeadModel(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    ids = torch.randint(sizes.vocab_size, (sizes.batch_size, block_size))

    def step() -> None:
        model(input_ids=ids, labels=ids).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    step()
    return step


def _gpt2_bytes_per_token(text: Text, sizes: Sizes) -> float:
    """As counted, or at most: a vocabulary of that size, trained on this very text."""
    data = text.text.encode()
    num_tokens = _GPT2_TOKENS.get(hashlib.sha256(data).hexdigest())
    return len(data) / num_tokens if num_tokens else _bytes_per_token(text, sizes.vocab_size)


def _bytes_per_token(text: Text, vocab_size: int) -> float:
    """Of the training part, by a vocabulary that was trained on the text."""
    data = encoded(text.text, _bpe(text, vocab_size))
    return data.train_bytes / len(data.train)


@lru_cache
def _bpe(text: Text, vocab_size: int) -> Tokenizer:
    return train_tokenizer([text.text], "bpe", vocab_size)


# Learning


class Learned(NamedTuple):
    """Where a training ended."""

    loss: float
    cpu_seconds: float


def _learning_rows(text: Text, sizes: Sizes) -> Iterator[Ratio]:
    """Both recipes by characters, at equal CPU-seconds; the means over the seeds."""
    classic = _learned(text, sizes, sizes.nanogpt_steps, **_NANOGPT)
    num_steps = round(sizes.nanogpt_steps * _pace(text, sizes))
    modern = _learned(text, sizes, num_steps)
    note = (
        f"{classic.loss:.3f} in {classic.cpu_seconds:.0f} CPU-s, {modern.loss:.3f} in "
        f"{modern.cpu_seconds:.0f}; {len(sizes.seeds)} seeds, {text.name}"
    )
    what, against = "nats per character lower, at equal CPU-seconds", "classic, as nanoGPT sets it"
    yield Ratio(what, against, 0.3, classic.loss - modern.loss, note)
    shorter = (_learned(text, sizes, max(1, round(share * num_steps))) for share in _SHARES)
    short = next((end for end in shorter if end.loss <= classic.loss), modern)
    note = f"{short.loss:.3f} in {short.cpu_seconds:.1f} CPU-s; {classic.loss:.3f} is to be reached"
    faster = classic.cpu_seconds / short.cpu_seconds if short.loss <= classic.loss else 0.0
    yield Ratio("times as soon at its end", against, 3.0, faster, note)


def _by_characters(
    text: Text, sizes: Sizes, num_steps: int, seed: int, **settings: Any
) -> Training:
    data = encoded(text.text, train_tokenizer([text.text], "characters"))
    settings = {"max_iters": num_steps, "seed": seed, "compile": False, "device": "cpu"} | settings
    return Training(data, sizes.preset, **settings)


def _learned(text: Text, sizes: Sizes, num_steps: int, **settings: Any) -> Learned:
    ends = []
    for seed in sizes.seeds:
        training = _by_characters(text, sizes, num_steps, seed, **settings)
        seconds = cpu_seconds(lambda: training.steps(num_steps))  # noqa: B023 - called at once
        ends.append(Learned(training.val_loss(), seconds))
    return Learned(*(statistics.mean(column) for column in zip(*ends, strict=True)))


def _pace(text: Text, sizes: Sizes) -> float:
    """Steps of ours in the CPU-seconds of one of nanoGPT's."""
    both = [_by_characters(text, sizes, 1000, 0, **settings) for settings in ({}, _NANOGPT)]
    ours, theirs = medians(dict(enumerate(t.step for t in both)), 6 * sizes.rounds).values()
    return theirs / ours


# Packing


def _packing_row(num_documents: int = 5000, window: int = 512) -> Ratio:
    """Useful tokens of an epoch of documents of 20 to 400 tokens; each once, or it is an error."""
    random = np.random.default_rng(0)
    lengths = random.integers(20, 401, num_documents)
    num_tokens = int(lengths.sum())
    stream = TokenStream([np.arange(num_tokens, dtype=np.uint32)], np.cumsum(lengths))
    loader = WindowLoader(stream, window, seed=1)
    _, targets = loader.next_batch(loader.windows_per_epoch)
    useful = targets[targets != IGNORED]
    assert np.array_equal(np.sort(useful), np.arange(num_tokens)), "a token was dropped"
    padded = lengths.mean() / lengths.max()
    note = f"{padded:.2f} when padded; none of {num_tokens:,} tokens dropped"
    what = "useful tokens of short documents, packed"
    return Ratio(what, "padding to the longest", 0.99, useful.size / targets.size, note)
