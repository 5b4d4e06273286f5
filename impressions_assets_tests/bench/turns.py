"""Works that take turns on one thread, and what each costs: how the benchmarks measure."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import torch

Key = TypeVar("Key")
Work = Callable[[], object]


def cpu_seconds(work: Work) -> float:
    """CPU-seconds of this process while it works."""
    began = time.process_time()
    work()
    return time.process_time() - began


def medians(works: Mapping[Key, Work], rounds: int) -> dict[Key, float]:
    """CPU-seconds of each in the median, all in turn."""
    found: dict[Key, list[float]] = {key: [] for key in works}
    for _ in range(rounds):
        for key, work in works.items():
            found[key].append(cpu_seconds(work))
    return {key: statistics.median(seconds) for key, seconds in found.items()}


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
