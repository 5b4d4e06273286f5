"""The `articles` asset: each video as a page to read."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
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
from impressions_assets.channels.channel import Channel
from impressions_assets.language_model.side_by_side import side_by_side
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.key_frames import KeyFrames, file_marks
from impressions_assets.resources.language_models import asked_with, language_model_of, way_to
from impressions_assets.rows import Article
from impressions_assets.sources import key_frames
from impressions_assets.sources.source import Source
from impressions_assets.storage.ledger import Stage, Work, each, refresh
from impressions_assets.text.articles import article_of
from impressions_assets.text.prompts import for_rewrite
from impressions_assets.text.rewriting import rewritten

STAGE = Stage("articles", 4, ("videos", "transcripts", "chapters"))


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
    with ExitStack() as stack:
        wanted = channel.articles.key_frames
        sources = stack.enter_context(impressions.sources(channel)) if wanted else []
        report = refresh(
            home,
            STAGE,
            name,
            _work(impressions, channel, sources),
            settings_of(channel),
            access=way_to(channel),
            beside=file_marks(home, name, sources),
            progress=log_progress(context),
        )
    table = home.table(STAGE.table)
    pages = table.columns(name, "title", "num_words")
    return materialized(
        report,
        not_paused(report),
        num_words=sum(words for _, words in pages),
        not_rewritten=table.num_items(name, "notes"),
        key_frames=table.num_items(name, "frames"),
        preview=[{"title": title, "words": words} for title, words in pages],
    )


def settings_of(channel: Channel) -> object:
    """What matters to this stage: a change computes every row again.

    Nothing does where no language model rewrites and no pictures are wanted.
    """
    settings: dict[str, object] = {}
    if channel.articles.rewrite:
        asked = for_rewrite(channel.articles.language, with_pictures=_sees_pictures(channel))
        settings["rewrite"] = asked_with(channel, asked)
    if channel.articles.key_frames:
        settings["key_frames"] = key_frames.VERSION
    return settings or None


def _sees_pictures(channel: Channel) -> bool:
    return channel.articles.key_frames and language_model_of(channel).sees_pictures


def _work(impressions: Impressions, channel: Channel, sources: Sequence[Source]) -> Work:
    article: Callable[..., Article] = article_of
    if channel.articles.key_frames:
        article = partial(article, pictures=KeyFrames(impressions.home, sources))
    if not channel.articles.rewrite:
        return each(article)
    model = language_model_of(channel)
    answers = impressions.answers(model)
    rewrite = partial(
        rewritten,
        answers.ask,
        language=channel.articles.language,
        window_words=model.window_words,
        sees_pictures=_sees_pictures(channel),
    )
    article = partial(article, rewrite=rewrite, language=channel.articles.language)
    return side_by_side(article, answers, model.concurrency)
