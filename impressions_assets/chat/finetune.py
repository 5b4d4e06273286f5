"""Supervised fine-tuning of a base on the pairs of a channel, from its file to a whole model.

Notable choices:
- Examples are tokenized here, not by trl, which would cut long ones: no token is lost unsaid.
- Merged weights are what answers; the adapter is kept beside them, to be put onto the base again.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from impressions_assets.chat.evaluate import bits_per_byte, figures_of
from impressions_assets.chat.exchanges import MASKED, Examples, Exchange, load_exchanges
from impressions_assets.chat.keeping import kept
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.chat.run import RESULT, ChatResult, ChatRun, Figures
from impressions_assets.chat.setting import Setting
from impressions_assets.chat.trainer import Training, free_memory
from impressions_assets.child import Place
from impressions_assets.errors import NothingToDo
from impressions_assets.gpt.ranks import joined
from impressions_assets.gpt.run import Log
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.storage.digests import digest_of


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
        setting = Setting(run, ranks)
        made = {split: setting.examples(ones) for split, ones in of_split.items()}
        log(_told(run, setting, made["train"]))
        training, before, resumed = _trained(setting, made, shown["val"], log, stop)
    if not ranks.is_first:
        setting.discard()
        return None
    model = kept(setting, training)
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
        num_parameters=setting.num_parameters,
        seconds=round(time.monotonic() - began, 1),
        trained=figures["train"],
        held_out=msgspec.structs.replace(figures["val"], base_bits_per_byte=before),
    )
    result.save(run.out_dir / RESULT)
    return result


def _before(setting: Setting, model: Any, pairs: Sequence[Exchange]) -> float | None:
    """How likely the base finds the answers. Of a sharded one, the first process asks."""
    tokenizer, longest = setting.base.tokenizer, setting.plan.max_length
    if not setting.is_sharded:
        return bits_per_byte(model, tokenizer, pairs, longest)
    found = None
    if setting.ranks.is_first:
        found = bits_per_byte(setting.spread(setting.base), tokenizer, pairs, longest)
        free_memory()
    setting.ranks.meet()  # the others wait until the devices are free
    return found


def _trained(
    setting: Setting,
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
        setting.device,
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


def _result(setting: Setting, training: Training, made: Examples, **more: Any) -> ChatResult:
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


def _told(run: ChatRun, setting: Setting, made: Examples) -> str:
    return (
        f"{run.name}: {setting.plan.method} on {run.variant.base}, {len(made.rows)} examples of at"
        f" most {setting.plan.max_length} tokens, {made.num_lost_tokens} tokens of answers lost,"
        f" {made.num_cut_prompt_tokens} of questions cut; on {setting.device} in {setting.dtype}"
    )
