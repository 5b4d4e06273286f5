"""What trl and peft do in a fine-tuning: steps, evaluations, checkpoints, and how it stops.

Notable choices:
- Rows are packed only where the base keeps them apart, which is tried: in some they see each other.
- The last weights are kept, unless `patience` asks for the best: small models that learn pairs by
  heart get worse on others long before.
"""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainerState
from transformers.trainer_utils import get_last_checkpoint
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.chat.defaults import Plan
from impressions_assets.chat.exchanges import Example
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.ranks import Ranks
from impressions_assets.gpt.run import HistoryPoint, Log
from impressions_assets.gpt.stop import REASONS, StopRequest

_LOGGED = 40  # times in a training
_EVALUATED = 10  # times, and saved as often
_WARMUP = 0.05  # share of the steps


OURS = "impressions"  # our recipe `modern`, as transformers calls it


class _WholeLogits(SFTTrainer):
    """Takes the loss from the model itself, where logits are more than a product with the head.

    trl fuses that product with the loss, and would leave out the frequencies of the training text
    that our recipe adds, and its cap.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The loss of a batch, as transformers' own trainer takes it."""
        return Trainer.compute_loss(
            self, model, {**inputs, "use_cache": False}, return_outputs, num_items_in_batch
        )


class Training:
    """A fine-tuning under way."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        variant: ChatVariant,
        plan: Plan,
        folder: Path,
        rows: dict[str, Sequence[Example]],
        device: torch.device,
        dtype: torch.dtype,
        ranks: Ranks,
    ) -> None:
        """Set up trl's trainer; its checkpoints go into the folder.

        The device is the one to train on: weights that are to be sharded lie in memory until then.

        Raises:
            ConfigError: the weights were to be sharded, and accelerate cannot here; or examples
                were to be packed, and the base would read them as one text.
        """
        if variant.packing and not keeps_apart(model):
            raise ConfigError(
                f"the base {variant.base} reads the examples of a row as one text, and would learn"
                " one from the other: leave `packing` out"
            )
        self.model: Any = None
        self._state = TrainerState()
        self._folder, self._ranks, is_judged = folder, ranks, bool(rows["val"])
        ours = model.config.model_type == OURS
        self._trainer = (_WholeLogits if ours else SFTTrainer)(
            model,
            args=_config(variant, plan, folder, dtype, device.type, is_judged),
            train_dataset=_dataset(rows["train"]),
            eval_dataset=_dataset(rows["val"]) if is_judged else None,
            processing_class=tokenizer,
            peft_config=None if plan.method == "full" else _adapter(variant),
        )
        trained: Any = self._trainer.model
        self.num_trained = sum(w.numel() for w in trained.parameters() if w.requires_grad)
        if variant.sharded and not self._trainer.is_fsdp_enabled:
            raise ConfigError(
                f"weights are sharded over CUDA devices, and this is {device}: leave"
                " `sharded` out, or start it where there are some"
            )
        if is_judged and variant.patience is not None:
            self._trainer.add_callback(EarlyStoppingCallback(variant.patience))

    def run(self, log: Log, stop: StopRequest, gathered: Path) -> int | None:
        """Train to the end, or until asked to stop; return the step that it went on from.

        What is sharded is kept whole in the folder `gathered`, and no process holds it any more;
        else `model` is the tuned one, or the base with its adapter.
        """
        self._trainer.add_callback(_Watcher(log, stop, self._ranks))
        find: Any = get_last_checkpoint
        resumed: str | None = find(str(self._folder)) if self._folder.is_dir() else None
        self._trainer.train(resume_from_checkpoint=resumed)
        self._state = self._trainer.state
        if self._trainer.is_fsdp_enabled:
            self._trainer.save_model(str(gathered))
        else:
            self.model = self._trainer.accelerator.unwrap_model(self._trainer.model)
        # What binds processes together must be gone before they part: else one waits at its end.
        self._trainer.accelerator.free_memory()
        del self._trainer
        free_memory()
        return int(resumed.rpartition("-")[2]) if resumed else None

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return int(self._state.global_step)

    @property
    def epochs(self) -> float:
        """How many passes over the examples were made."""
        return round(self._state.epoch or 0, 2)

    @property
    def history(self) -> tuple[HistoryPoint, ...]:
        """Losses by step; those of training and validation that fall together are one point."""
        logged: list[dict[str, Any]] = self._state.log_history
        train = {entry["step"]: entry["loss"] for entry in logged if "loss" in entry}
        val = {entry["step"]: entry["eval_loss"] for entry in logged if "eval_loss" in entry}
        return tuple(
            HistoryPoint(step, train.get(step), val.get(step)) for step in sorted({*train, *val})
        )


@torch.no_grad()
def keeps_apart(model: Any) -> bool:
    """Whether a base tells the examples of a row apart by their positions, which begin anew."""
    was_training = model.training
    model.eval()
    positions = torch.tensor([[0, 1, 0, 1]], device=model.device)
    found = [
        model(
            input_ids=torch.tensor([[*first, 1, 2]], device=model.device),
            position_ids=positions,
            use_cache=False,
        ).logits[:, 2:]
        for first in ((3, 4), (5, 6))
    ]
    model.train(was_training)
    return torch.equal(*found)


def free_memory() -> None:
    """Give back what no model holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _config(
    variant: ChatVariant,
    plan: Plan,
    folder: Path,
    dtype: torch.dtype,
    device: str,
    is_judged: bool,
) -> SFTConfig:
    packs, keeps_best = bool(variant.packing), is_judged and variant.patience is not None
    sharded: Any = variant.sharded or None
    return SFTConfig(
        output_dir=str(folder),
        max_steps=variant.max_steps or -1,
        num_train_epochs=plan.epochs,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=_WARMUP,
        per_device_train_batch_size=plan.batch_size,
        per_device_eval_batch_size=plan.batch_size,
        gradient_accumulation_steps=plan.gradient_accumulation_steps,
        gradient_checkpointing=plan.gradient_checkpointing and not variant.sharded,
        fsdp=sharded,
        fsdp_config={"activation_checkpointing": plan.gradient_checkpointing},
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=device == "cpu",
        max_length=plan.max_length,
        packing=packs,
        dataset_kwargs=None if packs else {"skip_prepare_dataset": True},
        eval_strategy="steps" if is_judged else "no",
        eval_steps=1 / _EVALUATED,
        save_strategy="steps",
        save_steps=1 / _EVALUATED,
        # With 1, the best alone would stay, and a stopped tuning go on from there.
        save_total_limit=1 + keeps_best,
        restore_callback_states_from_checkpoint=True,  # how long patience has waited
        load_best_model_at_end=keeps_best,
        logging_steps=1 / _LOGGED,
        report_to="none",
        disable_tqdm=True,
        seed=variant.seed,
        dataloader_pin_memory=device == "cuda",
    )


def _adapter(variant: ChatVariant) -> LoraConfig:
    return LoraConfig(
        r=variant.rank,
        lora_alpha=variant.alpha or 2 * variant.rank,
        lora_dropout=variant.adapter_dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _dataset(rows: Sequence[Example]) -> Dataset:
    return Dataset.from_dict(
        {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}
    )


class _Watcher(TrainerCallback):
    """Tells how it goes, and stops when it is asked to."""

    def __init__(self, log: Log, stop: StopRequest, ranks: Ranks) -> None:
        self._log, self._stop, self._ranks = log, stop, ranks

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Say the losses as they come."""
        for name, kind in (("loss", "loss"), ("eval_loss", "validation loss")):
            if logs and name in logs:
                self._log(
                    f"step {state.global_step} of {state.max_steps}: {kind} {float(logs[name]):.4f}"
                )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save and stop, when any of the processes is asked to."""
        (asked,) = self._ranks.largest(REASONS.index(self._stop.reason))
        if asked:
            control.should_save = control.should_training_stop = True
