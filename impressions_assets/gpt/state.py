"""Everything that a training changes, and its way into a checkpoint and back.

What is here decides what an exact resume restores: weights, optimizer, gradient scaler, place in
the data and the record of losses. What is not here must not matter to the weights. The randomness
of a step comes from its number alone, so there is no state of it to keep.
"""

from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from impressions_assets.errors import CheckpointError
from impressions_assets.gpt.checkpoint import Checkpoint, Meta, save_checkpoint
from impressions_assets.gpt.config import OF_NO_WEIGHT
from impressions_assets.gpt.data import TrainingData
from impressions_assets.gpt.device import device_of, training_dtype_of
from impressions_assets.gpt.loader import ORDER, Position, WindowLoader
from impressions_assets.gpt.model import model_of
from impressions_assets.gpt.optimizer import optimizer_of
from impressions_assets.gpt.ranks import Ranks
from impressions_assets.gpt.run import HistoryPoint, TrainingRun

_MOST_POINTS = 4_000  # of losses in the record; beyond, every second one goes
# Nor do these change what is learned, only what is kept of it: a training may go on with others.
_FREE_SETTINGS = OF_NO_WEIGHT | {
    *("eval_interval", "eval_iters", "patience", "max_seconds", "save_every", "save_each_epoch")
}


@dataclass
class Progress:
    """How far a training has come, and how well."""

    step: int = 0
    best_step: int | None = None
    best_val_loss: float | None = None
    evaluations_since_best: int = 0
    history: list[HistoryPoint] = field(default_factory=list)

    @property
    def evaluated_step(self) -> int | None:
        """The last step that was evaluated."""
        return next((p.step for p in reversed(self.history) if p.val_loss is not None), None)

    def note(self, train_loss: float | None) -> None:
        """Enter this step into the record, once."""
        if self.history and self.history[-1].step == self.step:
            return
        self.history.append(HistoryPoint(self.step, train_loss))
        if len(self.history) > _MOST_POINTS:
            newest_first = enumerate(reversed(self.history))
            kept = [p for i, p in newest_first if i % 2 == 0 or p.val_loss is not None]
            self.history = kept[::-1]

    def note_evaluation(self, val_loss: float, *, may_be_best: bool = True) -> bool:
        """Enter the validation loss of this step; whether it is the best so far."""
        point = self.history[-1]
        self.history[-1] = HistoryPoint(point.step, point.train_loss, val_loss)
        if not may_be_best:
            return False
        is_best = self.best_val_loss is None or val_loss < self.best_val_loss
        if is_best:
            self.best_val_loss, self.best_step = val_loss, self.step
        self.evaluations_since_best = 0 if is_best else self.evaluations_since_best + 1
        return is_best


