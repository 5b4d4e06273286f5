"""Asking a training to end: Ctrl-C, SIGTERM and SIGUSR1 let the step finish, save, and stop.

A second Ctrl-C ends it at once, but one that comes within two seconds counts as the first: Ctrl-C
in a terminal reaches parent and child alike, and Dagster's Pipes client then sends the child one
more. A training that Dagster or the command line started must not outlive them as an orphan that
holds the machine: when its parent dies, it saves and stops as well.
"""

import os
import signal
import threading
import time
from types import FrameType
from typing import Any, Self

_SAME_PRESS_SECONDS = 2.0


REASONS = (None, "parent died", "SIGUSR1", "SIGINT", "SIGTERM")  # the last is in a hurry


class StopRequest:
    """Listens for the signals while open; `reason` names the first one that came."""

    def __init__(self, parent_pid: int | None = None) -> None:
        self._parent_pid = parent_pid
        self._reason: str | None = None
        self._signalled_at = 0.0
        self._before: dict[int, Any] = {}

    @property
    def reason(self) -> str | None:
        """Why to stop, or None."""
        if self._reason is None and self._parent_pid not in (None, os.getppid()):
            self._reason = "parent died"
        return self._reason

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            names = ("SIGINT", "SIGTERM", "SIGUSR1")  # Windows has no SIGUSR1
            for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._reason is None:
            self._reason, self._signalled_at = signal.Signals(number).name, now
        elif number == signal.SIGINT and now - self._signalled_at > _SAME_PRESS_SECONDS:
            raise KeyboardInterrupt
