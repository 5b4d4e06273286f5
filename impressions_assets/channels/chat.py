"""What channels.yaml can set about chat models: variants, each a base and how it is tuned.

A setting that is None is chosen by the size of the base and the device (`chat/defaults.py`).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from impressions_assets.channels.fields import Location, Strict, Words

OWN = "checkpoint"  # the base that is the channel's own model
_NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"


class ChatVariant(Strict):
    """A base model and how it learns the channel's questions and answers."""

    base: Words | Location = Field(
        default=OWN,
        description="'checkpoint' (the channel's own model), the name of a causal language model"
        " on the Hugging Face hub, or whole path of its folder",
    )
    method: Literal["auto", "full", "lora", "qlora"] = Field(
        default="auto", description="full, or an adapter: lora, or qlora on CUDA in 4 bits"
    )
    rank: int = Field(default=16, ge=1, description="rank of the adapter")
    alpha: int | None = Field(default=None, ge=1, description="its scale; twice the rank if none")
    adapter_dropout: float = Field(default=0.0, ge=0, lt=1, description="share of it dropped")
    epochs: float | None = Field(default=None, gt=0, description="passes over the pairs")
    max_steps: int | None = Field(default=None, ge=1, description="steps, instead of epochs")
    learning_rate: float | None = Field(default=None, gt=0, description="highest learning rate")
    batch_size: int | None = Field(default=None, ge=1, description="examples in a micro-batch")
    gradient_accumulation_steps: int | None = Field(
        default=None, ge=1, description="micro-batches a step"
    )
    max_length: int | None = Field(
        default=None, ge=16, description="tokens of an example; the base's context at most"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto", description="where to train"
    )
    processes: int = Field(
        default=1, ge=1, description="that share a tuning; one for each CUDA device"
    )
    sharded: bool = Field(
        default=False,
        description="whether each of them holds a part of the weights, where one device cannot"
        " hold them all; on CUDA",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="of the arithmetic"
    )
    gradient_checkpointing: bool | None = Field(
        default=None, description="compute layers twice: less memory, up to a third slower"
    )
    packing: bool | None = Field(
        default=None, description="several examples in a row; only where the base keeps them apart"
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="evaluations without a better one until it stops; the best"
        " weights are kept then, else the last",
    )
    template: Literal["auto", "plain"] = Field(
        default="auto", description="auto takes the base's chat template where it has one"
    )
    padding_token: Words | None = Field(
        default=None, description="token that fills up; the base's own, else its end of text"
    )
    reviewed_only: bool = Field(
        default=False, description="whether pairs that no person accepted are left out"
    )
    documents: bool = Field(default=False, description="whether it also learns from documents")
    passages: int = Field(
        default=0, ge=0, le=20, description="matching passages in a prompt, as it learns them"
    )
    pickled_weights: bool = Field(
        default=False,
        description="whether a base without safetensors may be loaded: its files"
        " can run any program",
    )
    seed: int = Field(default=0, ge=0, description="seed of all randomness")

    @model_validator(mode="after")
    def _can_be_sharded(self) -> Self:
        if self.sharded and self.processes == 1:
            raise ValueError("sharded needs `processes`: over how many devices the weights go")
        if self.sharded and self.method == "qlora":
            raise ValueError("weights in 4 bits are not sharded; choose lora, or leave sharded out")
        return self


class ChatSettings(Strict):
    """A channel's chat models by name; the first is the one that answers unless told otherwise."""

    variants: dict[Annotated[str, Field(pattern=_NAME)], ChatVariant] = Field(
        default={"own": ChatVariant()}, description="chat models by name", min_length=1
    )

    @model_validator(mode="after")
    def _are_named(self) -> "ChatSettings":
        if UNTUNED in self.variants:
            raise ValueError(f"no variant can be called {UNTUNED!r}: that is a base as it is")
        return self

    def __hash__(self) -> int:
        return hash(frozenset(self.variants.items()))

    @property
    def first(self) -> str:
        """The variant that answers unless told otherwise."""
        return next(iter(self.variants))


UNTUNED = "untuned"
