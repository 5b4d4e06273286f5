"""The `checkpoint` asset: the trained GPT of a channel, in versions."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, create_model

from impressions_assets.assets.declare import Materialized, channel_asset, passed
from impressions_assets.assets.promotion import must_be_scored, request_score
from impressions_assets.assets.training import (
    KIND,
    RESULT,
    VERSION,
    PreparedTraining,
    finished,
    is_resumable,
    only_training_of,
    prepare,
    publish,
)
from impressions_assets.errors import ImpressionsError
from impressions_assets.gpt.assess import Assessment
from impressions_assets.gpt.config import LENGTH_PRESETS, MODEL_PRESETS, ModelConfig, TrainConfig
from impressions_assets.gpt.curve import loss_curve
from impressions_assets.gpt.run import HistoryPoint, TrainingResult
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact

_RunChild = Callable[..., None]
_PLAIN: dict[Any, Any] = {int: int, float: float, bool: bool}
_PLAIN |= {kind | None: kind for kind in (int, float, bool)}


def _flag(annotation: Any, description: str | None) -> Any:
    return _PLAIN.get(annotation, str) | None, Field(default=None, description=description)


TrainingFlags: type[dg.Config] = create_model(
    "TrainingFlags",
    __base__=dg.Config,
    __doc__="Settings that override the channel's for this run, by nanoGPT's names.",
    init=_flag(
        str,
        "start from 'scratch' (the default), the 'last' version, a version's number, or 'hf:' and "
        "the name or folder of a GPT-2",
    ),
    model_preset=_flag(str, f"size: {', '.join(MODEL_PRESETS)}"),
    length_preset=_flag(str, f"length: {', '.join(LENGTH_PRESETS)}"),
    **{
        name: _flag(field.annotation, field.description)
        for name, field in {**ModelConfig.model_fields, **TrainConfig.model_fields}.items()
    },
)


@channel_asset(
    group="gpt",
    kinds={"pytorch"},
    version=VERSION,
    deps=["token_shards", "tokenizer"],
    automatic=False,
    pool="gpu",
    op_tags={
        "dagster-k8s/config": {"container_config": {"resources": {"limits": {"nvidia.com/gpu": 1}}}}
    },
    checks={
        "loss_is_finite_and_fell": "The validation loss is a number, and fell below the start.",
        "beats_unigram": "It predicts better than the frequencies of single tokens do.",
    },
)
def checkpoint(
    context: dg.AssetExecutionContext,
    config: TrainingFlags,  # type: ignore[valid-type]
    impressions: Impressions,
    children: Children,
) -> Materialized:
    """The channel's GPT: every training is kept as a version, and the best one is promoted."""
    home, name = impressions.home, context.partition_key
    flags = config.model_dump(exclude_none=True)  # type: ignore[attr-defined]
    with only_training_of(name, impressions.scratch, context.log.info):
        training = prepare(home, impressions.channel(name), impressions.scratch, flags)
        made = finished(home, name, training.made_from)
        if made is None:
            train = training.run.train
            with impressions.cards(train.device, context.log.info, train.processes) as shown:
                made = _train(context, home, partial(children.run, environment=shown), training)
        if not is_resumable(made):
            training.discard()
    return _result(home, made, impressions, training.run.board_dir)


def _train(
    context: dg.AssetExecutionContext, home: Home, run: _RunChild, training: PreparedTraining
) -> Artifact:
    name = context.partition_key
    try:
        run(context, "impressions_assets.gpt.train", training.run_file)
        scores = _scores(context, home, run, training)
    except dg.DagsterExecutionInterruptedError:
        # The child saved before it ended. What it has is kept as a version, and its folder stays,
        # so that the next run of the same training goes on from there.
        if training.best:
            kept = publish(home, name, training)
            context.log.info(f"stopped; kept as version {kept.version} of {name}")
        raise
    return publish(home, name, training, scores)


def _scores(
    context: dg.AssetExecutionContext, home: Home, run: _RunChild, training: PreparedTraining
) -> dict[int, float | None]:
    """Score the promoted version on this training's text, where it was judged by another."""
    current = home.current(context.partition_key, KIND)
    if (
        current is None
        or training.best is None
        or not must_be_scored(current, training.result, training.facts)
    ):
        return {}
    context.log.info(f"scoring version {current.version}, the promoted one, on the same text")
    folder = training.folder / "promoted"
    try:
        request = request_score(home, current, training.run, folder)
        request.save(folder / "assess.json")
        run(context, "impressions_assets.gpt.assess", folder / "assess.json")
    except ImpressionsError as error:  # what was trained is kept all the same
        context.log.warning(
            f"version {current.version}, the promoted one, cannot be scored on the validation text "
            f"of this training, so it stays promoted: {error}"
        )
        return {}
    return {current.version: Assessment.load(Path(request.out)).bits_per_byte}


def _result(
    home: Home, made: Artifact, impressions: Impressions, board_dir: Path | None
) -> Materialized:
    files = [file for file in made.files if file.name == RESULT]
    with impressions.workspace() as folder:
        result = TrainingResult.load(home.store.fetch(files, folder) / RESULT)
    losses = [point.val_loss for point in result.history if point.val_loss is not None]
    bits, unigram = result.val_bits_per_byte, result.unigram_bits_per_byte
    facts = {
        "bits_per_byte": bits,
        "unigram_bits_per_byte": unigram,
        "tokens_per_second": round(result.tokens_per_second),
        "steps": result.steps,
        "num_parameters": result.num_parameters,
        "device": f"{result.device} ({result.dtype})",
        "stopped": result.stopped or "at its end",
        "version": made.version,
        "promoted": made.current,
        "tensorboard": _command(board_dir),
        "loss_curve": dg.MetadataValue.md(loss_curve(result.history)),
        "sample": dg.MetadataValue.md(
            "\n\n".join(f"> {s.prompt}{s.text}".replace("\n", "\n> ") for s in result.samples)
        ),
        "settings": dg.MetadataValue.json({k: made.fact(k) for k in ("model", "train")}),
    }
    return dg.MaterializeResult(
        # The figures tell how long it took: that is no content.
        data_version=dg.DataVersion(digest_of([f for f in made.files if f.name != RESULT])),
        metadata={key: value for key, value in facts.items() if value is not None},
        check_results=[
            passed("loss_is_finite_and_fell", has_fallen(result.history), losses=losses),
            passed("beats_unigram", bits is not None and unigram is not None and bits < unigram),
        ],
    )


def _command(board_dir: Path | None) -> str | None:
    """How to look at the curves of a channel's trainings; None when none were drawn."""
    if board_dir is None or not board_dir.is_dir():
        return None
    return f"tensorboard --logdir {board_dir.parent}  # this one: {board_dir.name}"


def has_fallen(history: Sequence[HistoryPoint]) -> bool:
    """Say whether the validation loss is finite, and fell below that of the first weights."""
    began, *later = [p.val_loss for p in history if p.val_loss is not None] or [math.nan]
    return all(map(math.isfinite, (began, *later))) and min(later, default=began) < began
