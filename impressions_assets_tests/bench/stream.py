"""Trainings of the benchmark: a text as tokens in memory, moved on by the trainer's own steps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from impressions_assets.gpt.config import resolve
from impressions_assets.gpt.data import TrainingData
from impressions_assets.gpt.evaluate import Evaluator
from impressions_assets.gpt.loader import TokenStream
from impressions_assets.gpt.manifest import Manifest
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.gpt.shards import manifest_of
from impressions_assets.gpt.state import TrainingState
from impressions_assets.gpt.step import Stepper
from impressions_assets.gpt.tokenizer import Tokenizer
from impressions_assets.gpt.unchanged import Unchanged

_TRAINED_ON = 0.9
_NO_FILES = Unchanged([], {})  # the tokens lie in memory


def encoded(text: str, tokenizer: Tokenizer) -> TrainingData:
    """The text as one document, its last tenth for validation."""
    cut = int(len(text) * _TRAINED_ON)
    parts = [text[:cut], text[cut:]]
    train, val = (TokenStream([np.array(tokenizer.encode(part), np.uint32)]) for part in parts)
    num_bytes = [len(part.encode()) for part in parts]
    return TrainingData(
        manifest_of(tokenizer, ()), "", train, val, ("text",), *num_bytes, _NO_FILES
    )


def of_ids(ids: Sequence[int] | np.ndarray, vocab_size: int) -> TrainingData:
    """Tokens that stand for no text."""
    manifest = Manifest(tokenizer="", vocab_size=vocab_size, dtype="uint32", end_of_text=0)
    train, val = TokenStream([np.array(ids)]), TokenStream([])
    return TrainingData(manifest, "", train, val, ("ids",), len(ids), 0, _NO_FILES)


class Training:
    """A training as the trainer does it, but for its log, evaluations and files."""

    def __init__(self, data: TrainingData, preset: str, **settings: Any) -> None:
        model, config = resolve(preset, "forever", settings)
        run = TrainingRun(shards_dir=Path(), tokenizer_dir=Path(), model=model, train=config)
        self.state = TrainingState(run, data)
        self.tokens_per_step = config.batch_size * self.state.loader.length
        self.num_tokens_used = np.count_nonzero(data.train.counts(data.manifest.vocab_size))
        self._stepper = Stepper(self.state, config, config.max_iters, lambda _: None)
        self._evaluator = Evaluator(
            data.val, max(1, data.val_bytes), self.state.loader.length, 64, 1000
        )

    def step(self) -> None:
        """Take a step, and wait for it."""
        self._stepper.step()
        self._stepper.settle()

    def steps(self, num_steps: int) -> None:
        """Take so many steps, and wait for the last."""
        for _ in range(num_steps):
            self._stepper.step()
        self._stepper.settle()

    def val_loss(self) -> float:
        """Nats per token of the validation text, the whole of it."""
        return self._evaluator.loss(self.state.model, self.state.device, self.state.dtype)
