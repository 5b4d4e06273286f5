"""Trying again what may work a moment later: longer pauses each time, with jitter, and an end."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from impressions_assets.errors import SourceUnreachable

T = TypeVar("T")


@dataclass(frozen=True)
class Retries:
    """How often one request is made before the ledger is left to try the whole again."""

    tries: int = 4
    first_delay_seconds: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns; what is not SourceUnreachable passes at once."""
        for number in range(self.tries - 1):
            try:
                return call()
            except SourceUnreachable:
                self.pause(number)
        return call()

    def pause(self, number: int) -> None:
        """Wait before the try after number `number`, which counts from 0."""
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - that not all come back at once
        self.sleep(self.first_delay_seconds * 2.0**number * jitter)
