"""Starting from a GPT-2 that transformers saved: its logits, and what does not fit is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from impressions_assets.errors import CheckpointError, ConfigError, TokenizerError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.model import model_of
from impressions_assets.gpt.pretrained import Pretrained, pretrained
from impressions_assets.gpt.tokenizer import load_tokenizer, train_tokenizer
from impressions_assets.gpt.tokenizer_files import transformers_files
from impressions_assets.gpt.transformers_folder import load_weights, save_weights, write_model
from impressions_assets_tests.gpt.driving import trained
from impressions_assets_tests.gpt.test_transformers_folder import SHAPE, TEXT, checkpoint_of

TINY = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 16, "dropout": 0.0}
_MAKE = """
import sys, torch
from transformers import GPT2Config, GPT2LMHeadModel
torch.manual_seed(3)
shape = {"n_layer": 2, "n_head": 2, "n_embd": 32, "n_positions": 16}
model = GPT2LMHeadModel(GPT2Config(vocab_size=int(sys.argv[2]), **shape)).eval()
with torch.no_grad():
    for weight in model.parameters():
        weight.add_(torch.randn_like(weight) * 0.1)
model.save_pretrained(sys.argv[1])
ids = torch.randint(int(sys.argv[2]), (2, 16), generator=torch.Generator().manual_seed(4))
torch.save({"ids": ids, "logits": model(ids).logits.detach()}, sys.argv[1] + "/answers.pt")
"""


@pytest.fixture(scope="module")
def gpt2(corpus, tmp_path_factory) -> Path:
    """A GPT2LMHeadModel, as transformers makes and saves it, with the corpus's tokenizer."""
    folder = tmp_path_factory.mktemp("gpt2")
    num_ids = str(corpus.tokenizer.vocab_size)
    subprocess.run([sys.executable, "-c", _MAKE, str(folder), num_ids], check=True)
    for name, text in transformers_files(corpus.tokenizer, 16).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def exported(corpus, tmp_path) -> Path:
    """The same by our own export, which needs no transformers."""
    shape = ModelConfig(recipe="classic", tied=True, bias=True, gelu="tanh", **TINY)
    checkpoint = checkpoint_of(tmp_path / "made", shape, corpus.tokenizer)
    (tmp_path / "out").mkdir()
    write_model(checkpoint, tmp_path / "out")
    return tmp_path / "out"


def loaded(folder: Path, **changes):
    found = Pretrained(folder)
    shape = found.shape.model_copy(update=changes)
    model = model_of(shape, found.config["vocab_size"]).eval()
    model.load_state_dict({n: torch.from_numpy(w) for n, w in found.weights(shape).items()})
    return model


def shape_settings(folder: Path) -> dict:
    return Pretrained(folder).shape.model_dump(exclude={"dropout"}) | {"dropout": 0.0}


@pytest.mark.slow
def test_our_logits_are_those_of_transformers(gpt2):
    answers = torch.load(gpt2 / "answers.pt", weights_only=True)
    with torch.inference_mode():
        found = loaded(gpt2)(answers["ids"])
        short = loaded(gpt2, block_size=5)(answers["ids"][:, :5])
    torch.testing.assert_close(found, answers["logits"], atol=1e-4, rtol=0)
    torch.testing.assert_close(short, answers["logits"][:, :5], atol=1e-4, rtol=0)


@pytest.mark.slow
def test_a_training_starts_from_it(gpt2, corpus, tmp_path):
    run = corpus.run(tmp_path, init_from=gpt2, max_iters=0, **shape_settings(gpt2))
    trained(run)
    answers = torch.load(gpt2 / "answers.pt", weights_only=True)
    with torch.inference_mode():
        found = Checkpoint.open(tmp_path / "best").model().eval()(answers["ids"])
    torch.testing.assert_close(found, answers["logits"], atol=1e-4, rtol=0)


def test_what_went_out_comes_in_and_learns(exported, corpus, tmp_path):
    shape = shape_settings(exported)
    run = corpus.run(tmp_path / "run", init_from=exported, learning_rate=1e-2, **shape)
    result = trained(run)
    assert result.history[0].val_loss > result.best_val_loss
    meta = Checkpoint.open(tmp_path / "run" / "best").meta
    assert meta.started_from == Pretrained(exported).digest
    assert result.steps == 30


def test_a_shorter_context_takes_the_first_positions(exported):
    ids = torch.arange(7)[None]
    with torch.inference_mode():
        torch.testing.assert_close(loaded(exported, block_size=7)(ids), loaded(exported)(ids))


