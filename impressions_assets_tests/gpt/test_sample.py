"""Generation: seeded, whole characters, beyond the context, and honest about wrong values."""

import shutil
from itertools import pairwise
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from impressions_assets.errors import CheckpointError, ConfigError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.choose import Chooser
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.decode import Decoder
from impressions_assets.gpt.layout import laid_out
from impressions_assets.gpt.model import model_of
from impressions_assets.gpt.sample import Generator, is_loop
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.gpt.tokenizer import Tokenizer, train_tokenizer
from impressions_assets.gpt.trainer import train
from impressions_assets_tests.gpt.driving import trained as driven

SHAPE = ModelConfig(recipe="classic", tied=True, n_layer=1, n_head=2, n_embd=16, block_size=12)
FBGEMM = "fbgemm" in torch.backends.quantized.supported_engines
PLAIN = {"temperature": 1.0, "top_k": None, "top_p": None, "repetition_penalty": 1.0}


def untrained(tokenizer: Tokenizer, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    return Generator(model_of(SHAPE, tokenizer.vocab_size), tokenizer, context=12)


@pytest.fixture(scope="module")
def characters() -> Tokenizer:
    return train_tokenizer(["abcdefghijklmnop"], "characters")


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("trained")
    with StopRequest() as stop:
        train(corpus.run(out_dir, max_iters=60, learning_rate=1e-2), lambda _: None, stop)
    return out_dir / "best"


def test_a_checkpoint_speaks_like_its_text(trained):
    text = Generator.load(trained, "cpu").generate("In the ", 300, seed=1)
    assert len(text) > 100
    assert text.count(" ") > 20


def test_the_same_seed_gives_the_same_text(trained):
    speaker = Generator.load(trained, "cpu")
    assert speaker.generate("All", 80, seed=5) == speaker.generate("All", 80, seed=5)
    assert speaker.generate("All", 80, seed=5) != speaker.generate("All", 80, seed=6)


def test_pieces_joined_are_the_text(trained):
    speaker = Generator.load(trained, "cpu")
    assert "".join(speaker.stream("At", 50, seed=2)) == speaker.generate("At", 50, seed=2)


def test_it_goes_on_beyond_the_context(characters):
    lengths = [len(untrained(characters).generate("abc", 100, seed=seed)) for seed in range(40)]
    assert max(lengths) > 5 * SHAPE.block_size


def test_a_prompt_longer_than_the_context_counts_by_its_end(characters):
    speaker = untrained(characters)
    long = "mnop" * 5 + "abcdefghijkl"
    assert speaker.generate(long, 8, temperature=0) == speaker.generate(
        "abcdefghijkl", 8, temperature=0
    )


def test_greedy_generation_with_the_cache_is_greedy_generation_without(characters):
    torch.manual_seed(3)
    model = model_of(SHAPE, characters.vocab_size).eval()
    ids = characters.encode("abc")
    with torch.inference_mode():
        for _ in range(8):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    expected = characters.decode(ids[3:]).split("\0")[0]
    assert Generator(model, characters, 12).generate("abc", 8, temperature=0) == expected


def test_characters_of_several_bytes_come_whole():
    tokenizer = train_tokenizer(["日本語とemoji 🌦️ "], "bpe", 257)
    pieces = list(untrained(tokenizer, seed=4).stream("🌦", 400, seed=0))
    assert "".join(pieces) == "".join(pieces).encode().decode()
    whole = "日本語".encode()
    ids = [t for t in range(tokenizer.vocab_size) if len(tokenizer.token_bytes(t)) == 1]
    by_byte = {tokenizer.token_bytes(t): t for t in ids}

    class Scripted(Chooser):
        """Says given tokens, one byte each."""

        def choose(self, logits_BV, recent, random):
            return [next(script)]

    script = iter(by_byte[whole[i : i + 1]] for i in range(len(whole)))
    speaker = untrained(tokenizer)
    scripted = Scripted(**PLAIN)
    said = [piece for _, piece in speaker._speak([[0]], len(whole), scripted)]
    assert said == ["日", "本", "語"]
    script = iter(by_byte[whole[i : i + 1]] for i in range(len(whole)))
    said = [piece for _, piece in speaker._speak([[0]], len(whole) - 1, scripted)]
    assert said == ["日", "本"]


def test_the_end_of_a_text_ends_generation(characters):
    speaker = untrained(characters)
    with torch.no_grad():
        embedding = speaker._model.token_embedding.weight
        embedding[:] = 0
        embedding[characters.end_of_text] = 1
        speaker._model.norm.weight[:] = 0
        speaker._model.norm.weight[0] = 1
    lengths = [len(speaker.generate("abc", 500, seed=seed)) for seed in range(3)]
    assert max(lengths) < 500


def chosen(logits: list[float], recent: list[int] | None = None, **settings) -> set[int]:
    chooser, draws = Chooser(**(PLAIN | settings)), [Random(seed) for seed in range(300)]
    return set(chooser.choose(torch.tensor([logits] * 300), [recent or []] * 300, draws))


def test_temperature_zero_takes_the_likeliest():
    assert chosen([0.0, 0.1, 0.0], temperature=0) == {1}


def test_top_k_keeps_the_k_likeliest():
    assert chosen([1.0, 1.1, 1.2, 1.3], top_k=2) == {2, 3}
    assert chosen([1.0, 1.1, 1.2, 1.3], top_k=99) == {0, 1, 2, 3}


def test_top_p_keeps_the_fewest_that_reach_it():
    halves = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().tolist()
    assert chosen(halves, top_p=0.4) == {0}
    assert chosen(halves, top_p=0.7) == {0, 1}
    assert chosen(halves, top_p=1.0) == {0, 1, 2, 3}


def test_min_p_keeps_what_is_likely_beside_the_likeliest():
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().tolist()
    assert chosen(shares, min_p=0.5) == {0, 1}
    assert chosen(shares, min_p=0.2) == {0, 1, 2}
    assert chosen(shares, min_p=0.0) == {0, 1, 2, 3}


@given(st.lists(st.integers(0, 9), max_size=50), st.lists(st.integers(0, 9), min_size=1))
def test_the_same_again_and_again_is_a_loop(before, span):
    span = span[:64]
    again = span * max(4, -(-32 // len(span)))
    assert is_loop(before + again, len(before))
    assert not is_loop(before + again, len(before) + len(again) - 31)


def test_what_comes_twice_or_thrice_is_no_loop():
    assert not is_loop([*range(20)] * 3, 0)
    assert not is_loop([5] * 31, 0)
    assert not is_loop([n % 97 * n % 89 for n in range(900)], 0)


def test_a_text_that_turns_in_a_loop_ends(characters):
    class Stuck(Chooser):
        """Says two letters in turn."""

        def choose(self, logits_BV, recent, random):
            return [(ids[-1] + 1) % 2 for ids in recent]

    speaker = untrained(characters)
    assert "".join(p for _, p in speaker._speak([[0]], 500, Stuck())) == "ba" * 16
    assert len(list(speaker._speak([[0]], 500, Stuck(), may_loop=True))) == 500


def test_a_repetition_penalty_holds_back_what_was_said():
    assert chosen([2.0, 1.5, -9.0], recent=[0], temperature=0, repetition_penalty=2.0) == {1}
    assert chosen([-1.0, -1.5], recent=[0], temperature=0, repetition_penalty=2.0) == {1}


def test_a_higher_temperature_says_rarer_things():
    def share_of_likeliest(temperature: float) -> float:
        chooser = Chooser(**(PLAIN | {"temperature": temperature}))
        draws = [Random(seed) for seed in range(500)]
        said = chooser.choose(torch.tensor([[1.0, 0.0]] * 500), [[]] * 500, draws)
        return said.count(0) / 500

    shares = [share_of_likeliest(t) for t in (0.3, 1.0, 5.0)]
    assert all(colder > hotter for colder, hotter in pairwise(shares))


def test_tokens_come_as_often_as_they_are_probable():
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05])
    draws = [Random(seed) for seed in range(20_000)]
    said = Chooser(temperature=1).choose(shares.log().expand(20_000, 4), [[]] * 20_000, draws)
    found = torch.tensor(said).bincount() / 20_000
    torch.testing.assert_close(found, shares, atol=0.015, rtol=0)


def test_a_nucleus_of_many_tokens_is_found_among_all():
    flat = torch.cat((torch.zeros(2000), torch.full((2000,), -9.0)))
    draws = [Random(seed) for seed in range(50)]
    said = Chooser(temperature=1, top_p=0.9).choose(flat.expand(50, 4000), [[]] * 50, draws)
    assert max(said) < 2000
    assert len(set(said)) > 40


@pytest.mark.parametrize("how", [{}, {"temperature": 0}, {"top_p": 0.9, "repetition_penalty": 1.2}])
def test_a_text_is_the_same_alone_and_among_others(characters, how):
    speaker = untrained(characters)
    prompts = ["abcdefghijklmnop", "", "a", *("bcd" * n for n in range(20))]
    together = speaker.generate_many(prompts, 40, seed=7, **how)
    alone = [speaker.generate(prompt, 40, seed=7 + n, **how) for n, prompt in enumerate(prompts)]
    assert together == alone
    assert how.get("temperature") == 0 or len(set(map(len, together))) > 5  # each ends by itself


def test_no_prompts_say_nothing(characters):
    assert untrained(characters).generate_many([], 9) == []
    assert untrained(characters).generate_many(["a", "b"], 0) == ["", ""]


@pytest.mark.parametrize("changes", [{}, {"recipe": "modern", "tied": False}])
def test_steps_of_one_shape_read_the_same_beyond_the_context(changes):
    """As a CUDA graph takes them: each looks at the whole cache."""
    torch.manual_seed(1)
    model = model_of(ModelConfig(**(SHAPE.model_dump() | changes)), 30).eval()
    texts = [[1, 2, 3], [4], list(range(9))]
    plain, fixed = (Decoder(model, 12, 3, 0, same_shape) for same_shape in (False, True))
    for decoder in (plain, fixed):
        for place, ids in enumerate(texts):
            decoder.read(place, ids)
    for _ in range(40):
        logits = plain.step(texts)
        torch.testing.assert_close(fixed.step(texts), logits, atol=1e-5, rtol=1e-4)
        texts = [[*ids, int(row.argmax())] for ids, row in zip(texts, logits, strict=True)]


@pytest.mark.gpu
def test_a_recorded_step_says_the_same(trained):
    cpu, cuda = Generator.load(trained, "cpu"), Generator.load(trained, "cuda", "float32")
    prompts = ["In the morning the", "A", ""]
    assert cuda.generate_many(prompts, 200, seed=1) == cpu.generate_many(prompts, 200, seed=1)


@pytest.mark.parametrize("recipe", ["classic", "modern"])
@pytest.mark.parametrize("engines", [None, []])
def test_bfloat16_speaks_nearly_as_float32(recipe, engines, corpus, tmp_path, monkeypatch):
    if engines is not None:  # as on ARM
        monkeypatch.setattr(type(torch.backends.quantized), "supported_engines", engines)
    driven(corpus.run(tmp_path, recipe=recipe, max_iters=20))
    exact = Generator.load(tmp_path / "best", "cpu")
    rounded = Generator.load(tmp_path / "best", "cpu", "bfloat16")
    ids = corpus.tokenizer.encode("In the evening")
    logits = [Decoder(g._model, 16, 1, 0) for g in (exact, rounded)]
    for decoder in logits:
        decoder.read(0, ids)
    expected, found = (decoder.step([ids])[0] for decoder in logits)
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0.05)


