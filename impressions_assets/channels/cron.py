"""Cron schedules in channels.yaml: checked when they are read, not when they are due."""

from datetime import datetime

from croniter import CroniterError, croniter

_FIELDS = 5


def cron_schedule(text: str) -> str:
    """Return the schedule with single spaces; `ValueError` says what is wrong."""
    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError(f"has {len(fields)} fields instead of {_FIELDS}")
    try:
        croniter(" ".join(fields))
    except CroniterError as error:
        raise ValueError(str(error).split("] ")[-1]) from error
    return " ".join(fields)


def was_due(schedule: str, since: datetime, until: datetime) -> bool:
    """Say whether the schedule had a time after `since`, up to `until`."""
    return bool(croniter(schedule, since).get_next(datetime) <= until)
