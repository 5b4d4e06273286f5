"""A checkpoint as a folder that transformers' own classes load: `classic` is a GPT2LMHeadModel.

`modern` takes two small files of code along (`modeling_impressions.py`), for `trust_remote_code`.
Weights are read and written as NumPy arrays, without torch; the same checkpoint gives the same
bytes. The whole vocabulary goes out, padding included, as the model has it.
"""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from impressions_assets.errors import CheckpointError, ConfigError
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.gpt2 import Weights, gpt2_config, to_gpt2
from impressions_assets.gpt.tokenizer import load_tokenizer
from impressions_assets.gpt.tokenizer_files import transformers_files

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_CODE = ("configuration_impressions.py", "modeling_impressions.py")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
FILES = (CONFIG, WEIGHTS, "generation_config.json", *_CODE, *_TOKENIZER)  # at most


class Saved(NamedTuple):
    """What a checkpoint says of itself."""

    meta: dict[str, Any]
    shape: ModelConfig


def read_meta(checkpoint: Path) -> Saved:
    """Read a checkpoint's meta.json, without torch."""
    meta = json.loads((checkpoint / "meta.json").read_bytes())
    # What was saved before there were recipes is classic.
    return Saved(meta, ModelConfig.model_validate({"recipe": "classic"} | meta["model"]))


def write_model(checkpoint: Path, folder: Path) -> list[Path]:
    """Write the model and its tokenizer into a folder; return the files, config.json last.

    Raises:
        CheckpointError: the checkpoint's weights are not those that its recipe has.
    """
    meta, shape = read_meta(checkpoint)
    weights = load_weights(checkpoint / WEIGHTS)
    texts = transformers_files(load_tokenizer(checkpoint / "tokenizer"), meta["context"])
    texts["generation_config.json"] = _json(_generation(meta))
    try:
        if shape.recipe == "classic":
            weights = to_gpt2(weights, shape)
            config = gpt2_config(shape, meta["vocab_size"], meta["end_of_text"])
        else:
            config = _modern_config(shape, meta)
            for name in _CODE:
                shutil.copyfile(Path(__file__).parent / name, folder / name)
    except KeyError as error:
        raise CheckpointError(
            f"{checkpoint} has no weight {error}: train the model anew"
        ) from error
    save_weights(weights, folder / WEIGHTS)
    texts[CONFIG] = _json(config)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    code = [folder / name for name in _CODE if shape.recipe == "modern"]
    return [folder / WEIGHTS, *code, *(folder / name for name in texts)]


def load_weights(path: Path) -> Weights:
    """Read tensors as arrays.

    Raises:
        ConfigError: safetensors is not installed.
        CheckpointError: the file cannot be read.
    """
    safetensors = _safetensors()
    try:
        weights: Weights = safetensors.load_file(path)
    except (OSError, ValueError, TypeError, _error()) as error:
        raise CheckpointError(f"cannot read the weights {path}: {error}") from error
    return weights


def save_weights(weights: Weights, path: Path) -> None:
    """Write arrays as tensors, in the form that transformers asks for."""
    _safetensors().save_file(weights, path, metadata={"format": "pt"})


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ConfigError(
            f"weights are kept by safetensors, and it cannot be imported ({error}):"
            " pip install 'impressions-assets[train]'"
        ) from error
    return safetensors.numpy


def _error() -> type[Exception]:
    from safetensors import SafetensorError

    return SafetensorError


def _modern_config(shape: ModelConfig, meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["ImpressionsForCausalLM"],
        "model_type": "impressions",
        "auto_map": {
            "AutoConfig": "configuration_impressions.ImpressionsConfig",
            "AutoModelForCausalLM": "modeling_impressions.ImpressionsForCausalLM",
        },
        "n_layer": shape.n_layer,
        "n_head": shape.n_head,
        "n_embd": shape.n_embd,
        "block_size": shape.block_size,
        "vocab_size": meta["vocab_size"],
        "tie_word_embeddings": shape.tied,
        "bos_token_id": meta["end_of_text"],
        "eos_token_id": meta["end_of_text"],
        "dtype": "float32",
    }


def _generation(meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "bos_token_id": meta["end_of_text"],
        "eos_token_id": meta["end_of_text"],
        "pad_token_id": meta["end_of_text"],
        "do_sample": True,
        "temperature": 0.8,
        "max_new_tokens": 200,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
