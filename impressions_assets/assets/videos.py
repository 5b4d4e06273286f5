"""The `videos` asset: what the channel's sources list."""

import dagster as dg

from impressions_assets.assets.declare import (
    NO_SOURCE_IS_PAUSED,
    NO_VIDEO_FAILED,
    Materialized,
    channel_asset,
    materialized,
    not_paused,
    passed,
    standing_facts,
)
from impressions_assets.errors import SourcePaused
from impressions_assets.resources.impressions import Impressions
from impressions_assets.sources.listing import Listing
from impressions_assets.storage.listing import reconcile

IS_FRESH = "is_fresh"


class Look(dg.Config):
    """How the sources are looked at."""

    sweep: bool = False
    """Ask for every video of YouTube again, as the nightly sweep does: 1 unit of quota for 50."""


@channel_asset(
    group="sources",
    kinds={"deltalake"},
    version=1,
    automatic=False,
    checks={
        **NO_VIDEO_FAILED,
        **NO_SOURCE_IS_PAUSED,
        "every_source_was_read": "All sources of the channel could be read to their end.",
        "not_empty": "The channel has at least one video.",
        IS_FRESH: "The sources were looked at within `stale_after_hours`; else, a sensor fails it.",
    },
)
def videos(
    context: dg.AssetExecutionContext, config: Look, impressions: Impressions
) -> Materialized:
    """One row per video: title, description, dates, chapters and caption tracks."""
    channel = impressions.channel(context.partition_key)
    with impressions.sources(channel, sweep=config.sweep) as sources:
        listing = Listing(sources, channel.filters)
        report = reconcile(
            impressions.home,
            channel.name,
            listing,
            complete=listing.is_complete,
            pause=listing.pause,
        )
    failure = listing.failure()
    is_known = report.num_videos > 0 and isinstance(failure, SourcePaused)  # it goes on with that
    if failure and not report.num_computed and not is_known:
        raise failure
    errors = [str(error) for error in listing.errors]
    titles = impressions.home.table("videos").columns(
        channel.name, "title", "published", "duration_seconds"
    )
    return materialized(
        report,
        not_paused(report),
        passed("every_source_was_read", not errors, warn=True, errors=errors),
        passed("not_empty", report.num_videos > 0, warn=True),
        passed(IS_FRESH, True, warn=True),
        preview=[
            {"title": title, "published": published or "", "seconds": seconds or 0}
            for title, published, seconds in titles
        ],
        **standing_facts(impressions.home, channel.name),
    )