@pytest.mark.parametrize("tied", [True, False])
def test_in_float32_the_heads_matrix_lies_by_columns(tied):
    model = laid_out(model_of(SHAPE.model_copy(update={"tied": tied}), 50), torch.float32)
    assert model.head_weight.stride() == (1, 50)


@pytest.mark.skipif(not FBGEMM, reason="packed by FBGEMM, which this CPU has not")
@pytest.mark.parametrize(
    "changes",
    [{"recipe": "classic"}, {"recipe": "classic", "tied": True, "bias": True}, {}, {"tied": True}],
)
def test_packed_weights_are_those_rounded_to_bfloat16(changes, corpus, tmp_path):
    driven(corpus.run(tmp_path, max_iters=20, **changes))
    rounded = Checkpoint.open(tmp_path / "best").model()
    for weight in rounded.parameters():
        weight.data = weight.data.bfloat16().float()
    packed = laid_out(Checkpoint.open(tmp_path / "best").model(), torch.bfloat16)
    assert not [module for module in packed.blocks.modules() if isinstance(module, nn.Linear)]
    assert packed.head is None or packed.head.weight.numel() == 0  # not held twice
    ids = torch.tensor([corpus.tokenizer.encode("In the evening")])
    with torch.inference_mode():
        torch.testing.assert_close(packed.eval()(ids), rounded.eval()(ids), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.5},
        {"min_p": 2},
        {"repetition_penalty": 0},
    ],
)
def test_a_value_that_makes_no_sense_is_named_before_anything_is_said(characters, wrong):
    name = next(iter(wrong))
    with pytest.raises(ConfigError, match=f"{name} .*must be"):
        untrained(characters).stream("abc", 5, **wrong)


def test_a_checkpoint_with_another_tokenizer_is_refused(trained, tmp_path, characters):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    characters.save(copy / "tokenizer")
    with pytest.raises(CheckpointError, match="tokenizer"):
        Generator.load(copy, "cpu")
