"""The `documents` asset: clean text ready for a language model."""

from functools import partial
from typing import Any

import dagster as dg

from impressions_assets.assets.declare import (
    NO_VIDEO_FAILED,
    Materialized,
    channel_asset,
    log_progress,
    materialized,
    passed,
)
from impressions_assets.channels import Channel
from impressions_assets.ledger import Stage, each, refresh
from impressions_assets.resources.impressions import Impressions
from impressions_assets.text.documents import document_of

STAGE = Stage("documents", 1, ("videos", "transcripts", "chapters"))


@channel_asset(
    group="text",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={**NO_VIDEO_FAILED, "not_empty": "At least one video gave text."},
)
def documents(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Clean text per video; what was dropped is kept beside it with its reason."""
    home = impressions.home
    channel = impressions.channel(context.partition_key)
    settings = settings_of(channel)
    report = refresh(
        home,
        STAGE,
        channel.name,
        each(partial(document_of, **settings)),
        settings,
        progress=log_progress(context),
    )
    sizes = home.table(STAGE.table).columns(channel.name, "video_id", "num_characters")
    texts = sum(size > 0 for _, size in sizes)
    return materialized(
        report,
        passed("not_empty", texts > 0 or not sizes),
        num_characters=sum(size for _, size in sizes),
        with_text=texts,
        preview=[{"video": video_id, "characters": size} for video_id, size in sizes],
    )


def settings_of(channel: Channel) -> dict[str, Any]:
    """What matters to this stage: a change computes every row again."""
    return channel.documents.model_dump(mode="json")
