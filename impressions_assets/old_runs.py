"""Runs that may be deleted without losing what was made: others made it anew since.

Does not belong here: how runs start and end (runs.py), what else is left over (storage/).
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES  # no public name for it

_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION
_AT_ONCE = 1000


def delete_superseded_runs(instance: dg.DagsterInstance, older_than_days: float) -> int:
    """Delete old runs that ended, but for those that made something last; return how many.

    With a run Dagster deletes its events, and an asset of a channel whose last materialization is
    among them counts as never made. A newer run of the channel does not help where it made other
    assets: one of the data leaves the last `checkpoint` where it was.
    """
    needed = last_makers(instance)
    before = datetime.now(UTC) - timedelta(days=older_than_days)
    ended = dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before)
    old = [record.dagster_run.run_id for record in instance.get_run_records(ended)]
    for run_id in (superseded := [run_id for run_id in old if run_id not in needed]):
        instance.delete_run(run_id)
    return len(superseded)


def last_makers(instance: dg.DagsterInstance) -> set[str]:
    """The runs that hold the last materialization of an asset for a channel."""
    log = instance.event_log_storage
    makers = set[str]()
    for key in instance.get_asset_keys():
        last = sorted(log.get_latest_storage_id_by_partition(key, _MADE).values())
        for start in range(0, len(last), _AT_ONCE):
            some = dg.EventRecordsFilter(_MADE, storage_ids=last[start : start + _AT_ONCE])
            makers |= {record.run_id for record in log.get_event_records(some)}
    return makers
