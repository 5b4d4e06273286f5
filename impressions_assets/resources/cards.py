"""The GPUs of this machine: who may use which, so that each process sees a card of its own.

As many steps run at once as the pool `gpu` has slots. Which of the cards a slot means, nobody
tells: a process takes the first that no other holds, under a lock that ends with it.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

POOL = "gpu"
_SLOTS = "impressions/slots of the pool gpu"  # as last set here
_SMI_SECONDS = 30.0
_POLL_SECONDS = 0.5


def cards_of(visible: str | None) -> list[str]:
    """Name the cards of this machine, as CUDA_VISIBLE_DEVICES takes them.

    Args:
        visible: what CUDA_VISIBLE_DEVICES says already; None where it is not set.
    """
    if visible is not None:
        return [name for part in visible.split(",") if (name := part.strip()) and name != "-1"]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SMI_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # a driver that hangs: as if there were none
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.startswith("GPU-")]


def cards_for(device: str, visible: str | None) -> list[str]:
    """Name the cards that work which is set to a device may use."""
    return cards_of(visible) if device in ("auto", "cuda") else []


def set_slots(instance: dg.DagsterInstance, cards: Sequence[str]) -> int:
    """Let as many steps of the pool run at once as there are cards, unless somebody said.

    Somebody says by `dagster instance concurrency set gpu N`; that holds. What was set here does
    not, where other cards are now.
    """
    storage, memory = instance.event_log_storage, instance.daemon_cursor_storage
    known = {limit.name: limit for limit in storage.get_pool_limits()}.get(POOL)
    ours = memory.get_cursor_values({_SLOTS}).get(_SLOTS)
    if known is not None and not known.from_default and str(known.limit) != ours:
        return known.limit
    if len(cards) > 1 or ours:
        number = max(1, len(cards))
        storage.set_concurrency_slots(POOL, number)
        memory.set_cursor_values({_SLOTS: str(number)})
        return number
    return known.limit if known else 1


@contextmanager
def held(
    cards: Sequence[str], folder: Path, count: int, log: Callable[[str], None]
) -> Iterator[Mapping[str, str]]:
    """Hold some of the cards for the time of a `with`, and give the environment that shows them.

    Args:
        cards: all that there are; without any, nothing is held and nothing said.
        folder: of the locks, one for each card of this machine.
        count: how many are needed; all of them, where there are fewer.
        log: told when others have to be waited for.
    """
    if not cards:
        yield {}
        return
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        # One at a time chooses: two that each want two of two would wait for each other for ever,
        # and one that wants all would wait as long as others come.
        with _choosing(folder, log):
            mine = _taken(stack, cards, folder, min(count, len(cards)), log)
        yield {"CUDA_VISIBLE_DEVICES": ",".join(mine)}


@contextmanager
def _choosing(folder: Path, log: Callable[[str], None]) -> Iterator[None]:
    lock = FileLock(folder / "choosing.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log("waiting for a GPU: others came first")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _taken(
    stack: ExitStack, cards: Sequence[str], folder: Path, count: int, log: Callable[[str], None]
) -> list[str]:
    mine: list[str] = []
    said = False
    while True:
        for card in cards:
            if card not in mine and len(mine) < count and _lock(stack, folder, card):
                mine.append(card)
        if len(mine) == count:
            return sorted(mine, key=list(cards).index)
        if not said:
            log(f"waiting for {count - len(mine)} of {len(cards)} GPUs: others work on them")
            said = True
        time.sleep(_POLL_SECONDS)


def _lock(stack: ExitStack, folder: Path, card: str) -> bool:
    lock = FileLock(folder / f"card-{card}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    stack.callback(lock.release)
    return True
