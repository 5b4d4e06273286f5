"""What passes between a fine-tuning and whoever started it: chat.json in, result.json out.

No torch here: the code location writes the one and reads the other.
"""

import math
from pathlib import Path
from typing import Annotated, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.errors import ConfigError, TrainingError
from impressions_assets.gpt.run import HistoryPoint

RUN_FILE = "chat.json"
RESULT = "result.json"
MERGED, ADAPTER = "merged", "adapter"  # folders of a published model


class ChatRun(BaseModel):
    """One fine-tuning: what it reads, where it writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(description="the variant")]
    exchanges: Annotated[Path, Field(description="the pairs, a line each")]
    out_dir: Annotated[Path, Field(description="where the model and its result go")]
    checkpoint_dir: Annotated[
        Path | None, Field(description="our own checkpoint, where that is the base")
    ] = None
    variant: ChatVariant = ChatVariant()
    held_out: Annotated[int, Field(description="pairs of each split to answer at the end")] = 20
    parent_pid: Annotated[
        int | None, Field(description="save and stop when this process, our parent, has died")
    ] = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read chat.json."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ConfigError(f"cannot read the fine-tuning's settings {path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write chat.json."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A pair, and what the model said to its question."""

    question: str
    expected: str
    said: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How a model answers some pairs; None where nothing could be measured."""

    num_pairs: int = 0
    bits_per_byte: float | None = None  # of the answers, the less the likelier
    base_bits_per_byte: float | None = None  # the same before it was tuned
    overlap: float | None = None  # F1 of words with the answer that was given
    share_right: float | None = None  # answers whose overlap is 0.8 or more
    repetition_rate: float | None = None  # share of 4-grams said before, as the model goes on
    repetition_rate_stopped: float | None = None  # the same where a loop ends the answer
    share_ended: float | None = None  # answers that the model ended itself
    seconds_to_first_token: float | None = None
    tokens_per_second: float | None = None
    answers: tuple[Answered, ...] = ()


class ChatResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a fine-tuning ended."""

    base: str
    method: str
    steps: int
    epochs: float
    stopped: str | None = None  # a signal
    resumed_from: int | None = None
    num_examples: int
    num_pairs: int
    num_answer_tokens: int
    num_lost_tokens: int
    num_cut_prompt_tokens: int
    num_labels: int
    num_parameters: int
    num_trained_parameters: int
    device: str
    precision: str
    max_length: int
    seconds: float
    history: tuple[HistoryPoint, ...] = ()
    trained: Figures = Figures()
    held_out: Figures = Figures()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read result.json."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise TrainingError(f"cannot read the fine-tuning's result {path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write result.json."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2))

    @property
    def fault(self) -> str:
        """Why nothing was learned; '' when something was."""
        if self.num_labels == 0:
            return "all labels are masked: no token of any answer was learned from"
        losses = [point.train_loss for point in self.history if point.train_loss is not None]
        if not losses:
            return "no step was made"
        if not all(map(math.isfinite, losses)):
            return "the loss is no number: lower the learning rate, or take precision float32"
        if max(losses) == 0:
            return "the loss is 0 from the first step on: nothing is compared with the answers"
        third = max(1, len(losses) // 3)
        first, last = losses[:third], losses[-third:]
        if len(losses) > 1 and sum(last) >= sum(first):
            return (
                f"the loss did not fall: {sum(first) / third:.3f} at first,"
                f" {sum(last) / third:.3f} at the end"
            )
        return ""
