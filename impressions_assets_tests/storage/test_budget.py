"""Budgets: no limit is ever passed, and a block is respected by everybody."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from impressions_assets.errors import Blocked, QuotaSpent
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.home import Home

NOON = datetime(2026, 3, 1, 20, tzinfo=UTC)  # noon, Pacific


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def budget(home: Home, clock: Clock, limit: int | None = 60) -> Budget:
    return Budget(Home(home.root), "a service", limit, now=clock)


def test_it_stops_before_the_limit_and_goes_on_after_midnight_pacific(
    home: Home, clock: Clock
) -> None:
    ours = budget(home, clock)
    for _ in range(60):
        ours.spend()
    with pytest.raises(QuotaSpent, match="60 of the 60 units are spent") as raised:
        ours.spend()
    assert raised.value.until == datetime(2026, 3, 2, 8, tzinfo=UTC)
    clock.now = raised.value.until - timedelta(seconds=1)
    with pytest.raises(QuotaSpent):
        ours.spend()
    clock.now = raised.value.until
    ours.spend()
    assert ours.spent_today() == 1


def test_many_processes_together_never_pass_the_limit(home: Home, clock: Clock) -> None:
    spent = []

    def work() -> None:
        ours = budget(home, clock)
        try:
            while True:
                ours.spend()
                spent.append(1)
        except QuotaSpent:
            ours.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spent) == 60
    assert budget(home, clock).spent_today() == 60


def test_what_was_set_aside_is_given_back(home: Home, clock: Clock) -> None:
    with closing(budget(home, clock)) as ours:
        ours.spend(3)
        assert ours.spent_today() == 3
        assert budget(home, clock).spent_today() == 25
    assert budget(home, clock).spent_today() == 3


def test_a_crash_loses_at_most_what_it_had_set_aside(home: Home, clock: Clock) -> None:
    budget(home, clock).spend()  # and never closed
    assert budget(home, clock).spent_today() == 25


def test_a_larger_request_than_is_left_is_refused_and_a_smaller_one_is_not(
    home: Home, clock: Clock
) -> None:
    ours = budget(home, clock, limit=10)
    ours.spend(8)
    with pytest.raises(QuotaSpent):
        ours.spend(3)
    ours.spend(2)
    assert ours.spent_today() == 10


def test_without_a_limit_everything_is_counted_and_nothing_refused(
    home: Home, clock: Clock
) -> None:
    with closing(budget(home, clock, limit=None)) as ours:
        for _ in range(80):
            ours.spend()
    assert budget(home, clock, limit=None).spent_today() == 80


def test_a_block_stops_everybody_until_its_time(home: Home, clock: Clock) -> None:
    ours, theirs = budget(home, clock), budget(home, clock)
    theirs.spend()
    blocked = ours.pause("it shows a captcha")
    assert timedelta(minutes=50) < blocked.until - NOON <= timedelta(hours=1)
    with pytest.raises(Blocked, match="it shows a captcha; nothing is asked of it until 2026"):
        ours.spend()
    with pytest.raises(Blocked):
        theirs.check()
    clock.now = blocked.until
    ours.spend()
    theirs.check()


def test_a_block_costs_nothing_of_what_was_set_aside(home: Home, clock: Clock) -> None:
    with closing(budget(home, clock)) as ours:
        ours.spend(3)
        ours.pause("it shows a captcha")
        assert budget(home, clock).spent_today() == 3
    assert budget(home, clock).spent_today() == 3


def test_what_is_spent_names_the_setting_that_allows_it(home: Home, clock: Clock) -> None:
    ours = Budget(home, "a service", 1, now=clock, setting="youtube.daily_videos")
    ours.spend()
    with pytest.raises(QuotaSpent, match=r"`youtube\.daily_videos` in channels\.yaml allows"):
        ours.spend()


def test_blocks_in_a_row_last_longer_up_to_a_day_and_a_success_ends_that(
    home: Home, clock: Clock
) -> None:
    ours = budget(home, clock)
    hours = []
    for _ in range(7):
        blocked = ours.pause("429")
        hours.append((blocked.until - clock.now) / timedelta(hours=1))
        clock.now = blocked.until
    assert [round(h / 2**n, 1) for n, h in enumerate(hours[:4])] == pytest.approx([1] * 4, abs=0.1)
    assert hours[-1] <= 24
    ours.worked()
    assert (ours.pause("429").until - clock.now) <= timedelta(hours=1)


def test_threads_that_meet_one_block_tell_of_it_once(home: Home, clock: Clock) -> None:
    ours = budget(home, clock)
    first = ours.pause("429")
    assert ours.pause("429").until.replace(microsecond=0) == first.until.replace(microsecond=0)


def test_a_time_that_the_service_names_is_kept(home: Home, clock: Clock) -> None:
    until = NOON + timedelta(minutes=7)
    assert budget(home, clock).pause("Retry-After", until).until == until


def test_a_success_elsewhere_does_not_lift_a_block_that_holds(home: Home, clock: Clock) -> None:
    budget(home, clock).pause("a block, and over by now")
    clock.now += timedelta(hours=2)
    ours, theirs = budget(home, clock), budget(home, clock)
    ours.spend()
    theirs.spend()
    blocked = theirs.pause("another block")
    ours.worked()
    with pytest.raises(Blocked) as raised:
        budget(home, clock).check()
    assert raised.value.until == blocked.until
    clock.now = blocked.until
    ours.worked()
    budget(home, clock).check()


def test_a_block_gives_back_what_was_set_aside(home: Home, clock: Clock) -> None:
    ours, theirs = budget(home, clock), budget(home, clock)
    ours.spend(2)
    theirs.spend(3)
    ours.pause("a block")
    theirs.pause("the same block")
    assert budget(home, clock).spent_today() == 5


def test_a_clock_ahead_at_midnight_resets_nobodys_count(home: Home, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 2, 7, 59, tzinfo=UTC)  # a minute to midnight, Pacific
    ahead = Clock(clock.now + timedelta(minutes=2))
    slow = budget(home, clock)
    slow.spend(60)
    fast = budget(home, ahead)
    fast.spend(10)
    fast.close()
    with pytest.raises(QuotaSpent):
        budget(home, clock).spend(51)
    clock.now += timedelta(minutes=2)
    assert budget(home, clock).spent_today() == 10


def test_a_clock_that_was_set_right_again_stops_nobody(home: Home, clock: Clock) -> None:
    budget(home, Clock(NOON + timedelta(days=400))).spend(60)
    budget(home, clock).spend(60)


def test_a_service_whose_midnight_comes_later_than_ours_is_asked_again_in_an_hour(
    home: Home, clock: Clock
) -> None:
    clock.now = datetime(2026, 3, 2, 8, 1, tzinfo=UTC)  # a minute after midnight, Pacific
    assert budget(home, clock).new_day() == clock.now + timedelta(hours=1)
    clock.now += timedelta(hours=1)
    assert budget(home, clock).new_day() == datetime(2026, 3, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        (datetime(2026, 11, 1, 9, 30, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ],
)
def test_midnight_is_pacific_also_when_its_clocks_change(
    home: Home, clock: Clock, now: datetime, midnight: datetime
) -> None:
    clock.now = now
    assert budget(home, clock).next_day() == midnight
