"""Who may have an answer made: so many at once, some wait, others are told when to return."""

import asyncio
import math
from collections import deque
from typing import NamedTuple


class Limits(NamedTuple):
    """What one request may take, and all of them together."""

    at_once: int = 2  # answers that are made at the same time
    waiting: int = 8  # requests that wait for one of these
    wait_seconds: float = 10.0
    answer_seconds: float = 120.0  # an answer that takes longer ends there
    answer_tokens: int = 500
    prompt_chars: int = 20_000


class Busy(Exception):
    """No slot is free, nor will be soon."""

    def __init__(self, retry_seconds: int) -> None:
        """Say after how many seconds it is worth a try."""
        super().__init__(f"all slots are taken; try again in {retry_seconds} seconds")
        self.retry_seconds = retry_seconds


class Slots:
    """The slots of a server; of one event loop."""

    def __init__(self, limits: Limits) -> None:
        """Make them, all free."""
        self._limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self._seconds: deque[float] = deque([1.0], maxlen=20)
        self.taken = self.waiting = 0

    async def take(self) -> None:
        """Wait for a slot, which `give` frees.

        Raises:
            Busy: too many wait already, or none came free in time.
        """
        if self._free.locked() and self.waiting >= self._limits.waiting:
            raise Busy(self._retry_seconds())
        self.waiting += 1
        try:
            async with asyncio.timeout(self._limits.wait_seconds):  # a free one takes no time
                await self._free.acquire()
        except TimeoutError as error:
            raise Busy(self._retry_seconds()) from error
        finally:
            self.waiting -= 1
        self.taken += 1

    def give(self, used_seconds: float) -> None:
        """Free a slot that was used so long."""
        self.taken -= 1
        self._seconds.append(used_seconds)
        self._free.release()

    def _retry_seconds(self) -> int:
        mean = sum(self._seconds) / len(self._seconds)
        return min(60, max(1, math.ceil(mean * (1 + self.waiting) / self._limits.at_once)))
