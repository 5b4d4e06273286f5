"""The stages that compute video by video, in the order of the data, for `--plan` and `redo`."""

from collections.abc import Callable
from typing import NamedTuple

from impressions_assets.assets import articles, chapters, documents, qa_pairs, transcripts
from impressions_assets.channels.channel import Channel
from impressions_assets.errors import ConfigError
from impressions_assets.sources.offers import forget_silence
from impressions_assets.speech.choice import STAGE as SPEECH
from impressions_assets.speech.heard import forget_heard
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Stage
from impressions_assets.storage.records import attempt_key


class PerVideo(NamedTuple):
    """A stage, and what matters to it of a channel's settings."""

    stage: Stage
    settings_of: Callable[[Channel], object]


STAGES = (
    PerVideo(transcripts.STAGE, transcripts.settings_of),
    PerVideo(chapters.STAGE, chapters.settings_of),
    PerVideo(articles.STAGE, articles.settings_of),
    PerVideo(qa_pairs.STAGE, qa_pairs.settings_of),
    PerVideo(documents.STAGE, documents.settings_of),
)


def stages_from(first: str) -> list[str]:
    """Return a stage and all that are made from it."""
    names = [made.stage.table for made in STAGES]
    if first not in ("videos", *names):
        raise ConfigError(
            f"there is no stage {first!r}; begin from: {', '.join(['videos', *names])}"
        )
    chosen = {first}
    for made in STAGES:
        if chosen.intersection(made.stage.reads):
            chosen.add(made.stage.table)
    return [name for name in ("videos", *names) if name in chosen]


def with_shards(stages: list[str]) -> list[str]:
    """Return the stages, and tokenizer and shards where documents may change."""
    return [*stages, "tokenizer", "token_shards"] if "documents" in stages else stages


def forget_from(home: Home, channel: str, video_id: str, stages: list[str]) -> None:
    """Remove what the stages know of a video, failures included.

    With its transcript, that it had no captions, and what was recognized in it.
    """
    key, tried = key_of(video_id), list(stages)
    if transcripts.STAGE.table in stages:
        forget_silence(home, video_id)
        forget_heard(home, video_id)
        tried.append(SPEECH)
    home.table("attempts").remove(channel, [attempt_key(key, stage) for stage in tried])
    for stage in reversed(stages):
        home.table(stage).remove(channel, [key])
