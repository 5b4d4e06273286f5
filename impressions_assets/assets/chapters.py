"""The `chapters` asset: titled spans of each video."""

from functools import partial
from typing import Any

import dagster as dg

from impressions_assets.assets.declare import (
    NO_SOURCE_IS_PAUSED,
    NO_VIDEO_FAILED,
    Materialized,
    by_title,
    channel_asset,
    log_progress,
    materialized,
    not_paused,
    passed,
)
from impressions_assets.channels.channel import Channel
from impressions_assets.language_model.side_by_side import side_by_side
from impressions_assets.resources.impressions import Impressions
from impressions_assets.resources.language_models import asked_with, language_model_of, way_to
from impressions_assets.rows import Chapters, Transcript, Video
from impressions_assets.storage.ledger import Stage, Work, each, refresh
from impressions_assets.text.chapters import chapters_of
from impressions_assets.text.corrections import corrected_chapters
from impressions_assets.text.model_titles import retitled
from impressions_assets.text.prompts import for_titles

STAGE = Stage("chapters", 4, ("videos", "transcripts"), corrected_chapters)


@channel_asset(
    group="text",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={
        **NO_VIDEO_FAILED,
        **NO_SOURCE_IS_PAUSED,
        "in_order": "The chapters of each video start one after another.",
    },
)
def chapters(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Chapters per video: from YouTube, from the description, or segmented from the transcript."""
    home = impressions.home
    channel = impressions.channel(context.partition_key)
    report = refresh(
        home,
        STAGE,
        channel.name,
        _work(impressions, channel),
        settings_of(channel),
        access=way_to(channel),
        progress=log_progress(context),
    )
    wanted = ("video_id", "chapters.start_seconds", "chapters.origin")
    rows = home.table(STAGE.table).columns(channel.name, *wanted)
    disordered = [video_id for video_id, starts, _ in rows if starts != sorted(set(starts))]
    return materialized(
        report,
        not_paused(report),
        passed("in_order", not disordered, videos=disordered),
        num_chapters=sum(len(starts) for _, starts, _ in rows),
        videos_with_chapters=sum(bool(starts) for _, starts, _ in rows),
        videos_corrected=sum("manual" in origins for _, _, origins in rows),
        videos_segmented=sum("segmented" in origins for _, _, origins in rows),
        titles_not_given=home.table(STAGE.table).num_items(channel.name, "notes"),
        preview=by_title(
            home,
            channel.name,
            (
                (found, {"chapters": len(starts), "from": ", ".join(sorted(set(origins)))})
                for found, starts, origins in rows
            ),
        ),
    )


def settings_of(channel: Channel) -> dict[str, Any]:
    """What matters to this stage: a change computes every row again.

    A language model is named only where it gives the titles: the rows of all others stay valid.
    """
    settings = _cutting(channel)
    if channel.chapters.titles == "language_model":
        settings["titles"] = asked_with(channel, for_titles())
    return settings


def _cutting(channel: Channel) -> dict[str, Any]:
    return channel.chapters.model_dump(mode="json", exclude={"titles"})


def _work(impressions: Impressions, channel: Channel) -> Work:
    settings = _cutting(channel)
    if channel.chapters.titles == "key_phrases":
        return each(partial(chapters_of, **settings))
    model = language_model_of(channel)
    answers = impressions.answers(model)
    name = partial(retitled, answers.ask, window_words=model.window_words)
    known = impressions.home.table("corrections").columns(channel.name, "video_id", "table")
    by_hand = {video_id for video_id, table in known if table == STAGE.table}

    def chapters_with_titles(video: Video, transcript: Transcript) -> Chapters:
        found = chapters_of(video, transcript, **settings)
        return found if video.video_id in by_hand else name(video, transcript, found)

    return side_by_side(chapters_with_titles, answers, model.concurrency)
