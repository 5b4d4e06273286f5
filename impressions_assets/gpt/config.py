"""What a model is and how it is trained, as plain settings: free of torch, for anyone to import.

The names are nanoGPT's (github.com/karpathy/nanoGPT, train.py), so its habits carry over. A preset
by size gives the shape of the model, a preset by length gives how long to train; every setting can
be overridden, by name, in layers: `resolve("baby", "quick", from_channel, from_flags)`.
"""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from impressions_assets.errors import ConfigError

Device = Literal["auto", "cpu", "cuda", "mps"]
Recipe = Literal["modern", "classic"]
Gelu = Literal["exact", "tanh"]
DType = Literal["auto", "float32", "bfloat16", "float16"]


# How a training computes and what it shows: with others it is the same training.
OF_NO_WEIGHT = frozenset(
    ("device", "log_interval", "compile", "processes", "activation_checkpointing", "tensorboard")
)


class ModelConfig(BaseModel):
    """The shape of a GPT; the size of its vocabulary comes from the tokenizer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Annotated[Recipe, Field(description="modern, or classic: nanoGPT's GPT-2")] = "modern"
    n_layer: Annotated[int, Field(ge=1, description="blocks")] = 6
    n_head: Annotated[int, Field(ge=1, description="attention heads; must divide n_embd")] = 6
    n_embd: Annotated[int, Field(ge=1, description="width of the residual stream")] = 384
    block_size: Annotated[int, Field(ge=1, description="context, in tokens")] = 256
    dropout: Annotated[
        float, Field(ge=0, lt=1, description="share dropped; grows with the passes if not given")
    ] = 0.0
    bias: Annotated[bool, Field(description="biases, in the recipe classic only")] = False
    tied: Annotated[bool, Field(description="one matrix for embedding and head")] = False
    gelu: Annotated[
        Gelu, Field(description="exact, or tanh as in GPT-2's weights; in the recipe classic only")
    ] = "exact"

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}; "
                f"{self.n_embd - self.n_embd % self.n_head or self.n_head} is"
            )
        head_size = self.n_embd // self.n_head
        if self.recipe == "modern" and head_size % 2:
            raise ValueError(
                f"n_embd {self.n_embd} / n_head {self.n_head} is {head_size}, and recipe modern "
                "turns pairs of dimensions: choose an even size of a head, or recipe classic"
            )
        if self.recipe == "modern" and (self.bias or self.gelu != "exact"):
            raise ValueError(
                f"recipe modern has neither biases (bias is {self.bias}) nor a GELU (gelu is "
                f"{self.gelu!r}); leave them out, or choose recipe classic"
            )
        return self


class TrainConfig(BaseModel):
    """How to train: length, evaluation, optimizer, device.

    Without `max_iters` and `max_epochs` training goes on until it is stopped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_iters: Annotated[int | None, Field(ge=0, description="length in steps")] = None
    max_epochs: Annotated[float | None, Field(gt=0, description="length in epochs")] = None
    max_seconds: Annotated[float | None, Field(gt=0, description="stop after so long")] = None
    eval_interval: Annotated[int, Field(ge=1, description="steps between evaluations")] = 250
    eval_iters: Annotated[int, Field(ge=1, description="batches in an evaluation at most")] = 100
    log_interval: Annotated[int, Field(ge=1, description="steps between log lines")] = 10
    save_every: Annotated[int | None, Field(ge=1, description="also keep each n-th step")] = None
    save_each_epoch: Annotated[bool, Field(description="also keep each epoch")] = False
    patience: Annotated[
        int | None, Field(ge=1, description="stop after n evaluations that are no better")
    ] = None
    batch_size: Annotated[int, Field(ge=1, description="windows in a micro-batch")] = 12
    gradient_accumulation_steps: Annotated[int, Field(ge=1, description="micro-batches")] = 1
    learning_rate: Annotated[
        float, Field(gt=0, description="highest; 5e-3, or 1e-3 (classic), if not given")
    ] = 1e-3
    min_lr: Annotated[
        float | None, Field(ge=0, description="lowest; a tenth of the highest if not given")
    ] = None
    decay_lr: Annotated[bool, Field(description="warm up, then decay by a cosine")] = True
    warmup_iters: Annotated[
        int | None, Field(ge=0, description="steps of warmup; 5% of the length, at most 500")
    ] = None
    lr_decay_iters: Annotated[
        int | None, Field(ge=1, description="where the decay ends; at the end if not given")
    ] = None
    weight_decay: Annotated[
        float, Field(ge=0, description="of matrices; grows with the passes if not given")
    ] = 0.1
    beta1: Annotated[float, Field(ge=0, lt=1, description="AdamW's")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="AdamW's")] = 0.95
    grad_clip: Annotated[float, Field(ge=0, description="largest gradient norm; 0 is off")] = 1.0
    tensorboard: Annotated[
        bool, Field(description="draw curves for TensorBoard, if it is installed")
    ] = True
    seed: Annotated[int, Field(ge=0, lt=2**63, description="of everything random")] = 1337
    device: Annotated[Device, Field(description="where to train")] = "auto"
    dtype: Annotated[DType, Field(description="of the arithmetic, not of the weights")] = "auto"
    processes: Annotated[
        int | None,
        Field(ge=1, description="that share the windows of a step; one for each CUDA device"),
    ] = None
    activation_checkpointing: Annotated[
        bool, Field(description="compute blocks twice: less memory, up to a third slower")
    ] = False
    compile: Annotated[
        bool | None, Field(description="torch.compile; by itself for 1000 steps and more on cuda")
    ] = None

    @model_validator(mode="after")
    def _not_contradictory(self) -> Self:
        if self.max_iters is not None and self.max_epochs is not None:
            raise ValueError("max_iters and max_epochs both give the length; give one of them")
        if self.min_lr is not None and self.min_lr > self.learning_rate:
            raise ValueError(
                f"min_lr {self.min_lr} is above learning_rate {self.learning_rate}; lower it"
            )
        if (self.warmup_iters or 0) > (self.lr_decay_iters or 2**63):
            raise ValueError(
                f"warmup_iters {self.warmup_iters} is past lr_decay_iters {self.lr_decay_iters}"
            )
        return self


