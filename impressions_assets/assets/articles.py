"""The `articles` asset: each video as a page to read."""

from functools import partial

import dagster as dg

from impressions_assets.assets.declare import (
    NO_SOURCE_IS_PAUSED,
    NO_VIDEO_FAILED,
    Materialized,
    channel_asset,
    log_progress,
    materialized,
    not_paused,
)
from impressions_assets.channels import Channel
from impressions_assets.language_model.side_by_side import side_by_side
from impressions_assets.ledger import Stage, Work, each, refresh
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.language_models import asked_with, language_model_of
from impressions_assets.text.articles import article_of
from impressions_assets.text.prompts import for_rewrite
from impressions_assets.text.rewriting import rewritten

STAGE = Stage("articles", 3, ("videos", "transcripts", "chapters"))


@channel_asset(
    group="text",
    kinds={"deltalake", "markdown"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={**NO_VIDEO_FAILED, **NO_SOURCE_IS_PAUSED},
)
def articles(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """One Markdown article per video: chapters as headings, times as links."""
    home, name = impressions.home, context.partition_key
    channel = impressions.channel(name)
    report = refresh(
        home,
        STAGE,
        name,
        _work(impressions, channel),
        settings_of(channel),
        progress=log_progress(context),
    )
    pages = home.table(STAGE.table).columns(name, "title", "num_words", "notes")
    return materialized(
        report,
        not_paused(report),
        num_words=sum(words for _, words, _ in pages),
        not_rewritten=sum(len(notes) for *_, notes in pages),
        preview=[{"title": title, "words": words} for title, words, _ in pages],
    )


def settings_of(channel: Channel) -> object:
    """What matters to this stage: a change computes every row again; nothing without a rewrite."""
    if not channel.articles.rewrite:
        return None
    return {"rewrite": asked_with(channel, for_rewrite(channel.articles.language))}


def _work(impressions: Impressions, channel: Channel) -> Work:
    if not channel.articles.rewrite:
        return each(article_of)
    model = language_model_of(channel)
    answers = impressions.answers(model)
    rewrite = partial(
        rewritten,
        answers.ask,
        language=channel.articles.language,
        window_words=model.window_words,
    )
    return side_by_side(partial(article_of, rewrite=rewrite), answers, model.concurrency)
