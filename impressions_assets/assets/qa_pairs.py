"""The `qa_pairs` asset: questions joined to the span that answers them."""

from functools import partial

import dagster as dg

from impressions_assets.assets.declare import (
    NO_VIDEO_FAILED,
    Materialized,
    by_title,
    channel_asset,
    log_progress,
    materialized,
)
from impressions_assets.channels.channel import Channel
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.ledger import Stage, each, refresh
from impressions_assets.text.corrections import corrected_pairs
from impressions_assets.text.qa import pairs_of
from impressions_assets.transforms import identity_of

STAGE = Stage("qa_pairs", 7, ("videos", "transcripts", "chapters"), corrected_pairs)


@channel_asset(
    group="text",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks=NO_VIDEO_FAILED,
)
def qa_pairs(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Questions that are listed or asked, each with what was said in answer."""
    home = impressions.home
    channel = impressions.channel(context.partition_key)
    work = partial(
        pairs_of,
        announcements=channel.questions.announcements,
        transforms=channel.transforms,
    )
    report = refresh(
        home,
        STAGE,
        channel.name,
        each(work),
        settings_of(channel),
        progress=log_progress(context),
    )
    table = home.table(STAGE.table)
    rows = table.columns(channel.name, "video_id", "pairs.start_seconds", "pairs.review")
    return materialized(
        report,
        num_pairs=sum(len(starts) for _, starts, _ in rows),
        num_reviewed=sum(review != "unreviewed" for _, _, reviews in rows for review in reviews),
        num_dropped=table.num_items(channel.name, "dropped"),
        preview=by_title(
            home,
            channel.name,
            ((found, {"pairs": len(starts)}) for found, starts, _ in rows if starts),
        ),
    )


def settings_of(channel: Channel) -> object:
    """What matters to this stage: a change computes every row again."""
    # Without transforms nothing names them, so that a channel that chooses none keeps its rows.
    chosen = [identity_of(channel.transforms)] if channel.transforms else []
    return [channel.questions.announcements, *chosen]