class TrainingState:
    """Model, optimizer, loader and progress of one training."""

    def __init__(self, run: TrainingRun, data: TrainingData, ranks: Ranks | None = None) -> None:
        self._run, self._data, self.ranks = run, data, ranks or Ranks()
        self.device = device_of(run.train.device)
        self.dtype = training_dtype_of(run.train.dtype, self.device, run.model.n_embd)
        place = self.ranks.rank, self.ranks.world_size
        self.loader = WindowLoader(data.train, run.model.block_size, run.train.seed, *place)
        torch.manual_seed(run.train.seed)
        self.model = model_of(run.model, data.manifest.vocab_size).to(self.device)
        self.model.recomputes = run.train.activation_checkpointing
        self._counts_V = torch.from_numpy(data.train.counts(data.manifest.vocab_size))
        self.model.expect(self._counts_V)
        self.optimizer = optimizer_of(self.model, run.train, self.dtype)
        fp16 = self.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=fp16)
        self.progress = Progress()
        self.context = self.loader.length
        self.started_from: str | None = None

    def start_from(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint's weights, and nothing else: a warm start."""
        self._refuse_misfit(checkpoint)
        self._load(checkpoint)
        self.context = max(self.context, checkpoint.meta.context)
        self.started_from = checkpoint.weights_digest

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on exactly where a checkpoint was saved."""
        meta = checkpoint.meta
        self._load(checkpoint)
        self._restore_optimizer(checkpoint.optimizer_tensors())
        if meta.scaler:
            self.scaler.load_state_dict(meta.scaler)
        self.loader.position = meta.position
        self.context = meta.context
        self.progress = Progress(
            step=meta.step,
            best_step=meta.best_step,
            best_val_loss=meta.best_val_loss,
            evaluations_since_best=meta.evaluations_since_best,
            history=list(meta.history),
        )

    def seed_step(self) -> None:
        """Let what the coming step draws (dropout) depend on its number and the rank alone."""
        entropy = [self._run.train.seed, self.progress.step, self.ranks.rank]
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]))

    def videos_of(self, position: Position, num_windows: int) -> list[str]:
        """Whose tokens the windows from a position on are; the loader goes there."""
        self.loader.position = position
        documents = self.loader.documents(num_windows)
        return list(dict.fromkeys(self._data.train_videos[number] for number in documents))

    def why_not_resume(self, meta: Meta) -> str | None:
        """What keeps this training from going on exactly from a checkpoint; None: nothing."""
        ours = self._meta(None, None)
        if meta.tokenizer != ours.tokenizer:
            return "the tokenizer is another one"
        if meta.manifest != ours.manifest:
            return "the shards are others"
        if meta.started_from != ours.started_from:
            return "it started from other weights"
        if meta.order != ours.order:
            return (
                "another version of this program saved it, which read the shards in another order"
            )
        now, then = ours.model | ours.train, meta.model | meta.train
        changed = sorted(k for k in now.keys() | then.keys() if now.get(k) != then.get(k))
        changed = [f"{k} {then.get(k)} → {now.get(k)}" for k in changed if k not in _FREE_SETTINGS]
        return f"settings changed: {', '.join(changed)}" if changed else None

    def save(
        self, folder: Path, val_loss: float | None = None, val_bits_per_byte: float | None = None
    ) -> None:
        """Write a checkpoint in the place of `folder`."""
        meta = self._meta(val_loss, val_bits_per_byte)
        model = {name: tensor.detach() for name, tensor in self.model.state_dict().items()}
        save_checkpoint(folder, meta, model, self._optimizer_tensors(), self._run.tokenizer_dir)

    def _meta(self, val_loss: float | None, val_bits_per_byte: float | None) -> Meta:
        manifest, progress = self._data.manifest, self.progress
        return Meta(
            step=progress.step,
            order=ORDER,
            position=self.loader.position,
            model=self._run.model.model_dump(),
            train=self._run.train.model_dump(),
            vocab_size=manifest.vocab_size,
            end_of_text=manifest.end_of_text,
            context=self.context,
            tokenizer=manifest.tokenizer,
            manifest=self._data.digest,
            started_from=self.started_from,
            val_loss=val_loss,
            val_bits_per_byte=val_bits_per_byte,
            best_step=progress.best_step,
            best_val_loss=progress.best_val_loss,
            evaluations_since_best=progress.evaluations_since_best,
            history=tuple(progress.history),
            scaler=self.scaler.state_dict(),
            libraries={name: version(name) for name in ("torch", "safetensors", "numpy")},
        )

    def _refuse_misfit(self, checkpoint: Checkpoint) -> None:
        meta, manifest = checkpoint.meta, self._data.manifest
        if meta.tokenizer != manifest.tokenizer:
            raise CheckpointError(
                f"cannot start from {checkpoint.folder}: it speaks tokenizer "
                f"{meta.tokenizer[:12]}, the shards were made with {manifest.tokenizer[:12]}; "
                "start from scratch, or make the shards with its tokenizer"
            )
        ours, theirs = self._run.model, checkpoint.model_config
        fields = [f for f in type(ours).model_fields if f != "dropout"]
        misfits = [
            f"{f} {getattr(theirs, f)}" for f in fields if getattr(ours, f) != getattr(theirs, f)
        ]
        if misfits:
            raise CheckpointError(
                f"cannot start from {checkpoint.folder}: its model has {', '.join(misfits)}; "
                "set the same, or start from scratch"
            )

    def _load(self, checkpoint: Checkpoint) -> None:
        self.model.load_state_dict(checkpoint.model_tensors())
        self.model.expect(self._counts_V)

    def _optimizer_tensors(self) -> dict[str, Tensor]:
        state = self.optimizer.state_dict()["state"]
        return {
            f"{name}.{key}": value
            for number, name in enumerate(self._parameter_names())
            for key, value in state.get(number, {}).items()
        }

    def _restore_optimizer(self, tensors: dict[str, Tensor]) -> None:
        number_of = {name: number for number, name in enumerate(self._parameter_names())}
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            parameter, _, key = name.rpartition(".")
            state.setdefault(number_of[parameter], {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _parameter_names(self) -> list[str]:
        """Names in the order in which the optimizer numbers its parameters."""
        name_of = {id(p): name for name, p in self.model.named_parameters()}
        return [name_of[id(p)] for g in self.optimizer.param_groups for p in g["params"]]
