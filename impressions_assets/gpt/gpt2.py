"""The recipe `classic` as the GPT-2 that transformers knows, and a GPT-2 as our `classic`.

Notable choices: transformers' linear layers of GPT-2 (`Conv1D`) hold their matrices transposed, and
always have biases: where ours has none, zeros go out. No torch here: weights are NumPy arrays.
https://huggingface.co/docs/transformers/model_doc/gpt2
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from impressions_assets.errors import CheckpointError, ConfigError
from impressions_assets.gpt.config import ModelConfig

Weights = dict[str, npt.NDArray[Any]]

_OUTER = {
    "token_embedding": "wte",
    "position_embedding": "wpe",
    "norm": "ln_f",
}
_IN_BLOCK = {
    "attention_norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.expand": "mlp.c_fc",
    "mlp.projection": "mlp.c_proj",
}
_ACTIVATIONS = {"gelu": "exact", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}
_MASKS = (".attn.bias", ".attn.masked_bias")  # constants, kept by old versions
# What our model does not have; a GPT-2 that uses it computes something else.
_PLAIN = {
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}


def gpt2_config(shape: ModelConfig, vocab_size: int, end_of_text: int | None) -> dict[str, Any]:
    """The config.json of a classic model."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu" if shape.gelu == "exact" else "gelu_new",
        "n_layer": shape.n_layer,
        "n_head": shape.n_head,
        "n_embd": shape.n_embd,
        "n_positions": shape.block_size,
        "vocab_size": vocab_size,
        "attn_pdrop": shape.dropout,
        "embd_pdrop": shape.dropout,
        "resid_pdrop": shape.dropout,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": shape.tied,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "dtype": "float32",
    }


def to_gpt2(weights: Mapping[str, npt.NDArray[Any]], shape: ModelConfig) -> Weights:
    """Our weights by GPT-2's names; what its model has and ours has not is zero."""
    found = {}
    for ours, theirs in _modules(shape):
        weight = weights[f"{ours}.weight"]
        is_linear = _is_linear(theirs)
        found[f"{theirs}.weight"] = np.ascontiguousarray(weight.T) if is_linear else weight
        if ours not in ("token_embedding", "position_embedding"):
            zero = np.zeros(weight.shape[0], weight.dtype)
            found[f"{theirs}.bias"] = weights.get(f"{ours}.bias", zero)
    if not shape.tied:
        found["lm_head.weight"] = weights["head.weight"]
    return found


def shape_of(config: Mapping[str, Any], where: str) -> ModelConfig:
    """The shape that a GPT-2's config.json tells.

    Raises:
        ConfigError: it is no GPT-2, or one that computes what our model does not.
    """
    kind = config.get("model_type")
    if kind != "gpt2":
        raise ConfigError(
            f"cannot start from {where}: its model is of type {kind!r}, and only those of type "
            "'gpt2' fit the recipe classic"
        )
    for name, plain in _PLAIN.items():
        if config.get(name, plain) != plain:
            raise ConfigError(
                f"cannot start from {where}: its {name} is {config[name]!r}, and the recipe "
                f"classic computes with {plain!r}"
            )
    activation, width = config.get("activation_function", "gelu_new"), config.get("n_embd", 768)
    if activation not in _ACTIVATIONS or config.get("n_inner") not in (None, 4 * width):
        raise ConfigError(
            f"cannot start from {where}: its MLP has activation {activation!r} and inner width "
            f"{config.get('n_inner')}, and the recipe classic has a GELU and {4 * width}"
        )
    return ModelConfig(
        recipe="classic",
        n_layer=config.get("n_layer", 12),
        n_head=config.get("n_head", 12),
        n_embd=width,
        block_size=config.get("n_positions", 1024),
        bias=True,
        tied=config.get("tie_word_embeddings", True),
        gelu=_ACTIVATIONS[activation],  # type: ignore[arg-type] # of the two words
    )


def from_gpt2(weights: Mapping[str, npt.NDArray[Any]], shape: ModelConfig, where: str) -> Weights:
    """A GPT-2's weights by our names, cropped to the first `block_size` positions.

    Raises:
        CheckpointError: a weight is missing, or one is left over.
    """
    rest = {_plain_name(n): w for n, w in weights.items() if not n.endswith(_MASKS)}
    found = {}
    try:
        for ours, theirs in _modules(shape):
            name = _plain_name(theirs)
            weight = rest.pop(f"{name}.weight")
            found[f"{ours}.weight"] = np.ascontiguousarray(weight.T if _is_linear(name) else weight)
            if ours not in ("token_embedding", "position_embedding"):
                found[f"{ours}.bias"] = rest.pop(f"{name}.bias")
        if shape.tied:
            rest.pop("lm_head.weight", None)
        else:
            found["head.weight"] = rest.pop("lm_head.weight")
    except KeyError as error:
        raise CheckpointError(f"cannot start from {where}: it has no weight {error}") from error
    if rest:
        raise CheckpointError(
            f"cannot start from {where}: it has weights that no GPT-2 has: {sorted(rest)[0]!r}"
        )
    positions = found["position_embedding.weight"]
    found["position_embedding.weight"] = positions[: shape.block_size]
    return {name: array.astype(np.float32) for name, array in found.items()}


def _modules(shape: ModelConfig) -> Iterator[tuple[str, str]]:
    for ours, theirs in _OUTER.items():
        yield ours, f"transformer.{theirs}"
    for number in range(shape.n_layer):
        for ours, theirs in _IN_BLOCK.items():
            yield f"blocks.{number}.{ours}", f"transformer.h.{number}.{theirs}"


def _is_linear(theirs: str) -> bool:
    return theirs.rpartition(".")[2].startswith("c_")


def _plain_name(theirs: str) -> str:
    """GPT2Model, which the hub's own gpt2 is, has no `transformer.` before its names."""
    return theirs.removeprefix("transformer.")
