"""One step of training: gradient of a few micro-batches, clipped, and the optimizer's move.

Notable choices:
- Loss and gradient must be finite *before* the weights move, so whatever is saved is good. The
  device sees to that by itself: a fused optimizer leaves the weights alone where `found_inf` is set
  (torch's GradScaler works so). To ask for the loss in each step let the device wait for the CPU.
- Where memory ends, a micro-batch goes through in smaller parts: the same gradient, more slowly.
- Several ranks share the windows of a step, and add up loss and gradient: it is the step that one
  would take.
- `settle` waits for the device, and raises if a step since the last time broke down. Whoever saves,
  logs or measures settles first.
"""

import math
import time
from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.config import TrainConfig
from impressions_assets.gpt.device import autocast
from impressions_assets.gpt.loader import IGNORED, Position
from impressions_assets.gpt.optimizer import learning_rate_at
from impressions_assets.gpt.packing import Ids
from impressions_assets.gpt.run import Log
from impressions_assets.gpt.state import TrainingState

REMEDY = (
    "what was saved before that is intact; train anew, or from its best, with a lower "
    "learning_rate, a longer warmup_iters or dtype float32"
)
_REPAYS_COMPILING = 1000  # steps: compiling took 20 s on an H200, and doubled its tokens/s
_SETTLE_EVERY = 50  # steps: so many at most are computed in vain after one that broke down


def compiles(config: TrainConfig, device: torch.device, num_steps: int | None) -> bool:
    """Whether to compile the model: as it is set, else where a long training on CUDA repays it."""
    if config.compile is not None:
        return config.compile
    return device.type == "cuda" and (num_steps is None or num_steps >= _REPAYS_COMPILING)


