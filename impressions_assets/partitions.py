"""The one partition dimension: channels. Which channels there are is channels.yaml's to say.

Does not belong here: any other dimension. With a partition per video, a backfill of one channel
becomes thousands of runs (docs/decisions/0001-channels-are-the-partitions.md).
"""

import dagster as dg
from sqlalchemy.exc import IntegrityError

CHANNEL_DIMENSION = "channel"

channel_partitions = dg.DynamicPartitionsDefinition(name=CHANNEL_DIMENSION)


def add_channel(instance: dg.DagsterInstance, name: str) -> None:
    """Make a channel a partition, also when another run does so at this moment.

    Dagster's SQLite storage looks first and inserts after, without `ON CONFLICT`, so the later of
    two first runs of a channel would end in a traceback over a partition that is there.
    """
    try:
        instance.add_dynamic_partitions(CHANNEL_DIMENSION, [name])
    except IntegrityError:
        if not instance.has_dynamic_partition(CHANNEL_DIMENSION, name):
            raise
