"""What we may ask of a service in a day, kept in one place for all channels and processes.

Units are set aside before they are spent, some at a time, and given back when the work is done: so
no number of processes, and no crash, ever passes the limit. A service that blocks us is left alone
by everybody, for an hour at first and up to a day.
"""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from impressions_assets.errors import Blocked, QuotaSpent
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED, Allowance

_FIRST_PAUSE = timedelta(hours=1)
_LONGEST_PAUSE = timedelta(days=1)
_SET_ASIDE = 25
# Google's quotas begin anew at midnight Pacific:
# https://developers.google.com/youtube/v3/getting-started#quota
_ZONE = "America/Los_Angeles"

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class Budget:
    """The day's allowance at one service. Threads may share it."""

    def __init__(
        self,
        home: Home,
        service: str,
        limit: int | None,
        now: Clock = utc_now,
        setting: str = "youtube",
    ) -> None:
        """Read nothing yet.

        Args:
            home: the storage root.
            service: what is asked, and by which key.
            limit: units a day; None for no limit.
            now: the clock.
            setting: the key of channels.yaml that says the limit.
        """
        self.service = service
        self.limit = limit
        self._table = home.table("allowances")
        self._zone = ZoneInfo(_ZONE)
        self._now = now
        self._setting = setting
        self._lock = threading.Lock()
        self._day = ""
        self._left = 0
        self._known = Allowance(service=service, day="", spent=0)

    def spend(self, units: int = 1) -> None:
        """Account for a request before it is made.

        Raises:
            QuotaSpent: the limit would be passed; it begins anew at the service's midnight.
            Blocked: the service is left alone for now.
        """
        with self._lock:
            if self._left < units or self._day != self._today():
                self._set_aside(units)
            self._left -= units

    def check(self) -> None:
        """Raise Blocked while the service is left alone."""
        with self._lock:
            self._refuse_while_paused(self._read())

    def pause(self, why: str, until: datetime | None = None) -> Blocked:
        """Have everybody leave the service alone, for longer each time; return the error to raise.

        Args:
            why: what the service said.
            until: the time that the service named, if it did.
        """
        with self._lock:
            before = self._read()
            paused_until = _time(before.paused_until)
            unspent, self._left = self._left if self._day == self._today() else 0, 0
            if paused_until and paused_until > self._now():  # somebody told of the same block
                if unspent:
                    before = self._edit(lambda allowance: _given_back(allowance, unspent))
                return self._blocked(before)
            chosen = until or self._now() + _delay(before.pauses)
            after = self._edit(
                lambda allowance: msgspec.structs.replace(
                    _given_back(allowance, unspent),
                    pauses=before.pauses + 1,
                    paused_until=chosen.isoformat(timespec="seconds"),
                    why=why,
                )
            )
            return self._blocked(after)

    def worked(self) -> None:
        """Say that the service answered: the next block is the first again.

        A block that holds stays: the answer was under way when another one was that block.
        """
        with self._lock:
            if self._known.pauses:
                self._edit(self._without_pause)

    def spent_today(self) -> int:
        """Return what was spent or set aside today, by everybody."""
        with self._lock:
            return self._read().spent - self._left

    def next_day(self) -> datetime:
        """Return the service's next midnight, in UTC."""
        there = self._now().astimezone(self._zone)
        tomorrow = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return tomorrow.astimezone(UTC)

    def new_day(self) -> datetime:
        """Return when to ask again after the service said that the day's units are spent.

        In the first hour of our day it may still be yesterday by the service's clock.
        """
        there = self._now().astimezone(self._zone)
        return self.next_day() if there.hour else self._now() + timedelta(hours=1)

    def close(self) -> None:
        """Give back what was set aside and not spent."""
        with self._lock:
            unspent, self._left = self._left, 0
            if unspent and self._day == self._today():
                self._edit(lambda allowance: _given_back(allowance, unspent))

    # Below: with the lock held

    def _set_aside(self, units: int) -> None:
        if self._day != self._today():
            self._left = 0
        taken = 0

        def change(allowance: Allowance) -> Allowance:
            nonlocal taken
            self._refuse_while_paused(allowance)
            wanted = max(_SET_ASIDE, units) - self._left
            room = wanted if self.limit is None else self.limit - allowance.spent
            if self._left + room < units:
                raise self._spent(allowance)
            taken = min(wanted, room)
            return msgspec.structs.replace(allowance, spent=allowance.spent + taken)

        self._edit(change)
        self._left += taken
        self._day = self._today()

    def _edit(self, change: Callable[[Allowance], Allowance]) -> Allowance:
        def changed(rows: dict[str, Allowance]) -> list[Allowance]:
            self._known = change(self._of_today(rows.get(key_of(self.service))))
            return [self._known]

        self._table.edit(SHARED, changed)
        return self._known

    def _read(self) -> Allowance:
        self._known = self._of_today(self._table.get(SHARED, key_of(self.service)))
        return self._known

    def _of_today(self, kept: Allowance | None) -> Allowance:
        if kept is None:
            return Allowance(service=self.service, day=self._today(), spent=0)
        # Another's clock may be ahead: what it spent after its midnight was spent, and when it is
        # our midnight, today is the day that it counts.
        if self._today() <= kept.day <= self._tomorrow():
            return kept
        return msgspec.structs.replace(kept, day=self._today(), spent=0)

    def _without_pause(self, allowance: Allowance) -> Allowance:
        """Forget the pauses that are over; one that holds was told of meanwhile."""
        until = _time(allowance.paused_until)
        if until and until > self._now():
            return allowance
        return msgspec.structs.replace(allowance, pauses=0, paused_until=None, why="")

    def _today(self) -> str:
        return self._now().astimezone(self._zone).date().isoformat()

    def _tomorrow(self) -> str:
        there = self._now().astimezone(self._zone)
        return (there.date() + timedelta(days=1)).isoformat()

    def _refuse_while_paused(self, allowance: Allowance) -> None:
        until = _time(allowance.paused_until)
        if until and until > self._now():
            raise self._blocked(allowance)

    def _spent(self, allowance: Allowance) -> QuotaSpent:
        until = self.next_day()
        return QuotaSpent(
            f"{self.service}: {allowance.spent:,} of the {self.limit:,} units are spent that "
            f"`{self._setting}` in channels.yaml allows a day; "
            f"it goes on at {until:%Y-%m-%d %H:%M} UTC",
            until,
            self.service,
        )

    def _blocked(self, allowance: Allowance) -> Blocked:
        until = _time(allowance.paused_until) or self._now()
        return Blocked(
            f"{self.service}: {allowance.why}; nothing is asked of it until "
            f"{until:%Y-%m-%d %H:%M} UTC, and what is due stays due",
            until,
            self.service,
        )


def _delay(pauses: int) -> timedelta:
    longest = min(_FIRST_PAUSE * 2.0 ** min(pauses, 10), _LONGEST_PAUSE)
    return longest * random.uniform(0.9, 1.0)  # noqa: S311 - that not all come back at once


def _given_back(allowance: Allowance, units: int) -> Allowance:
    return msgspec.structs.replace(allowance, spent=max(0, allowance.spent - units))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
