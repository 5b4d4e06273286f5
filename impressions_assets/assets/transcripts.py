"""The `transcripts` asset: what was said in each video."""

from collections import Counter
from datetime import timedelta

import dagster as dg

from impressions_assets.assets.declare import (
    NO_SOURCE_IS_PAUSED,
    NO_VIDEO_FAILED,
    Materialized,
    channel_asset,
    log_progress,
    materialized,
    not_paused,
    passed,
    standing_facts,
)
from impressions_assets.channels.channel import Channel
from impressions_assets.resources.impressions import Impressions
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.source import access_of
from impressions_assets.speech.corrections import UNFIT, corrected_transcript
from impressions_assets.speech.transcribe import transcripts_of
from impressions_assets.storage.ledger import Stage, refresh

STAGE = Stage("transcripts", 1, ("videos",), corrected_transcript)


@channel_asset(
    group="speech",
    kinds={"deltalake"},
    version=STAGE.version,
    deps=STAGE.reads,
    checks={
        **NO_VIDEO_FAILED,
        **NO_SOURCE_IS_PAUSED,
        "coverage": "At least half of the videos have words.",
        "corrections_fit": "What people corrected still stands in the captions.",
    },
)
def transcripts(context: dg.AssetExecutionContext, impressions: Impressions) -> Materialized:
    """Timed segments per video, from its best captions: manual before automatic."""
    channel = impressions.channel(context.partition_key)
    policy = channel.transcripts
    look_again = timedelta(days=policy.look_again_days)
    with impressions.sources(channel) as sources:
        captures = Captures(impressions.home, sources, look_again)
        report = refresh(
            impressions.home,
            STAGE,
            channel.name,
            lambda inputs: transcripts_of(
                (video for (video,) in inputs),
                captures.offers,
                captures.fetch_all,
                capture_key_of,
                channel.languages,
                policy.policy,
            ),
            settings_of(channel),
            access=access_of(sources),
            progress=log_progress(context),
        )
    origins = Counter(
        origin for (origin,) in impressions.home.table(STAGE.table).columns(channel.name, "origin")
    )
    dropped = impressions.home.table(STAGE.table).columns(
        channel.name, "video_id", "dropped.reason"
    )
    unfit = [video_id for video_id, reasons in dropped if UNFIT in reasons]
    with_words = report.num_videos - origins["none"]
    return materialized(
        report,
        not_paused(report),
        passed(
            "coverage",
            2 * with_words >= report.num_videos,
            warn=True,
            with_words=with_words,
            videos=report.num_videos,
        ),
        passed("corrections_fit", not unfit, warn=True, videos=unfit),
        origins=dict(sorted(origins.items())),
        **standing_facts(impressions.home, channel.name),
    )


def settings_of(channel: Channel) -> object:
    """What matters to this stage: a change computes every row again.

    When to look again changes no row. Translation is named only where it is wanted, so that the
    rows of all others stay valid.
    """
    settings: list[object] = [channel.languages, channel.transcripts.policy]
    return [*settings, "translate"] if channel.transcripts.translate else settings
