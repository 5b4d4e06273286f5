"""Supervised fine-tuning of a base on the pairs of a channel, from its file to a whole model.

Notable choices:
- Examples are tokenized here, not by trl, which would cut long ones: no token is lost unsaid.
- Merged weights are what answers; the adapter is kept beside them, to be put onto the base again.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
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
from impressions_assets.chat.trainer import OURS, Training, free_memory
from impressions_assets.child import Place
from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.gpt.device import device_of, dtype_of
from impressions_assets.gpt.ranks import Ranks, joined
from impressions_assets.gpt.run import Log
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.gpt.swap import current, replacing
from impressions_assets.storage.digests import digest_of

_WIDE = 512  # tokens that a question and its answer need at least


class _Setting:
    """A base on its device, and all that is decided of its tuning."""

    def __init__(self, run: ChatRun, ranks: Ranks) -> None:
        variant = run.variant
        self.run, self.ranks, self.is_sharded = run, ranks, variant.sharded
        self._made, self.gathered = run.out_dir / f"base-{ranks.rank}", run.out_dir / "gathered"
        self.base = open_base(
            variant.base,
            checkpoint=run.checkpoint_dir,
            made=self._made,
            plain=variant.template == "plain",
            padding=variant.padding_token,
            pickled=variant.pickled_weights,
        )
        self.device = device_of(variant.device)
        self.dtype = dtype_of(variant.precision, self.device)
        plan = plan_of(
            variant,
            self.base.num_parameters,
            _context_of(self.base.config),
            self.device.type,
            _memory_bytes(self.device),
        )
        self.plan: Plan = ranks.from_first(plan)
        # Adapters leave the weights as they are, in 2 bytes; what is trained itself needs 4.
        self.stored = torch.float32 if self.plan.method == "full" else self.dtype

    def load(self) -> Any:
        """The model to be tuned, on its device, or in memory where it goes on several."""
        if self.plan.method == "qlora":
            prepare: Any = prepare_model_for_kbit_training
            of_four_bits, here = _four_bits(self.dtype), {"": torch.cuda.current_device()}
            return prepare(self.base.load(quantization_config=of_four_bits, device_map=here))
        model = self.base.load(dtype=self.stored)
        if model.config.model_type == OURS:
            model.config.block_size = max(model.config.block_size, self.plan.max_length)
            self.base.tokenizer.model_max_length = model.config.block_size
        return model if self.is_sharded else model.to(self.device)

    def spread(self, base: Base) -> Any:
        """A model as it answers: on its device, or over all where one cannot hold it."""
        if not self.is_sharded or self.device.type != "cuda":
            return base.load(dtype=self.stored).to(self.device)
        return base.load(dtype=self.dtype, device_map="auto")

    def discard(self) -> None:
        """Delete what was only needed on the way."""
        shutil.rmtree(self._made, ignore_errors=True)
        if self.ranks.is_first:
            shutil.rmtree(self.gathered, ignore_errors=True)

    def examples(self, exchanges: list[Exchange]) -> Examples:
        """The exchanges as this base reads them."""
        return examples_of(self.base.tokenizer, exchanges, self.plan.max_length)


def finetune(
    run: ChatRun, log: Log, stop: StopRequest, place: Place | None = None
) -> ChatResult | None:
    """Tune the base, keep adapter and merged weights in out_dir, and see how it answers.

    Of several processes that share a training, one keeps and returns what they made.
    """
    began = time.monotonic()
    of_split = _by_split(run)
    shown = {
        split: [one for one in ones if one.question][: run.held_out]
        for split, ones in of_split.items()
    }
    with joined(place, run.variant.device) as ranks:
        if place is not None:
            place.tell()
        setting = _Setting(run, ranks)
        made = {split: setting.examples(ones) for split, ones in of_split.items()}
        log(_told(run, setting, made["train"]))
        training, before, resumed = _trained(setting, made, shown["val"], log, stop)
    if not ranks.is_first:
        setting.discard()
        return None
    model = _kept(setting, training)
    answerer = LocalAnswerer(run.name, model, setting.base.tokenizer)
    figures: dict[str, Figures] = {
        split: figures_of(answerer, model, setting.base.tokenizer, pairs, setting.plan.max_length)
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
        seconds=round(time.monotonic() - began, 1),
        trained=figures["train"],
        held_out=msgspec.structs.replace(figures["val"], base_bits_per_byte=before),
    )
    result.save(run.out_dir / RESULT)
    return result


def _before(setting: _Setting, model: Any, pairs: Sequence[Exchange]) -> float | None:
    """How likely the base finds the answers. Of a sharded one, the first process asks."""
    tokenizer, longest = setting.base.tokenizer, setting.plan.max_length
    if not setting.is_sharded:
        return bits_per_byte(model, tokenizer, pairs, longest)
    found = None
    if setting.ranks.is_first:
        found = bits_per_byte(setting.spread(setting.base), tokenizer, pairs, longest)
        free_memory()
    setting.ranks.largest(0)  # the others wait until the devices are free
    return found


def _trained(
    setting: _Setting,
    made: Mapping[str, Examples],
    judged: Sequence[Exchange],
    log: Log,
    stop: StopRequest,
) -> tuple[Training, float | None, int | None]:
    """The training at its end, how likely its base found the answers, and where it went on."""
    model = setting.load()
    before = _before(setting, model, judged)
    steps = f"steps-{digest_of(setting.plan._asdict())[:16]}"  # of other settings: another start
    training = Training(
        model,
        setting.base.tokenizer,
        setting.run.variant,
        setting.plan,
        setting.run.out_dir / steps,
        {split: found.rows for split, found in made.items()},
        setting.dtype,
        setting.ranks,
    )
    del model  # of a sharded one, each process holds its part, and only until the training ends
    return training, before, training.run(log, stop, setting.gathered)


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
        num_trained_parameters=training.num_trained,
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


def _memory_bytes(device: torch.device) -> int:
    """All that a device has: what is free now would make another plan of a tuning that goes on."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info()[1])
    return int(psutil.virtual_memory().total)


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


