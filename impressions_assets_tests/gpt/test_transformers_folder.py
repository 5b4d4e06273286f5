"""What transformers loads from our folders: the same logits, the same ids, text with its cache."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from impressions_assets.gpt.checkpoint import Checkpoint, save_checkpoint, untrained_meta
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.model import model_of
from impressions_assets.gpt.symbols import learn_words, read_json_vocabulary
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from impressions_assets.gpt.transformers_folder import write_model

SHAPE = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 24}
KINDS = {
    "classic": ({"recipe": "classic", "tied": True, **SHAPE}, "bpe"),
    "classic-untied": ({"recipe": "classic", "bias": True, "gelu": "tanh", **SHAPE}, "characters"),
    "modern": (SHAPE, "bpe"),
    "modern-tied": ({"tied": True, **SHAPE}, "words"),
    "modern-marking": (SHAPE, "marked words"),
}
TEXT = "The weather is what it's: cold, wet; aaaa aaa aaaaaaa. 日本語 and émigré 12345 " * 9
PARTS = (
    *("a", "aa", "the ", "it's ", "’", "é", "e\u0301", "🙂", "日本", "क\u093f", "ſ", "Ａ", "\x1c"),
    *("  ", "\n", "\r\n", "\t", "\x85", "\xa0", "12345", "½", "Ⅷ", "_", "-", "...", "\x00"),
    *("<|endoftext|>", "<unk>", "weather", "aaaaaaa"),
)


def hard_texts(number: int) -> list[str]:
    chance = random.Random(0)
    return [TEXT, "", *("".join(chance.choices(PARTS, k=1 + n % 50)) for n in range(number))]


def checkpoint_of(folder: Path, shape: ModelConfig, tokenizer: Tokenizer) -> Path:
    """A checkpoint of weights that no training gave; none of them is zero."""
    torch.manual_seed(1)
    model = model_of(shape, tokenizer.vocab_size)
    model.expect(torch.arange(tokenizer.vocab_size))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    meta = untrained_meta(shape, tokenizer)
    tokenizer_dir = folder.parent / f"{folder.name}-tokenizer"
    tokenizer.save(tokenizer_dir)
    save_checkpoint(folder, meta, model.state_dict(), {}, tokenizer_dir)
    return folder


def tokenizer_of(kind: str) -> Tokenizer:
    # Few words, so that many are unknown.
    return learn_words([TEXT], 90, "mark") if " " in kind else train_tokenizer([TEXT], kind, 500)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("checkpoints")
    return {
        name: checkpoint_of(place / name, ModelConfig(**shape), tokenizer_of(kind))
        for name, (shape, kind) in KINDS.items()
    }


@pytest.fixture(scope="module")
def folders(checkpoints, tmp_path_factory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("folders")
    for name, checkpoint in checkpoints.items():
        (place / name).mkdir()
        write_model(checkpoint, place / name)
    return {name: place / name for name in checkpoints}


@pytest.fixture(scope="module")
def replies(folders, tmp_path_factory) -> dict[str, dict]:
    place = tmp_path_factory.mktemp("process")
    request = {
        "folders": [str(folder) for folder in folders.values()],
        "ids": ids_of_batch().tolist(),
        "texts": hard_texts(300),
    }
    (place / "request.json").write_text(json.dumps(request))
    module = "impressions_assets_tests.gpt.in_transformers"
    command = [sys.executable, "-m", module, place / "request.json", place / "replies.json"]
    subprocess.run(
        command, check=True, env={**os.environ, "HF_HOME": str(place / "hf"), "HF_HUB_OFFLINE": "1"}
    )
    found = json.loads((place / "replies.json").read_text("utf-8"))
    return {name: found[str(folder)] for name, folder in folders.items()}


def ids_of_batch() -> torch.Tensor:
    return torch.randint(1, 30, (2, 20), generator=torch.Generator().manual_seed(5))


each_kind = pytest.mark.parametrize("name", KINDS)


@pytest.mark.slow
@each_kind
def test_transformers_computes_our_logits(name, checkpoints, replies):
    model = Checkpoint.open(checkpoints[name]).model().eval()
    with torch.inference_mode():
        expected = model(ids_of_batch())
    found = torch.tensor(replies[name]["logits"])
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.slow
@each_kind
def test_every_weight_finds_its_place(name, replies):
    is_classic = name.startswith("classic")
    assert replies[name]["class"] == ("GPT2LMHeadModel" if is_classic else "ImpressionsForCausalLM")
    assert replies[name]["loading"] == {}


@pytest.mark.slow
@each_kind
def test_transformers_generates_with_its_cache_what_our_logits_say(name, checkpoints, replies):
    model = Checkpoint.open(checkpoints[name]).model().eval()
    ids = ids_of_batch()[:, :4]
    with torch.inference_mode():
        for _ in range(6):
            ids = torch.cat((ids, model(ids)[:, -1:].argmax(-1)), dim=1)
    assert replies[name]["said"] == ids.tolist()
    assert replies[name]["said_after_padding"] == ids.tolist()


@pytest.mark.slow
@each_kind
def test_transformers_tokenizer_gives_our_ids(name, checkpoints, replies):
    tokenizer = load_tokenizer(checkpoints[name] / "tokenizer")
    assert replies[name]["ids"] == [tokenizer.encode(text) for text in hard_texts(300)]
    assert replies[name]["end"] == tokenizer.end_of_text
    if KINDS[name][1] == "bpe":
        assert replies[name]["texts"] == hard_texts(300)


@each_kind
def test_the_same_checkpoint_gives_the_same_bytes(name, checkpoints, folders, tmp_path):
    write_model(checkpoints[name], tmp_path)
    first, again = (
        {p.name: p.read_bytes() for p in f.iterdir()} for f in (folders[name], tmp_path)
    )
    assert first == again


def test_a_tokenizer_that_transformers_cannot_have_is_left_out(tmp_path):
    (tmp_path / "vocabulary.json").write_text('{"the": 0, "t": 1, "h": 2}')
    tokenizer = read_json_vocabulary(tmp_path / "vocabulary.json")
    checkpoint = checkpoint_of(tmp_path / "made", ModelConfig(**SHAPE), tokenizer)
    (tmp_path / "out").mkdir()
    names = {file.name for file in write_model(checkpoint, tmp_path / "out")}
    assert "model.safetensors" in names
    assert not {name for name in names if "tokenizer" in name}
