"""The `documents` asset: clean text ready for a language model."""

from functools import partial
from typing import Any

import dagster as dg

from impressions_assets.assets.declare import (
    NO_VIDEO_FAILED,
    Materialized,
    by_title,
    channel_asset,
    listed,
    log_progress,
    materialized,
    passed,
)
from impressions_assets.channels.channel import Channel
from impressions_assets.duplicates import duplicates_in, told_elsewhere
from impressions_assets.resources.impressions import Impressions
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Stage, each, refresh
from impressions_assets.text.documents import document_of
from impressions_assets.text.languages import agree
from impressions_assets.transforms import OnSegments, identity_of

STAGE = Stage("documents", 2, ("videos", "transcripts", "chapters"))


@channel_asset(
    group="text",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={
        **NO_VIDEO_FAILED,
        "not_empty": "At least one video gave text.",
        "languages_agree": "No text is in another language than its captions say.",
        "no_duplicates": "No document says nearly what an earlier one says; those that do train"
        " nothing, and are listed with the one that stays.",
        "nothing_said_elsewhere": "No other channel says nearly the same; told, and left as it is.",
    },
)
def documents(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Clean text per video; what was dropped is kept beside it with its reason."""
    home = impressions.home
    channel = impressions.channel(context.partition_key)
    work = partial(document_of, **_options(channel), transforms=channel.transforms)
    report = refresh(
        home,
        STAGE,
        channel.name,
        each(work),
        settings_of(channel),
        progress=log_progress(context),
    )
    table = home.table(STAGE.table)
    sizes = table.columns(channel.name, "video_id", "num_characters")
    texts = sum(size > 0 for _, size in sizes)
    return materialized(
        report,
        passed("not_empty", texts > 0 or not sizes),
        _languages_agree(home, channel),
        _no_duplicates(home, channel),
        _nothing_said_elsewhere(home, channel),
        num_characters=sum(size for _, size in sizes),
        with_text=texts,
        num_dropped=table.num_items(channel.name, "dropped"),
        preview=by_title(
            home, channel.name, ((found, {"characters": size}) for found, size in sizes)
        ),
    )


def settings_of(channel: Channel) -> dict[str, Any]:
    """What matters to this stage: a change computes every row again."""
    # Without transforms nothing names them, so that a channel that chooses none keeps its rows.
    chosen = identity_of(step for step in channel.transforms if isinstance(step, OnSegments))
    return _options(channel) | ({"transforms": chosen} if chosen else {})


def _options(channel: Channel) -> dict[str, Any]:
    # What counts as a duplicate is decided of stored signatures, and changes no row.
    return channel.documents.model_dump(mode="json", exclude={"duplicate_similarity"})


def _languages_agree(home: Home, channel: Channel) -> dg.AssetCheckResult:
    names = ("video_id", "language", "identified_language")
    rows = (row for row in home.table(STAGE.table).columns(channel.name, *names))
    found = [dict(zip(names, row, strict=True)) for row in rows if not agree(row[1], row[2])]
    return listed("languages_agree", found, "documents")


def _no_duplicates(home: Home, channel: Channel) -> dg.AssetCheckResult:
    found = duplicates_in(home, channel.name, channel.documents.duplicate_similarity).values()
    return listed("no_duplicates", [d._asdict() for d in found], "duplicates")


def _nothing_said_elsewhere(home: Home, channel: Channel) -> dg.AssetCheckResult:
    found = told_elsewhere(home, channel.name, channel.documents.duplicate_similarity)
    return listed("nothing_said_elsewhere", [d._asdict() for d in found], "documents")
