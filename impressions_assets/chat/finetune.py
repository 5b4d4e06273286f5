"""Supervised fine-tuning of a base on the pairs of a channel, from its file to a whole model.

Notable choices:
- Examples are tokenized here, not by trl, which would cut long ones: no token is lost unsaid.
- Merged weights are what answers; the adapter is kept beside them, to be put onto the base again.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import torch
from peft import PeftModel, prepare_model_for_kbit_training

from impressions_assets.chat.base import Base, open_base
from impressions_assets.chat.defaults import Plan, plan_of
from impressions_assets.chat.evaluate import bits_per_byte, figures_of
from impressions_assets.chat.exchanges import (
    MASKED,
    Examples,
    Exchange,
    examples_of,
    load_exchanges,
)
from impressions_assets.chat.local_answerer import LocalAnswerer, context_of
from impressions_assets.chat.prompts import answer_frame
from impressions_assets.chat.run import ADAPTER, MERGED, RESULT, ChatResult, ChatRun, Figures
from impressions_assets.chat.trainer import OURS, Training
from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.gpt.device import device_of, dtype_of
from impressions_assets.gpt.run import Log
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.gpt.swap import replacing
from impressions_assets.storage.digests import digest_of

_WIDE = 512  # tokens that a question and its answer need at least


class _Setting:
    """A base on its device, and all that is decided of its tuning."""

    def __init__(self, run: ChatRun) -> None:
        variant = run.variant
        self.base = open_base(
            variant.base,
            checkpoint=run.checkpoint_dir,
            made=run.out_dir / "base",
            plain=variant.template == "plain",
            padding=variant.padding_token,
            pickled=variant.pickled_weights,
        )
        self.device = device_of(variant.device)
        self.dtype = dtype_of(variant.precision, self.device)
        self.plan: Plan = plan_of(
            variant,
            self.base.num_parameters,
            _context_of(self.base.config),
            self.device.type,
            _free_bytes(self.device),
        )
        self.model = _loaded(self.base, self.plan, self.device, self.dtype)
        if self.model.config.model_type == OURS:
            self.model.config.block_size = max(self.model.config.block_size, self.plan.max_length)
            self.base.tokenizer.model_max_length = self.model.config.block_size

    def examples(self, exchanges: list[Exchange]) -> Examples:
        """The exchanges as this base reads them."""
        return examples_of(self.base.tokenizer, exchanges, self.plan.max_length)


def finetune(run: ChatRun, log: Log, stop: StopRequest) -> ChatResult | None:
    """Tune the base, keep adapter and merged weights in out_dir, and see how it answers.

    Of several processes that share a training, one keeps and returns what they made.
    """
    began = time.monotonic()
    of_split = _by_split(run)
    setting = _Setting(run)
    base, plan = setting.base, setting.plan
    made = {split: setting.examples(ones) for split, ones in of_split.items()}
    shown = {
        split: [one for one in ones if one.question][: run.held_out]
        for split, ones in of_split.items()
    }
    log(_told(run, setting, made["train"]))
    before = bits_per_byte(setting.model, base.tokenizer, shown["val"], plan.max_length)
    training = Training(
        setting.model,
        base.tokenizer,
        run.variant,
        plan,
        run.out_dir / f"steps-{digest_of(plan._asdict())[:16]}",  # of other settings: another start
        {split: found.rows for split, found in made.items()},
        setting.dtype,
    )
    resumed = training.run(log, stop)
    if not training.speaks:
        return None
    num_trained = sum(w.numel() for w in training.model.parameters() if w.requires_grad)
    model = _saved(run, base, training).to(setting.device)
    answerer = LocalAnswerer(run.name, model, base.tokenizer)
    figures: dict[str, Figures] = {
        split: figures_of(answerer, model, base.tokenizer, pairs, plan.max_length)
        for split, pairs in shown.items()
    }
    result = _result(
        setting,
        training,
        made["train"],
        base=run.variant.base,
        stopped=stop.reason,
        resumed_from=resumed,
        num_pairs=sum(bool(one.question) for one in of_split["train"]),
        num_parameters=sum(weight.numel() for weight in model.parameters()),
        num_trained_parameters=num_trained,
        seconds=round(time.monotonic() - began, 1),
        trained=figures["train"],
        held_out=msgspec.structs.replace(figures["val"], base_bits_per_byte=before),
    )
    result.save(run.out_dir / RESULT)
    return result


def _by_split(run: ChatRun) -> dict[str, list[Exchange]]:
    exchanges = load_exchanges(run.exchanges)
    found = {split: [one for one in exchanges if one.split == split] for split in ("train", "val")}
    if not found["train"]:
        raise NothingToDo(f"there is no pair to tune {run.name!r} on: see `qa_pairs`")
    return found


def _result(setting: _Setting, training: Training, made: Examples, **more: Any) -> ChatResult:
    """What was made of the examples, and how; the rest is said by whoever asks."""
    return ChatResult(
        method=setting.plan.method,
        steps=training.steps,
        epochs=training.epochs,
        num_examples=len(made.rows),
        num_answer_tokens=made.num_answer_tokens,
        num_lost_tokens=made.num_lost_tokens,
        num_cut_prompt_tokens=made.num_cut_prompt_tokens,
        num_labels=sum(label != MASKED for row in made.rows for label in row.labels[1:]),
        device=setting.device.type,
        precision=str(setting.dtype).removeprefix("torch."),
        max_length=setting.plan.max_length,
        history=training.history,
        **more,
    )


def _context_of(config: Any) -> int:
    """Tokens that the base can learn to hold: positions that are rotated have no last one."""
    return max(context_of(config), _WIDE if config.model_type == OURS else 0)


def _loaded(base: Base, plan: Plan, device: torch.device, dtype: torch.dtype) -> Any:
    if plan.method == "qlora":
        prepare: Any = prepare_model_for_kbit_training
        return prepare(base.load(quantization_config=_four_bits(dtype), device_map={"": 0}))
    # Adapters leave the weights as they are, in 2 bytes; what is trained itself needs 4.
    stored = torch.float32 if plan.method == "full" else dtype
    return base.load(dtype=stored).to(device)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def _four_bits(dtype: torch.dtype) -> Any:
    try:
        import bitsandbytes  # type: ignore[import-not-found]  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"qlora needs bitsandbytes, and it cannot be imported ({error}):"
            " pip install bitsandbytes, or choose lora"
        ) from error
    from transformers import BitsAndBytesConfig

    config: Any = BitsAndBytesConfig
    return config(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _saved(run: ChatRun, base: Base, training: Training) -> Any:
    """Keep the adapter and the whole model; return the latter."""
    model, adapter = training.model, run.out_dir / ADAPTER
    if isinstance(model, PeftModel):
        # Not the folder of this machine that it was loaded from.
        model.peft_config["default"].base_model_name_or_path = run.variant.base
        with replacing(adapter) as folder:
            model.save_pretrained(str(folder))
        if getattr(model.get_base_model(), "is_loaded_in_4bit", False):
            # What 4 bits rounded stays rounded when merged: the adapter goes onto the base itself.
            model = PeftModel.from_pretrained(base.load(dtype=torch.bfloat16), adapter)
        merge: Any = model.merge_and_unload
        model = merge()
    _name_ends(model, base.tokenizer)
    _save_whole(model, base.tokenizer, run.out_dir / MERGED)
    shutil.rmtree(run.out_dir / "base", ignore_errors=True)
    return model.eval()


def _name_ends(model: Any, tokenizer: Any) -> None:
    """Tell every program that loads the model which tokens end an answer."""
    ends = [tokenizer.eos_token_id, *answer_frame(tokenizer).end_ids[:1]]
    model.generation_config.eos_token_id = list(dict.fromkeys(ends))
    model.generation_config.pad_token_id = tokenizer.pad_token_id


def _save_whole(model: Any, tokenizer: Any, place: Path) -> None:
    with replacing(place) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _told(run: ChatRun, setting: _Setting, made: Examples) -> str:
    return (
        f"{run.name}: {setting.plan.method} on {run.variant.base}, {len(made.rows)} examples of at"
        f" most {setting.plan.max_length} tokens, {made.num_lost_tokens} tokens of answers lost,"
        f" {made.num_cut_prompt_tokens} of questions cut; on {setting.device} in {setting.dtype}"
    )