def test_names_without_a_prefix_and_old_masks_are_read_too(exported):
    ids, before = torch.arange(9)[None], loaded(exported)
    weights = load_weights(exported / "model.safetensors")
    plain = {name.removeprefix("transformer."): weight for name, weight in weights.items()}
    mask = plain["wte.weight"][:1, :1].copy()
    save_weights(plain | {"h.0.attn.bias": mask}, exported / "model.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(loaded(exported)(ids), before(ids))


def change(folder: Path, **config) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | config))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "llama"}, "of type 'llama', and only those of type 'gpt2' fit"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
        ({"activation_function": "relu"}, "activation 'relu'"),
        ({"n_inner": 99}, "inner width 99"),
    ],
)
def test_what_our_model_does_not_compute_is_refused(exported, config, says):
    change(exported, **config)
    with pytest.raises(ConfigError, match=says):
        Pretrained(exported)


@pytest.mark.parametrize("changes", [{"n_layer": 3}, {"block_size": 17}, {"gelu": "exact"}])
def test_settings_of_another_shape_are_refused_by_name(exported, corpus, tmp_path, changes):
    run = corpus.run(tmp_path / "run", init_from=exported, **(shape_settings(exported) | changes))
    with pytest.raises(ConfigError, match=f"its weights have {next(iter(changes))}"):
        trained(run)


def test_weights_of_another_tokenizer_are_refused(exported, corpus, tmp_path):
    other = train_tokenizer([TEXT], "characters")
    for name, text in transformers_files(other, 16).items():
        (exported / name).write_text(text)
    run = corpus.run(tmp_path / "run", init_from=exported, **shape_settings(exported))
    with pytest.raises(TokenizerError, match="speak another tokenizer: id .* is .* there"):
        trained(run)
    (exported / "tokenizer.json").unlink()
    with pytest.raises(TokenizerError, match="neither vocab.json nor tokenizer.json"):
        trained(run)


def test_weights_of_another_size_or_missing_are_refused(exported, corpus, tmp_path):
    change(exported, vocab_size=7)
    tokenizer = load_tokenizer(corpus.tokenizer_dir)
    with pytest.raises(CheckpointError, match="weights have 7 ids, the tokenizer"):
        Pretrained(exported).check_speaks(tokenizer)
    weights = load_weights(exported / "model.safetensors")
    weights.pop("transformer.h.1.mlp.c_fc.bias")
    save_weights(weights, exported / "model.safetensors")
    with pytest.raises(CheckpointError, match="has no weight 'h.1.mlp.c_fc.bias'"):
        loaded(exported)


def test_pickled_weights_are_not_read(exported):
    shutil.move(exported / "model.safetensors", exported / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="pickled weights .* are not read"):
        Pretrained(exported)


def test_vocab_json_of_gpt2_tells_the_ids_as_well(tmp_path):
    tokenizer = train_tokenizer([TEXT], "bpe", 300)
    checkpoint = checkpoint_of(tmp_path / "c", ModelConfig(recipe="classic", **SHAPE), tokenizer)
    (tmp_path / "out").mkdir()
    write_model(checkpoint, tmp_path / "out")
    path = tmp_path / "out" / "tokenizer.json"
    vocabulary = json.loads(path.read_bytes())["model"]["vocab"]
    path.unlink()
    (tmp_path / "out" / "vocab.json").write_text(json.dumps(vocabulary | {"<|endoftext|>": 299}))
    Pretrained(tmp_path / "out").check_speaks(tokenizer)
    swapped = vocabulary | {"a": vocabulary["b"], "b": vocabulary["a"]}
    (tmp_path / "out" / "vocab.json").write_text(json.dumps(swapped))
    with pytest.raises(TokenizerError, match="speak another tokenizer"):
        Pretrained(tmp_path / "out").check_speaks(tokenizer)


def test_a_name_is_fetched_from_what_the_hub_left_on_disk(exported, tmp_path, monkeypatch):
    """HF_HUB_OFFLINE is obeyed: the cache is laid out as the hub's client lays it out."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / "models--someone--small-gpt2"
    shutil.copytree(exported, place / "snapshots" / ("c" * 40))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("c" * 40)
    found = pretrained("someone/small-gpt2")
    assert (found.name, found.digest) == ("someone/small-gpt2", Pretrained(exported).digest)
    with pytest.raises(ConfigError, match="cannot fetch someone/else from the Hugging Face hub"):
        pretrained("someone/else")
