"""Requests are spaced over all threads, never closer than the limit says."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from impressions_assets.sources.youtube.politeness import Pace


class Clock:
    """Time that passes only where somebody sleeps; notes when each wait was over."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_requests_of_one_thread_are_as_far_apart_as_the_limit_says() -> None:
    clock = Clock()
    pace = Pace(4, clock=clock, sleep=clock.sleep)
    times = []
    for _ in range(5):
        pace.wait()
        times.append(clock.now)
    assert times == [100.0, 100.25, 100.5, 100.75, 101.0]


def test_who_was_slow_anyway_does_not_wait() -> None:
    clock = Clock()
    pace = Pace(4, clock=clock, sleep=clock.sleep)
    for _ in range(3):
        pace.wait()
        clock.now += 1
    assert clock.slept == []


def test_jitter_makes_pauses_longer_and_never_shorter() -> None:
    clock = Clock()
    pace = Pace(4, 0.5, clock=clock, sleep=clock.sleep)
    for _ in range(200):
        pace.wait()
    assert min(clock.slept) >= 0.25
    assert max(clock.slept) <= 0.375 + 1e-9
    assert max(clock.slept) - min(clock.slept) > 0.05


def test_no_limit_waits_for_nothing_and_asks_no_clock() -> None:
    clock = Clock()
    Pace(0, 0.5, clock=clock, sleep=clock.sleep).wait()
    assert clock.slept == []


def test_threads_together_stay_under_the_limit() -> None:
    lock = threading.Lock()
    waits: list[float] = []

    def note(seconds: float) -> None:
        with lock:
            waits.append(seconds)

    pace = Pace(10, clock=lambda: 0.0, sleep=note)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.wait(), range(40)))
    assert [round(w, 6) for w in sorted(waits)] == [round(n / 10, 6) for n in range(1, 40)]


def test_by_default_it_is_the_real_time_that_passes() -> None:
    pace = Pace(100)
    started = time.monotonic()
    for _ in range(4):
        pace.wait()
    assert time.monotonic() - started >= 0.03
