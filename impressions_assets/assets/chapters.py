"""The `chapters` asset: titled spans of each video."""

import dagster as dg

from impressions_assets.assets.declare import (
    NO_VIDEO_FAILED,
    Materialized,
    channel_asset,
    log_progress,
    materialized,
    passed,
)
from impressions_assets.ledger import Stage, each, refresh
from impressions_assets.resources.impressions import Impressions
from impressions_assets.text.chapters import chapters_of

STAGE = Stage("chapters", 1, ("videos",))


@channel_asset(
    group="text",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={**NO_VIDEO_FAILED, "in_order": "The chapters of each video start one after another."},
)
def chapters(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Chapters per video, from YouTube's own list or from the description."""
    home, name = impressions.home, context.partition_key
    report = refresh(home, STAGE, name, each(chapters_of), progress=log_progress(context))
    rows = home.table(STAGE.table).columns(name, "video_id", "chapters.start_seconds")
    disordered = [video_id for video_id, starts in rows if starts != sorted(set(starts))]
    return materialized(
        report,
        passed("in_order", not disordered, videos=disordered),
        num_chapters=sum(len(starts) for _, starts in rows),
        videos_with_chapters=sum(bool(starts) for _, starts in rows),
    )