class Stepper:
    """Moves a training on, and knows how the latest step went."""

    def __init__(
        self, state: TrainingState, config: TrainConfig, num_steps: int | None, log: Log
    ) -> None:
        self._state, self._config, self._num_steps, self._log = state, config, num_steps, log
        self._plain = state.model.train()
        compiled = compiles(config, state.device, num_steps)
        self._model = torch.compile(self._plain) if compiled else self._plain
        self._windows = config.gradient_accumulation_steps * config.batch_size  # in a step
        if self._windows < state.ranks.world_size:
            raise TrainingError(
                f"a step of {self._windows} windows cannot be shared by {state.ranks.world_size} "
                "processes; raise batch_size, or start fewer"
            )
        self._at_once = config.batch_size  # windows on the device
        self._taken, self._seconds, self._num_tokens = 0, 0.0, 0
        self._running_since: float | None = None
        self._unsettled: list[tuple[Position, Tensor, Tensor]] = []  # batch, loss, gradient norm
        self.loss: float | None = None  # of the latest step that is settled
        self.gradient_norm: float | None = None  # of the same, before it was clipped
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
        """Take one step; the device may still be at it when this returns."""
        self._running_since = self._running_since or time.monotonic()
        began = self._state.loader.position
        while any(self._state.ranks.largest((loss := self._gradient()) is None)):
            self._back_off(began)
        assert loss is not None
        gradients = [w.grad for w in self._state.model.parameters() if w.grad is not None]
        self._state.ranks.add_up([loss, *gradients])
        try:
            self._unsettled.append((began, loss, self._move_weights(loss)))
        except torch.OutOfMemoryError as error:
            raise self._too_large("the optimizer's state") from error
        self._num_tokens += self._windows * self._state.loader.length
        self._state.progress.step += 1
        now = self._state.loader.position.epoch
        self.epoch_ended = now if now > began.epoch else None
        self._taken += 1
        if self._taken == 1:  # compiling took 20 s of an H200, and made 452k tokens/s look like 73k
            self.settle()
            self._seconds, self._num_tokens = 0.0, 0
        elif len(self._unsettled) == _SETTLE_EVERY:
            self.settle()

    def settle(self) -> None:
        """Wait for the steps so far; raises `TrainingError` if loss or gradient was not finite."""
        if not self._unsettled:
            return
        figures = torch.stack([torch.stack(figures) for _, *figures in self._unsettled]).tolist()
        for number, (loss, norm) in enumerate(figures):
            # With float16 an infinite gradient is the scaler's daily business: it skips the step.
            fine = loss if self._state.scaler.is_enabled() else loss + norm
            if not math.isfinite(fine):
                self._broke_down(number, loss, norm)
        self._unsettled.clear()
        self.loss, self.gradient_norm = figures[-1]
        assert self._running_since is not None
        self._seconds += time.monotonic() - self._running_since
        self._running_since = None

    def _gradient(self) -> Tensor | None:
        """Gather the gradient of a step and give its loss; None when the memory did not suffice."""
        self._state.seed_step()
        total = torch.zeros((), device=self._state.device)
        try:
            for inputs, targets, share in self._parts():
                with autocast(self._state.device, self._state.dtype):
                    loss = self._loss(inputs, targets) * share
                torch.autograd.backward(self._state.scaler.scale(loss))
                total += loss.detach()
        except torch.OutOfMemoryError:
            return None
        return total

    def _parts(self) -> Iterator[tuple[Tensor, Tensor, float]]:
        """Inputs, targets and their share of a step, as many windows as the device holds."""
        num_targets = self._state.loader.num_targets(self._windows)
        inputs, targets = self._state.loader.next_batch(self._windows)
        for start in range(0, len(inputs), self._at_once):
            part = slice(start, start + self._at_once)
            share = np.count_nonzero(targets[part] != IGNORED) / num_targets
            yield self._on_device(inputs[part]), self._on_device(targets[part]), share

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        if self._model is self._plain:
            return cast(Tensor, self._model(inputs, targets))
        try:
            return cast(Tensor, self._model(inputs, targets))
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = " ".join(str(error).split())[:300]
            self._log(f"the model cannot be compiled here, so it trains without: {reason}")
            self._model = self._plain
            return self._loss(inputs, targets)

    def _back_off(self, began: Position) -> None:
        """Take half as many windows at once from now on, and this step's batch again."""
        if self._at_once == 1:
            raise self._too_large(f"a single window of {self._state.loader.length} tokens")
        before, self._at_once = self._at_once, (self._at_once + 1) // 2
        self._log(
            f"the device ran out of memory with {before} windows at once: going on with "
            f"{self._at_once}, which gives the same gradient more slowly"
        )
        self._state.optimizer.zero_grad(set_to_none=True)
        self._state.loader.position = began
        if self._state.device.type == "cuda":
            torch.cuda.empty_cache()

    def _move_weights(self, loss: Tensor) -> Tensor:
        optimizer, scaler = self._state.optimizer, self._state.scaler
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate
        scaler.unscale_(optimizer)
        largest = self._config.grad_clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self._state.model.parameters(), largest)
        if not scaler.is_enabled():  # it finds what is infinite by itself
            optimizer.found_inf = (~torch.isfinite(loss + norm)).float()  # type: ignore[attr-defined]
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        return norm

    def _too_large(self, what: str) -> TrainingError:
        return TrainingError(
            f"the device ran out of memory with {what}; lower block_size, n_embd or n_layer, or "
            "choose a smaller preset"
        )

    def _broke_down(self, number: int, loss: float, norm: float) -> None:
        position, step = self._unsettled[number][0], self._state.progress.step
        videos = self._state.videos_of(position, self._windows)
        others = f" and {len(videos) - 3} more" if len(videos) > 3 else ""
        raise TrainingError(
            f"training broke down in the step after step {step - len(self._unsettled) + number}, "
            f"epoch {position.epoch}, window {position.index} (of video {', '.join(videos[:3])}"
            f"{others}): loss {loss:g}, gradient norm {norm:g}; {REMEDY}"
        )

    def _on_device(self, ids: Ids) -> Tensor:
        tensor = torch.from_numpy(ids)
        if self._state.device.type == "cuda":
            return tensor.pin_memory().to(self._state.device, non_blocking=True)
        return tensor.to(self._state.device)
