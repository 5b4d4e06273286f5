"""One step of training: gradient of a few micro-batches, clipped, and the optimizer's move.

Loss and gradient must be finite *before* the weights move, so whatever is saved is good.
"""

import math
import time

import torch
from torch import Tensor

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.config import TrainConfig
from impressions_assets.gpt.device import autocast
from impressions_assets.gpt.loader import Ids
from impressions_assets.gpt.optimizer import learning_rate_at
from impressions_assets.gpt.state import TrainingState

REMEDY = (
    "what was saved before that is intact; train anew, or from its best, with a lower "
    "learning_rate, a longer warmup_iters or dtype float32"
)


class Stepper:
    """Moves a training on, and knows how the latest step went."""

    def __init__(self, state: TrainingState, config: TrainConfig, num_steps: int | None) -> None:
        self._state, self._config, self._num_steps = state, config, num_steps
        model = state.model.train()
        self._model = torch.compile(model) if config.compile else model
        self._taken, self._seconds, self._num_tokens = 0, 0.0, 0
        self.loss: float | None = None
        self.epoch_ended: int | None = None  # how many epochs are through, right after one ended

    @property
    def learning_rate(self) -> float:
        """The learning rate of the coming step."""
        return learning_rate_at(self._state.progress.step, self._config, self._num_steps)

    @property
    def tokens_per_second(self) -> float:
        """Training alone: evaluation, saving and the first step, which compiles, do not count."""
        return self._num_tokens / self._seconds if self._seconds else 0.0

    def step(self) -> None:
        """Take one step; raises `TrainingError` when the loss or the gradient is not finite."""
        if self._taken == 1:  # compiling took 20 s of an H200, and made 452k tokens/s look like 73k
            self._seconds, self._num_tokens = 0.0, 0
        self._taken += 1
        began, epoch = time.monotonic(), self._state.loader.position.epoch
        try:
            loss = self._accumulate_gradient()
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"the device ran out of memory with batch_size {self._config.batch_size}; lower "
                "it, and raise gradient_accumulation_steps to make up for it"
            ) from error
        self.loss = self._move_weights(loss)
        self._state.progress.step += 1
        now = self._state.loader.position.epoch
        self.epoch_ended = now if now > epoch else None
        self._seconds += time.monotonic() - began

    def _accumulate_gradient(self) -> Tensor:
        parts = self._config.gradient_accumulation_steps
        total = torch.zeros((), device=self._state.device)
        for _ in range(parts):
            inputs, targets = self._state.loader.next_batch(self._config.batch_size)
            with autocast(self._state.device, self._state.dtype):
                loss = self._model(self._on_device(inputs), self._on_device(targets)) / parts
            self._state.scaler.scale(loss).backward()
            total += loss.detach()
            self._num_tokens += inputs.size
        return total

    def _move_weights(self, loss: Tensor) -> float:
        optimizer, scaler = self._state.optimizer, self._state.scaler
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate
        scaler.unscale_(optimizer)
        largest = self._config.grad_clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self._state.model.parameters(), largest)
        self._require_finite(loss, norm)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        return float(loss)

    def _require_finite(self, loss: Tensor, norm: Tensor) -> None:
        # With float16 an infinite gradient is the scaler's daily business: it skips the step.
        fine = loss if self._state.scaler.is_enabled() else loss + norm
        if not math.isfinite(float(fine)):
            raise TrainingError(
                f"training broke down in the step after step {self._state.progress.step}: loss "
                f"{float(loss):g}, gradient norm {float(norm):g}; {REMEDY}"
            )

    def _on_device(self, ids: Ids) -> Tensor:
        tensor = torch.from_numpy(ids)
        if self._state.device.type == "cuda":
            return tensor.pin_memory().to(self._state.device, non_blocking=True)
        return tensor.to(self._state.device)
