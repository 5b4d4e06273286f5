"""The `chat_model` asset: a base tuned on the channel's questions and answers, in variants."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from impressions_assets.answering.variants import KIND
from impressions_assets.assets.declare import Materialized, channel_asset, passed
from impressions_assets.assets.training import only_training_of
from impressions_assets.assets.tuning import VERSION, PreparedTuning, prepare, publish
from impressions_assets.chat.run import RESULT, ChatResult, Figures
from impressions_assets.chat.vectors import Tell
from impressions_assets.gpt.curve import loss_curve
from impressions_assets.resources.children import Children
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.records import Artifact

_TOLD_EVERY = 512  # passages
_COMPARED = (
    "base",
    "method",
    "steps",
    "bits_per_byte",
    "base_bits_per_byte",
    "overlap",
    "share_right",
    "trained_share_right",
    "sources_hold",
    "sources_hold_listed",
    "repetition_rate",
    "repetition_rate_stopped",
    "seconds_to_first_token",
    "tokens_per_second",
)


class ChatFlags(dg.Config):
    """Which variant of the channel's `chat` to tune, and what to set differently this time."""

    variant: str | None = None
    """Name of the variant; the first one when not given."""
    settings: dict[str, Any] = {}  # noqa: RUF012 - Dagster's Config copies it
    """Settings of the variant that count for this run, such as max_steps or learning_rate."""


@channel_asset(
    group="chat",
    kinds={"pytorch", "huggingface"},
    version=VERSION,
    deps=["qa_pairs", "documents", "checkpoint"],
    automatic=False,
    pool="gpu",
    op_tags={
        "dagster-k8s/config": {"container_config": {"resources": {"limits": {"nvidia.com/gpu": 1}}}}
    },
    checks={
        "something_was_learned": "Tokens of answers were learned from, and the loss fell.",
        "no_answer_was_cut": "Every token of every answer was learned from.",
        "likelier_than_before": "Answers of other videos became likelier than to the base.",
    },
)
def chat_model(
    context: dg.AssetExecutionContext,
    config: ChatFlags,
    impressions: Impressions,
    children: Children,
) -> Materialized:
    """A model that answers as the channel does: every tuning of a variant is kept as a version."""
    home, channel = impressions.home, impressions.channel(context.partition_key)
    with only_training_of(f"{channel.name}-chat", impressions.scratch, context.log.info):
        tuning = prepare(
            home, channel, impressions.scratch, config.variant, config.settings, _telling(context)
        )
        made = tuning.finished
        if made is None:
            variant = tuning.run.variant
            with impressions.cards(variant.device, context.log.info, variant.processes) as shown:
                children.run(context, "impressions_assets.chat.train", tuning.run_file, shown)
            made = publish(home, channel, tuning)
        if made.fact("stopped") is None:
            tuning.discard()
    return _result(channel.name, made, impressions, tuning)


def _telling(context: dg.AssetExecutionContext) -> Tell:
    """Tell the log now and then how many passages are encoded."""

    def tell(done: int, of: int) -> None:
        if done % _TOLD_EVERY == 0 or done == of:
            context.log.info(f"{done:,} of {of:,} passages are encoded, for search by meaning")

    return tell


def _result(
    channel: str, made: Artifact, impressions: Impressions, tuning: PreparedTuning
) -> Materialized:
    home = impressions.home
    with impressions.workspace() as folder:
        files = [file for file in made.files if file.name == RESULT]
        result = ChatResult.load(home.store.fetch(files, folder) / RESULT)
    facts = {
        "variant": tuning.run.name,
        "version": made.version,
        "promoted": made.current,
        "sources_hold": tuning.sources_hold,
        "sources_hold_listed": tuning.sources_hold_listed,
        **_told_of(result),
        "loss_curve": dg.MetadataValue.md(loss_curve(result.history)),
        "variants": dg.MetadataValue.table(_records(home.artifacts(channel, KIND))),
        "settings": dg.MetadataValue.json(made.fact("settings")),
    }
    return dg.MaterializeResult(
        data_version=dg.DataVersion(digest_of([f for f in made.files if f.name != RESULT])),
        metadata={name: value for name, value in facts.items() if value is not None},
        check_results=_checks(result),
    )


def _told_of(result: ChatResult) -> dict[str, Any]:
    return {
        "pairs": result.num_pairs,
        "examples": result.num_examples,
        "lost_tokens": result.num_lost_tokens,
        "cut_prompt_tokens": result.num_cut_prompt_tokens,
        "device": f"{result.device} ({result.precision})",
        "stopped": result.stopped or "at its end",
        "seconds": result.seconds,
        "trained_share_right": result.trained.share_right,
        **_measured(result.held_out),
    }


def _checks(result: ChatResult) -> list[dg.AssetCheckResult]:
    lost = result.num_lost_tokens
    before, after = result.held_out.base_bits_per_byte, result.held_out.bits_per_byte
    is_likelier = before is None or after is None or after < before
    return [
        passed("something_was_learned", not result.fault, reason=result.fault or "it was"),
        passed("no_answer_was_cut", lost == 0, lost_tokens=lost),
        passed(
            "likelier_than_before",
            is_likelier,
            warn=True,
            base_bits_per_byte=before if before is not None else "no pairs of other videos",
            bits_per_byte=after if after is not None else "no pairs of other videos",
        ),
    ]


def _measured(figures: Figures) -> dict[str, float | None]:
    names = [name for name in figures.__struct_fields__ if name != "answers"]
    return {f"held_out_{name}".replace("_num_", "_"): getattr(figures, name) for name in names}


def _records(versions: Sequence[Artifact]) -> list[dg.TableRecord]:
    """A row per version: how each answers the held-out pairs that there were."""
    return [
        dg.TableRecord(
            {
                "version": made.version,
                "variant": str(made.fact("variant")),
                "promoted": made.current,
                **{name: _told(made.fact(name)) for name in _COMPARED},
            }
        )
        for made in versions
    ]


def _told(value: Any) -> str:
    return "not measured" if value is None else str(value)
