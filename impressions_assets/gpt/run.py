"""What passes between a training and whoever started it: run.json goes in, result.json comes out.

No torch here: the code location and the command line write the one and read the other.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from impressions_assets.errors import ConfigError, TrainingError
from impressions_assets.gpt.config import ModelConfig, TrainConfig

Log = Callable[[str], None]


class TrainingRun(BaseModel):
    """One training: what it reads, where it writes, what it starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shards_dir: Annotated[Path, Field(description="folder with manifest.json and its shards")]
    shards_digests: Annotated[
        dict[str, str], Field(description="sha256 of the shards' files, by name, where known")
    ] = {}
    tokenizer_dir: Annotated[Path, Field(description="folder of the shards' tokenizer")]
    out_dir: Annotated[
        Path | None, Field(description="where checkpoints go; None trains without saving")
    ] = None
    tensorboard_dir: Annotated[
        Path | None, Field(description="where curves go; out_dir/tensorboard if not given")
    ] = None
    init_from: Annotated[
        Path | None,
        Field(description="checkpoint, or GPT-2 of transformers, to start from; None: scratch"),
    ] = None
    resume: Annotated[
        bool, Field(description="go on exactly from out_dir/last when nothing else changed")
    ] = True
    parent_pid: Annotated[
        int | None, Field(description="save and stop when this process, our parent, has died")
    ] = None
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    sample_prompts: tuple[str, ...] = ("",)
    sample_tokens: Annotated[int, Field(ge=0)] = 100

    @property
    def board_dir(self) -> Path | None:
        """Where curves go; None where none are wanted, or nothing is kept."""
        if self.out_dir is None or not self.train.tensorboard:
            return None
        return self.tensorboard_dir or self.out_dir / "tensorboard"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read run.json."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"cannot read the training's settings {path}: {error}") from error
        except ValidationError as error:
            raise ConfigError(f"the training's settings {path} are wrong: {error}") from error

    def save(self, path: Path) -> None:
        """Write run.json."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


class HistoryPoint(msgspec.Struct, frozen=True):
    """The losses at a step; `val_loss` where it was evaluated."""

    step: int
    train_loss: float | None
    val_loss: float | None = None


class Sample(msgspec.Struct, frozen=True):
    """What the trained model said to a prompt."""

    prompt: str
    text: str


class TrainingResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a training ended."""

    steps: int
    stopped: str | None = None  # why it ended before its length: a signal, patience, max_seconds
    resumed_from: int | None = None  # the step it went on from
    best_step: int | None = None
    best_val_loss: float | None = None
    val_bits_per_byte: float | None = None
    unigram_bits_per_byte: float | None = None
    tokens_per_second: float = 0.0
    num_parameters: int
    device: str
    dtype: str
    history: tuple[HistoryPoint, ...] = ()
    samples: tuple[Sample, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read result.json."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise TrainingError(f"cannot read the training's result {path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write result.json, whole or not at all."""
        partial = path.with_suffix(".partial")
        try:
            partial.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2))
            partial.replace(path)
        except OSError as error:
            raise TrainingError(
                f"cannot write the training's result {path}: {error}; its checkpoints are whole: "
                "free some space and run it again"
            ) from error