# Measured in docs/decisions/0013-a-modern-recipe.md; nanoGPT's own for a small model.
LEARNING_RATES: Mapping[Recipe, float] = MappingProxyType({"modern": 5e-3, "classic": 1e-3})

_Preset = Mapping[str, Any]
_C = TypeVar("_C", ModelConfig, TrainConfig)


def _preset(**settings: Any) -> _Preset:
    return MappingProxyType(settings)


MODEL_PRESETS: Mapping[str, _Preset] = MappingProxyType(
    {
        "debug": _preset(n_layer=2, n_head=2, n_embd=32, block_size=32, batch_size=4),
        "baby": _preset(  # nanoGPT's size for a CPU
            n_layer=4, n_head=4, n_embd=128, block_size=64, batch_size=12, beta2=0.99
        ),
        "small": _preset(
            n_layer=6,
            n_head=6,
            n_embd=384,
            block_size=256,
            batch_size=32,
            beta2=0.99,
        ),
        "tinystories": _preset(n_layer=4, n_head=4, n_embd=256, block_size=512, batch_size=16),
        "gpt2": _preset(
            recipe="classic",
            tied=True,
            n_layer=12,
            n_head=12,
            n_embd=768,
            block_size=1024,
            batch_size=16,
            gradient_accumulation_steps=32,
            learning_rate=6e-4,
        ),
    }
)

LENGTH_PRESETS: Mapping[str, _Preset] = MappingProxyType(
    {
        "quick": _preset(max_iters=500, eval_interval=100, eval_iters=50),
        # Small channels are learned by heart long before 5,000 steps: one of 16 videos was at its
        # best at step 250, and its validation loss rose from 6.5 to 11.8 by the end.
        "default": _preset(max_iters=5_000, eval_interval=250, patience=5),
        "long": _preset(max_iters=50_000, eval_interval=1_000, patience=20),
        "forever": _preset(eval_interval=1_000),
    }
)


def resolve(
    model_preset: str,
    length_preset: str,
    *overrides: Mapping[str, Any],
    train_tokens: int | None = None,
) -> tuple[ModelConfig, TrainConfig]:
    """Presets, then each layer of overrides on top of the one before.

    Where it is known how many tokens there are to train on, dropout and weight decay that no layer
    gives are those of `against_memorizing`.

    Raises `ConfigError` that names the setting and what is allowed.
    """
    settings = dict(_named(MODEL_PRESETS, model_preset, "model preset"))
    settings |= _named(LENGTH_PRESETS, length_preset, "length preset")
    for layer in overrides:
        _lay_over(settings, layer)
    names = [name for name in ModelConfig.model_fields if name in settings]
    model = _validated(ModelConfig, {name: settings.pop(name) for name in names})
    settings.setdefault("learning_rate", LEARNING_RATES[model.recipe])
    train = _validated(TrainConfig, settings)
    if not train_tokens:
        return model, train
    by_rule = against_memorizing(_epochs(model, train, train_tokens))
    return (
        model.model_copy(update=by_rule[0] if "dropout" not in names else {}),
        train.model_copy(update=by_rule[1] if "weight_decay" not in settings else {}),
    )


def against_memorizing(epochs: float) -> tuple[dict[str, float], dict[str, float]]:
    """Dropout and weight decay for so many passes over the same text.

    Read once, text cannot be learned by heart, and both only blur it. Both grow with each doubling:
    weight decay to ten times GPT-3's after eight passes (Kim et al. 2025, "Pre-training under
    infinite compute", find up to thirty times best), dropout to nanoGPT's 0.2 after 64. Measured in
    docs/decisions/0013-a-modern-recipe.md.
    """
    doublings = math.log2(max(1.0, epochs))
    dropout = 0.2 * min(1.0, doublings / 6)
    weight_decay = 0.1 * 10 ** min(1.0, doublings / 3)
    return {"dropout": round(dropout, 3)}, {"weight_decay": round(weight_decay, 3)}


def _epochs(model: ModelConfig, train: TrainConfig, train_tokens: int) -> float:
    """How often the text is read; a training without an end counts as one that reads it once."""
    if train.max_epochs is not None:
        return train.max_epochs
    at_once = train.batch_size * train.gradient_accumulation_steps * model.block_size
    return (train.max_iters or 0) * at_once / train_tokens


def _named(presets: Mapping[str, _Preset], name: str, kind: str) -> _Preset:
    if name not in presets:
        raise ConfigError(f"no {kind} is called {name!r}; there are: {', '.join(presets)}")
    return presets[name]


def _lay_over(settings: dict[str, Any], layer: Mapping[str, Any]) -> None:
    known = (*ModelConfig.model_fields, *TrainConfig.model_fields)
    for name in layer:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise ConfigError(f"no setting is called {name!r}; {hint}")
    # A length in a later layer replaces the length of an earlier one, whatever its unit.
    if layer.keys() & {"max_iters", "max_epochs"}:
        settings.pop("max_iters", None)
        settings.pop("max_epochs", None)
    settings.update(layer)


def _validated(kind: type[_C], settings: Mapping[str, Any]) -> _C:
    try:
        return kind.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError("; ".join(map(_described, error.errors()))) from error


def _described(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    return f"{problem['loc'][0]} is {problem['input']!r}: {message}"
