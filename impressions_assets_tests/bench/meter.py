"""Reads the clocks of this process: CPU-seconds of all its threads, and its memory's high water."""

import resource
import sys
import time
from pathlib import Path
from typing import NamedTuple

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class Cost(NamedTuple):
    """What some work took."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


class Meter:
    """Measures from its creation; children count as soon as they have ended."""

    def __init__(self) -> None:
        if _CLEAR.exists():
            _CLEAR.write_text("5")  # Linux: the high water starts anew
        self._cpu, self._wall = _cpu_seconds(), time.perf_counter()

    def read(self) -> Cost:
        return Cost(_cpu_seconds() - self._cpu, time.perf_counter() - self._wall, peak_mb())


def peak_mb() -> float:
    """Return the most memory this process held: since the last meter began, where Linux tells."""
    if _STATUS.exists():
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
