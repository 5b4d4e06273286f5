"""What channels.yaml can set of the model: its tokens, its size, its training, and training anew.

A setting that is None comes from a preset, which lies with the model (`gpt/config.py`).
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from impressions_assets.channels.cron import cron_schedule
from impressions_assets.channels.fields import Location, Share, Strict


class TokenizerSettings(Strict):
    """How text becomes tokens."""

    kind: Literal["bpe", "gpt2", "cl100k_base", "o200k_base", "characters", "words", "json"] = (
        Field(default="bpe", description="bpe, characters and words are trained on the channel")
    )
    vocab_size: int = Field(
        default=8192, ge=2, le=1_000_000, description="tokens in a trained vocabulary"
    )
    path: Location | None = Field(
        default=None, description="whole path of a tokenizer file, for json"
    )
    unknown_words: Literal["characters", "mark"] = Field(
        default="characters",
        description="of kind words: a word that is not in the vocabulary is spelled in characters,"
        " or becomes one mark",
    )
    min_coverage: Share = Field(
        default=0.9, description="share of the videos that must be decided before training, 0 to 1"
    )
    retokenize_at: float = Field(
        default=4.0, gt=1, allow_inf_nan=False, description="growth of the text that trains it anew"
    )

    @model_validator(mode="after")
    def _json_has_a_path(self) -> Self:
        if self.kind == "json" and self.path is None:
            raise ValueError("kind json needs `path`, the whole path of the tokenizer's file")
        return self


class ModelSettings(Strict):
    """The size of the model: a preset, and what differs from it."""

    preset: Literal["debug", "baby", "small", "tinystories", "gpt2"] = Field(
        default="baby", description="size to start from"
    )
    recipe: Literal["modern", "classic"] | None = Field(
        default=None, description="modern, or classic: nanoGPT's GPT-2"
    )
    n_layer: int | None = Field(default=None, ge=1, description="blocks")
    n_head: int | None = Field(default=None, ge=1, description="attention heads; divides n_embd")
    n_embd: int | None = Field(default=None, ge=1, description="width")
    block_size: int | None = Field(default=None, ge=1, description="context, in tokens")
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="share dropped, 0 to below 1"
    )
    bias: bool | None = Field(default=None, description="biases, in the recipe classic only")
    tied: bool | None = Field(default=None, description="head shares the embedding")
    gelu: Literal["exact", "tanh"] | None = Field(
        default=None, description="exact, or tanh as in GPT-2's weights"
    )


class TrainingSettings(Strict):
    """How the model is trained: a length, and what differs from it, by nanoGPT's names."""

    length: Literal["quick", "default", "long", "forever"] = Field(
        default="default", description="length to start from"
    )
    max_iters: int | None = Field(default=None, ge=0, description="iterations")
    max_epochs: float | None = Field(
        default=None, gt=0, description="passes over the data, instead of max_iters"
    )
    max_seconds: float | None = Field(default=None, gt=0, description="seconds until it stops")
    eval_interval: int | None = Field(
        default=None, ge=1, description="iterations between evaluations"
    )
    eval_iters: int | None = Field(default=None, ge=1, description="batches in an evaluation")
    log_interval: int | None = Field(default=None, ge=1, description="iterations between log lines")
    save_every: int | None = Field(default=None, ge=1, description="also keep each n-th iteration")
    save_each_epoch: bool | None = Field(default=None, description="also keep each epoch")
    patience: int | None = Field(
        default=None, ge=1, description="evaluations without a better one until it stops"
    )
    batch_size: int | None = Field(default=None, ge=1, description="sequences in a micro-batch")
    gradient_accumulation_steps: int | None = Field(
        default=None, ge=1, description="micro-batches a step"
    )
    learning_rate: float | None = Field(default=None, gt=0, description="highest learning rate")
    min_lr: float | None = Field(default=None, ge=0, description="learning rate at the end")
    warmup_iters: int | None = Field(default=None, ge=0, description="iterations of warmup")
    lr_decay_iters: int | None = Field(
        default=None, ge=1, description="iteration at which min_lr begins"
    )
    decay_lr: bool | None = Field(default=None, description="whether the rate decays")
    weight_decay: float | None = Field(default=None, ge=0, description="of matrices")
    beta1: float | None = Field(default=None, ge=0, lt=1, description="of AdamW")
    beta2: float | None = Field(default=None, ge=0, lt=1, description="of AdamW")
    grad_clip: float | None = Field(
        default=None, ge=0, description="highest gradient norm; 0 for none"
    )
    seed: int | None = Field(default=None, ge=0, description="seed of all randomness")
    device: Literal["auto", "cpu", "cuda", "mps"] | None = Field(
        default=None, description="where to train"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] | None = Field(
        default=None,
        description="of the arithmetic; auto takes bfloat16 where the device multiplies it faster",
    )
    processes: int | None = Field(
        default=None, ge=1, description="that share the windows of a step; one for each CUDA device"
    )
    activation_checkpointing: bool | None = Field(
        default=None, description="compute blocks twice: less memory, up to a third slower"
    )
    tensorboard: bool | None = Field(
        default=None, description="draw curves for TensorBoard, if it is installed"
    )
    compile: bool | None = Field(default=None, description="whether to use torch.compile")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.max_iters is not None and self.max_epochs is not None:
            raise ValueError("max_iters and max_epochs both give the length; write one of them")
        return self


class RetrainPolicy(Strict):
    """When training starts by itself; never, unless it is said here."""

    after_new_tokens_percent: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="growth since the last training, in percent",
    )
    schedule: Annotated[str, AfterValidator(cron_schedule)] | None = Field(
        default=None,
        description="five cron fields (minute hour day month weekday), e.g. '0 3 * * 1'",
    )
