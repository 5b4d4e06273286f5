"""The sensor that tells a person what needs a look: failed runs and failed checks, each once.

A spent quota and a block are checks too (`no_source_is_paused`), so they come the same way.
Does not belong here: how a notice is sent (notices.py).
"""

import json
from collections.abc import Iterable, Set
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.tags import PARTITION_NAME_TAG, WILL_RETRY_TAG

from impressions_assets.notices import tell
from impressions_assets.resources.impressions import Impressions

MOST = 200  # events of each kind at one look; the next look goes on from there
_TOLD_CHARACTERS = 300


class Outcome(NamedTuple):
    """How a check of a channel's asset ended."""

    check: str
    passed: bool
    told: str


def newly_failed(
    before: Set[str], outcomes: Iterable[Outcome]
) -> tuple[list[Outcome], frozenset[str]]:
    """Say which checks failed that did not before, and which fail now.

    A check that fails night after night is told once, until it passes in between.
    """
    failing, news = set(before), dict[str, Outcome]()
    for outcome in outcomes:
        if outcome.passed:
            failing.discard(outcome.check)
            news.pop(outcome.check, None)
        elif outcome.check not in failing:
            failing.add(outcome.check)
            news[outcome.check] = outcome
    return list(news.values()), frozenset(failing)


class _Cursor(NamedTuple):
    run: int
    check: int
    failing: tuple[str, ...]


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells a person of failed runs and checks, spent quotas and blocks.",
)
def alerts(context: dg.SensorEvaluationContext, impressions: Impressions) -> dg.SensorResult:
    """Look at what ended since the last look, and send one notice about what went wrong.

    The cursor moves only when somebody took the notice: a server that is down costs no alert, and
    one of two that is down sends no alert again and again by the other.
    """
    recipients = impressions.settings.alerts
    first = _Cursor(*_newest(context.instance), ())
    cursor = _Cursor(*json.loads(context.cursor)) if context.cursor else first
    runs = _events(context.instance, dg.DagsterEventType.RUN_FAILURE, cursor.run)
    checks = _events(context.instance, dg.DagsterEventType.ASSET_CHECK_EVALUATION, cursor.check)
    outcomes = [_outcome(record) for record in checks]
    failed, failing = newly_failed(set(cursor.failing), outcomes)
    lines = [*_failed_runs(context.instance, runs), *(outcome.told for outcome in failed)]
    unreached = list[str]()
    if lines and recipients:
        unreached = tell(recipients, f"Impressions: {len(lines)} to look at", lines)
    after = _Cursor(
        max([cursor.run, *(r.storage_id for r in runs)]),
        max([cursor.check, *(r.storage_id for r in checks)]),
        tuple(sorted(failing)),
    )
    told = "; ".join([f"told of {len(lines)}" if lines else "nothing to tell", *unreached])
    if not recipients:
        told = (
            "nobody is to be told: IMPRESSIONS_ALERT_WEBHOOK and IMPRESSIONS_ALERT_EMAIL are unset"
        )
    return dg.SensorResult(skip_reason=told, cursor=json.dumps(after))


def _newest(instance: dg.DagsterInstance) -> tuple[int, int]:
    """The newest events: what was before the first look is history."""
    kinds = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    newest = [_events(instance, kind, None, limit=1) for kind in kinds]
    return tuple(found[0].storage_id if found else 0 for found in newest)  # type: ignore[return-value]


def _events(
    instance: dg.DagsterInstance,
    kind: dg.DagsterEventType,
    after: int | None,
    limit: int | None = None,
) -> list[dg.EventLogRecord]:
    """Events of a kind in their order; without `after`, the newest one first.

    They stand in the index of all runs. SQLite's own way goes past it, opens the file of each run,
    and takes no such cursor: it ended every look in a home on SQLite.
    """
    wanted = dg.EventRecordsFilter(event_type=kind, after_cursor=after)
    storage: Any = instance.event_log_storage
    newest_last = after is not None
    return list(SqlEventLogStorage.get_event_records(storage, wanted, limit or MOST, newest_last))


def _failed_runs(instance: dg.DagsterInstance, records: list[dg.EventLogRecord]) -> list[str]:
    """Say which runs failed for good; one that is started again is told when that fails too."""
    told = []
    for record in records:
        run = instance.get_run_by_id(record.run_id)
        if run and run.tags.get(WILL_RETRY_TAG) != "true":
            channel = run.tags.get(PARTITION_NAME_TAG, "-")
            why = _shortened(record.event_log_entry.user_message or record.event_log_entry.message)
            told.append(f"{channel}: run {run.run_id[:8]} of {run.job_name} failed: {why}")
    return told


def _outcome(record: dg.EventLogRecord) -> Outcome:
    evaluation: Any = record.event_log_entry.dagster_event.event_specific_data  # type: ignore[union-attr]
    channel = evaluation.partition or "-"
    name = f"{evaluation.asset_key.to_user_string()} {evaluation.check_name}"
    facts = [f"{k}: {v.value}" for k, v in evaluation.metadata.items() if v.value not in ("", None)]
    why = _shortened("; ".join(facts))
    return Outcome(f"{channel} {name}", evaluation.passed, f"{channel}: {name} failed. {why}")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TOLD_CHARACTERS else f"{line[:_TOLD_CHARACTERS]}…"
