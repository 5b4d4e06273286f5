"""How fast models speak: ours against reading all anew for each token, and against transformers.

All at batch 1, one thread each, 499 tokens after one, with fresh weights of one size: what they say
is noise, and takes as long as sense. `python -m impressions_assets_tests.bench --only generation`.
"""

import copy
import statistics
from collections.abc import Callable, Iterator
from functools import partial

import torch

from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.model import GPT, model_of
from impressions_assets.gpt.sample import Generator
from impressions_assets.gpt.tokenizer import train_tokenizer
from impressions_assets_tests.bench.ratios import Ratio
from impressions_assets_tests.bench.turns import cpu_seconds, one_thread

_SHAPE = {"n_layer": 4, "n_head": 4, "n_embd": 256, "block_size": 512}
_VOCABULARY = 50_257
_TOKENS = 499
_TEMPERATURE = 0.8


def decode_ratios(repetitions: int = 5, num_tokens: int = _TOKENS) -> list[Ratio]:
    """Return how many times as fast as the others we are: the median of so many turns."""
    shapes = (
        ModelConfig(**_SHAPE),
        ModelConfig(recipe="classic", tied=True, **_SHAPE),
    )
    with one_thread():
        return [ratio for shape in shapes for ratio in _ratios(shape, repetitions, num_tokens)]


def _ratios(shape: ModelConfig, repetitions: int, num_tokens: int) -> Iterator[Ratio]:
    torch.manual_seed(0)
    model = model_of(shape, _VOCABULARY).eval()
    works = {
        "ours": _speaker(copy.deepcopy(model), num_tokens),
        "anew": partial(_anew, model, num_tokens),
        "theirs": _transformers_speaker(num_tokens),
    }
    if has_bfloat16 := "fbgemm" in torch.backends.quantized.supported_engines:
        works["rounded"] = _speaker(copy.deepcopy(model), num_tokens, torch.bfloat16)
    turns = [{n: cpu_seconds(work) for n, work in works.items()} for _ in range(repetitions)]

    def times(slower: str, faster: str) -> float:
        return statistics.median(turn[slower] / turn[faster] for turn in turns)

    what = f"generation, vocabulary {_VOCABULARY}, {num_tokens} tokens, {shape.recipe}"
    anew = "reading the whole context for each token"
    note = "" if has_bfloat16 else "in bfloat16 7 are asked, where FBGEMM runs: here it does not"
    yield Ratio(what, anew, 4.4, times("anew", "ours"), note)
    yield Ratio(what, "transformers' GPT2LMHeadModel and cache", 1, times("theirs", "ours"))
    if has_bfloat16:
        yield Ratio(f"{what}, bfloat16", anew, 7, times("anew", "rounded"))


def _speaker(model: GPT, num_tokens: int, dtype: torch.dtype = torch.float32) -> Callable[[], None]:
    """Our own engine, from the prompt's ids to text."""
    characters = "".join(map(chr, range(0x100, 0x100 + _VOCABULARY - 2)))  # and two specials
    tokenizer = train_tokenizer([characters], "characters")
    generator = Generator(model, tokenizer, _SHAPE["block_size"], dtype)

    def speak() -> None:
        said = generator.generate("", num_tokens, True, seed=0, temperature=_TEMPERATURE)
        assert len(said) == num_tokens, "the end of the text came up: take another seed"

    return speak


@torch.inference_mode()
def _anew(model: GPT, num_tokens: int) -> None:
    """nanoGPT's `generate`: the head reads the last position only."""
    ids = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(num_tokens):
        logits = model.logits(model.hidden(ids, None)[:, -1]).float()
        chances = (logits / _TEMPERATURE).softmax(1)
        ids = torch.cat((ids, torch.multinomial(chances, 1)), dim=1)


def _transformers_speaker(num_tokens: int) -> Callable[[], None]:
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = GPT2Config(
        vocab_size=_VOCABULARY,
        n_layer=_SHAPE["n_layer"],
        n_head=_SHAPE["n_head"],
        n_embd=_SHAPE["n_embd"],
        n_positions=_SHAPE["block_size"],
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(shape).eval()
    ids = torch.zeros(1, 1, dtype=torch.long)

    def speak() -> None:
        said = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            temperature=_TEMPERATURE,
            top_k=0,
            max_new_tokens=num_tokens,
            use_cache=True,
            pad_token_id=0,
        )
        assert said.shape == (1, 1 + num_tokens)

    return speak
