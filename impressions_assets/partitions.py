"""The one partition dimension: channels. Which channels there are is channels.yaml's to say.

Does not belong here: any other dimension. With a partition per video, a backfill of one channel
becomes thousands of runs (docs/decisions/0001-channels-are-the-partitions.md).
"""

import dagster as dg

CHANNEL_DIMENSION = "channel"

channel_partitions = dg.DynamicPartitionsDefinition(name=CHANNEL_DIMENSION)
