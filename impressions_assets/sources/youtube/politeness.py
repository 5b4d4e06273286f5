"""How often YouTube is asked: a pause between any two requests, whichever thread makes them."""

import random
import threading
import time
from collections.abc import Callable

PAGES = "youtube-captions"
"""The service, in budgets, that YouTube's pages are; of a proxy's address the name says more."""


class Pace:
    """Spaces requests; all that ask one server share it."""

    def __init__(
        self,
        per_second: float,
        jitter: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin with no request made.

        Args:
            per_second: requests a second at most; 0 for no limit.
            jitter: each pause is longer by up to this share of it, at random: requests like the
                beat of a clock are a robot's.
            clock: seconds that only rise.
            sleep: waits for some seconds.
        """
        self._seconds = 1 / per_second if per_second else 0.0
        self._jitter = jitter
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be made."""
        if not self._seconds:
            return
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            more = random.uniform(0, self._jitter)  # noqa: S311 - nothing secret
            self._next = at + self._seconds * (1 + more)
        if at > now:
            self._sleep(at - now)
