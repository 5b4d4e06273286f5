"""The jobs that people and sensors launch by name.

Does not belong here: what starts them (sensors.py), how a launch is followed (runs.py). No job
joins data and training: a channel's upload must not wait for its model, nor a GPU for a download.
"""

from typing import Any

import dagster as dg

from impressions_assets.assets.declare import translated
from impressions_assets.assets.retries import retry_where_it_helps
from impressions_assets.channels.channels_yaml import place_of, save_channel
from impressions_assets.channels.source_argument import source_of, suggest_name
from impressions_assets.errors import ConfigError
from impressions_assets.partitions import channel_partitions
from impressions_assets.resources.impressions import Impressions

LANE_TAG = "impressions/lane"

DATA_ASSETS = (
    "videos",
    "transcripts",
    "chapters",
    "articles",
    "qa_pairs",
    "documents",
    "tokenizer",
    "token_shards",
)
MODEL_ASSETS = ("checkpoint", "evaluation", "samples")
CHAT_ASSETS = ("chat_model",)


def lane(channel: str, kind: str) -> dict[str, str]:
    """Tag a run with its lane: the queue lets one run at a time into each."""
    return {LANE_TAG: f"{channel}:{kind}"}


def sweep_config() -> dict[str, Any]:
    """Return the run config by which `videos` asks for everything again."""
    return {"ops": {"videos": {"config": {"sweep": True}}}}


def _channel_job(name: str, kind: str, assets: tuple[str, ...], description: str) -> Any:
    config: dg.PartitionedConfig[Any] = dg.PartitionedConfig(
        partitions_def=channel_partitions,
        run_config_for_partition_key_fn=lambda channel: {},
        tags_for_partition_key_fn=lambda channel: lane(channel, kind),
    )
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        config=config,
        description=description,
    )


channel_data = _channel_job(
    "channel_data", "data", DATA_ASSETS, "Bring a channel's dataset up to date, up to token shards."
)
channel_model = _channel_job(
    "channel_model", "model", MODEL_ASSETS, "Train a channel's GPT, evaluate it and let it speak."
)
channel_chat = _channel_job(
    "channel_chat", "model", CHAT_ASSETS, "Tune a model to answer questions to a channel."
)


class NewChannel(dg.Config):
    """What `add_channel` adds."""

    sources: list[str]
    """YouTube links, or paths: an archive that yt-dlp left, a file or folder of text, a dataset."""
    name: str | None = None
    """Name of the channel: a-z, 0-9, '-' and '_'. Made from the first source when not given."""


@dg.op
@translated
def write_channel(
    context: dg.OpExecutionContext, config: NewChannel, impressions: Impressions
) -> None:
    """Add the channel to channels.yaml; the sensor turns it into a partition and starts it."""
    specs = [source_of(source) for source in config.sources]
    if not specs:
        raise ConfigError("add_channel needs a source: a YouTube link, or a path")
    name = config.name or suggest_name(specs[0])
    save_channel(impressions.home, name, specs)
    context.log.info(f"channel {name!r} is in {place_of(impressions.home)}")


@dg.job(
    description="Add a channel by link or path, as `impressions add` does.",
    hooks={retry_where_it_helps},
)
def add_channel() -> None:
    """Add a channel from the UI."""
    write_channel()


JOBS = [channel_data, channel_model, channel_chat, add_channel]
