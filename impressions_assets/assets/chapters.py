"""The `chapters` asset: titled spans of each video."""

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
from impressions_assets.text.chapters import chapters_of
from impressions_assets.text.corrections import corrected_chapters

STAGE = Stage("chapters", 3, ("videos", "transcripts"), corrected_chapters)


@channel_asset(
    group="text",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={**NO_VIDEO_FAILED, "in_order": "The chapters of each video start one after another."},
)
def chapters(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Chapters per video: from YouTube, from the description, or segmented from the transcript."""
    home = impressions.home
    channel = impressions.channel(context.partition_key)
    settings = settings_of(channel)
    report = refresh(
        home,
        STAGE,
        channel.name,
        each(partial(chapters_of, **settings)),
        settings,
        progress=log_progress(context),
    )
    wanted = ("video_id", "chapters.start_seconds", "chapters.origin")
    rows = home.table(STAGE.table).columns(channel.name, *wanted)
    disordered = [video_id for video_id, starts, _ in rows if starts != sorted(set(starts))]
    return materialized(
        report,
        passed("in_order", not disordered, videos=disordered),
        num_chapters=sum(len(starts) for _, starts, _ in rows),
        videos_with_chapters=sum(bool(starts) for _, starts, _ in rows),
        videos_corrected=sum("manual" in origins for _, _, origins in rows),
        videos_segmented=sum("segmented" in origins for _, _, origins in rows),
    )


def settings_of(channel: Channel) -> dict[str, Any]:
    """What matters to this stage: a change computes every row again."""
    return channel.chapters.model_dump(mode="json")
