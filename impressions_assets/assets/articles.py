"""The `articles` asset: each video as a page to read."""

import dagster as dg

from impressions_assets.assets.declare import (
    NO_VIDEO_FAILED,
    Materialized,
    channel_asset,
    log_progress,
    materialized,
)
from impressions_assets.ledger import Stage, each, refresh
from impressions_assets.resources.impressions import Impressions
from impressions_assets.text.articles import article_of

STAGE = Stage("articles", 3, ("videos", "transcripts", "chapters"))


@channel_asset(
    group="text",
    kinds={"deltalake", "markdown"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks=NO_VIDEO_FAILED,
)
def articles(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """One Markdown article per video: chapters as headings, times as links."""
    home, name = impressions.home, context.partition_key
    report = refresh(home, STAGE, name, each(article_of), progress=log_progress(context))
    pages = home.table(STAGE.table).columns(name, "title", "num_words")
    return materialized(
        report,
        num_words=sum(words for _, words in pages),
        preview=[{"title": title, "words": words} for title, words in pages],
    )
