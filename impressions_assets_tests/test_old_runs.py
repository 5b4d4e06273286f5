"""Old runs are deleted only where others made anew, since, all that they made."""

import dagster as dg

from impressions_assets.old_runs import delete_superseded_runs
from impressions_assets.partitions import channel_partitions


def made(instance: dg.DagsterInstance, channel: str, *names: str) -> str:
    """A run that makes these assets of a channel."""

    def asset_of(name: str) -> dg.AssetsDefinition:
        @dg.asset(name=name, partitions_def=channel_partitions)
        def asset() -> None: ...

        return asset

    instance.add_dynamic_partitions("channel", [channel])
    assets = [asset_of(name) for name in names]
    return dg.materialize(assets, instance=instance, partition_key=channel).run_id


def test_a_run_that_made_an_asset_last_is_kept_whatever_ran_after_it() -> None:
    with dg.instance_for_test() as instance:
        first = made(instance, "talks", "videos", "checkpoint")
        superseded = made(instance, "talks", "videos")
        last = made(instance, "talks", "videos")
        other = made(instance, "songs", "videos")
        assert delete_superseded_runs(instance, older_than_days=1) == 0, "all are young"
        assert delete_superseded_runs(instance, older_than_days=0) == 1
        assert {run.run_id for run in instance.get_runs()} == {first, last, other}
        assert superseded not in {first, last, other}
        for asset, channels in {"videos": {"talks", "songs"}, "checkpoint": {"talks"}}.items():
            assert instance.get_materialized_partitions(dg.AssetKey(asset)) == channels
