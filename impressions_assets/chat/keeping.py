"""What a tuning leaves: the adapter, to be put onto the base again, and merged weights.

Does not belong here: publishing them (assets/tuning.py).
"""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from impressions_assets.chat.local_answerer import ends_of
from impressions_assets.chat.prompts import answer_frame
from impressions_assets.chat.run import ADAPTER, MERGED
from impressions_assets.chat.setting import Setting
from impressions_assets.chat.trainer import Training
from impressions_assets.gpt.swap import current, replacing


def kept(setting: Setting, training: Training) -> Any:
    """Keep the adapter and the whole model; return the latter, as it answers.

    A base in 4 bits answers itself, with its adapter: the card that it was tuned on has no room for
    the whole one, which is put together in the machine's memory.
    """
    tuned = _tuned(setting, training)
    merged = _merged(setting, tuned)
    tokenizer, place = setting.base.tokenizer, setting.run.out_dir / MERGED
    for model in (tuned, merged):
        _name_ends(model, tokenizer)
    _save_whole(merged, tokenizer, place)
    if setting.is_sharded:
        del tuned, model, merged
        folder = current(place)
        assert folder is not None
        answers = setting.spread(setting.base._replace(folder=folder))
    else:
        answers = tuned if setting.is_quantized else merged.to(setting.device)
    setting.discard()
    return answers.eval()


def _tuned(setting: Setting, training: Training) -> Any:
    """The tuned model, or the base with its adapter."""
    if not setting.is_sharded:
        return training.model
    if setting.plan.method == "full":
        return setting.base._replace(folder=setting.gathered).load(dtype=setting.stored)
    return _with_adapter(setting.base.load(dtype=setting.stored), setting.gathered)


def _with_adapter(base: Any, adapter: Path) -> Any:
    """A base in the machine's memory, and its adapter, which would go to a card by itself."""
    return PeftModel.from_pretrained(base, adapter, torch_device="cpu")


def _merged(setting: Setting, model: Any) -> Any:
    """The whole model; an adapter is kept before it is put into the weights."""
    if not isinstance(model, PeftModel):
        return model
    adapter = setting.run.out_dir / ADAPTER
    # Not the folder of this machine that it was loaded from.
    model.peft_config["default"].base_model_name_or_path = setting.run.variant.base
    with replacing(adapter) as folder:
        model.save_pretrained(str(folder))
    if setting.is_quantized:
        # What 4 bits rounded stays rounded when merged: the adapter goes onto the base itself.
        model = _with_adapter(setting.base.load(dtype=torch.bfloat16), adapter)
    merge: Any = model.merge_and_unload
    return merge()


def _name_ends(model: Any, tokenizer: Any) -> None:
    """Tell every program that loads the model which tokens end an answer: the base's, too."""
    ends = [tokenizer.eos_token_id, *answer_frame(tokenizer).end_ids[:1]]
    ends += sorted(ends_of(model, tokenizer))
    model.generation_config.eos_token_id = list(dict.fromkeys(ends))
    model.generation_config.pad_token_id = tokenizer.pad_token_id


def _save_whole(model: Any, tokenizer: Any, place: Path) -> None:
    with replacing(place) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
