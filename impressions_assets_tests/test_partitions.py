"""The one dimension: channels, by the name that sensors, jobs and assets share."""

import dagster as dg

from impressions_assets.partitions import CHANNEL_DIMENSION, channel_partitions


def test_channels_can_be_added_while_everything_runs() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(CHANNEL_DIMENSION, ["talks"])
        assert channel_partitions.get_partition_keys(dynamic_partitions_store=instance) == ["talks"]