def _kept(setting: _Setting, training: Training) -> Any:
    """Keep the adapter and the whole model; return the latter, as it answers."""
    merged = _merged(setting, _tuned(setting, training))
    tokenizer, place = setting.base.tokenizer, setting.run.out_dir / MERGED
    _name_ends(merged, tokenizer)
    _save_whole(merged, tokenizer, place)
    if setting.is_sharded:
        del merged
        folder = current(place)
        assert folder is not None
        merged = setting.spread(setting.base._replace(folder=folder))
    else:
        merged = merged.to(setting.device)
    setting.discard()
    return merged.eval()


def _tuned(setting: _Setting, training: Training) -> Any:
    """The tuned model, or the base with its adapter."""
    if not setting.is_sharded:
        return training.model
    if setting.plan.method == "full":
        return setting.base._replace(folder=setting.gathered).load(dtype=setting.stored)
    return PeftModel.from_pretrained(setting.base.load(dtype=setting.stored), setting.gathered)


def _merged(setting: _Setting, model: Any) -> Any:
    """The whole model; an adapter is kept before it is put into the weights."""
    if not isinstance(model, PeftModel):
        return model
    adapter = setting.run.out_dir / ADAPTER
    # Not the folder of this machine that it was loaded from.
    model.peft_config["default"].base_model_name_or_path = setting.run.variant.base
    with replacing(adapter) as folder:
        model.save_pretrained(str(folder))
    if getattr(model.get_base_model(), "is_loaded_in_4bit", False):
        # What 4 bits rounded stays rounded when merged: the adapter goes onto the base itself.
        model = PeftModel.from_pretrained(setting.base.load(dtype=torch.bfloat16), adapter)
    merge: Any = model.merge_and_unload
    return merge()


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
