"""The one place that talks Dagster Pipes, on the side of a child process.

Started by Dagster, log lines reach it at once; started by hand, they are printed.
Neither needs Dagster installed: `dagster_pipes` is imported only when it is there.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from impressions_assets.errors import ImpressionsError, RankLost

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class Child(Protocol):
    """What a child process may say to whoever started it."""

    def log(self, text: str) -> None:
        """Show a line to the person who watches."""


class Place(NamedTuple):
    """Which of the processes of one training this is."""

    rank: int
    world_size: int
    local_rank: int  # among those on this machine
    meeting: str = "env://"  # where they find each other, as torch.distributed writes it

    @classmethod
    def by_torchrun(cls) -> Self | None:
        """What torchrun told this process; None when it was not started by it."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        return cls.of(*(os.environ[name] for name in names)) if _are_set(names) else None

    @classmethod
    def of(cls, rank: str, world_size: str, local_rank: str, meeting: str = "env://") -> Self:
        """The place that these words of a command line, or of the environment, tell."""
        return cls(int(rank), int(world_size), int(local_rank), meeting)

    def tell(self) -> None:
        """Say it where torchrun says it: accelerate looks there."""
        for name in ("rank", "world_size", "local_rank"):
            os.environ[name.upper()] = str(getattr(self, name))
        os.environ.setdefault("LOCAL_WORLD_SIZE", str(self.world_size))


def is_piped() -> bool:
    """Whether Dagster started this process, and listens."""
    return "DAGSTER_PIPES_CONTEXT" in os.environ


@contextmanager
def child_session(*, speaks: bool = True) -> Iterator[Child]:
    """The child's connection, open for as long as its work. Open it before importing torch.

    Of several processes that do one work, one speaks for all.
    """
    # OpenMP's threads spin while they wait, which starves whoever shares the cores: with a busy
    # machine of 2 cores, a small model trained at 1,100 tokens/s, and at 3,600 with this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not speaks:
        yield Silent()
        return
    try:
        from dagster_pipes import open_dagster_pipes
    except ImportError:  # an environment without Dagster, such as speech recognition's own
        yield ByHand()
        return
    if not is_piped():
        yield ByHand()
        return
    with open_dagster_pipes() as context:
        yield _Piped(context)


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have Linux send a signal when the parent dies; call it before slow imports.

    The kernel means the *thread* that started us, which lives as long as the parent waits for us.
    Elsewhere, a training notices it by itself at the next step.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def run_main(
    run: Callable[[Path, Place | None], None], usage: str, arguments: Sequence[str] | None
) -> int:
    """Do what a file says, alone or as one of several; the exit code is 0 also after a clean stop.

    Args:
        run: does it; is given the file, and which process of several this is.
        usage: what a person is told who starts it otherwise.
        arguments: the file, and for those whom the first process started (`gpt/peers.py`) their
            place; None for those of the command line.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) not in (1, 5):
        print(f"usage: {usage}", file=sys.stderr)
        return 2
    file, place = Path(given[0]), Place.by_torchrun()
    if given[1:]:
        end_with_parent(signal.SIGKILL)
        place = Place.of(*given[1:])
    if place is None or place.rank == 0:
        file.with_suffix(".error").unlink(missing_ok=True)
    try:
        run(file, place)
    except RankLost as error:
        if file.with_suffix(".error").exists():  # the one that is gone said why
            return 1
        return fail(file, error)
    except ImpressionsError as error:
        return fail(file, error)
    return 0


def fail(file: Path, error: ImpressionsError) -> int:
    """Print an error, and leave it where the parent finds it: beside the file it passed along."""
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    file.with_suffix(".error").write_text(str(error), encoding="utf-8")
    return 1


class Silent:
    """Another process speaks for this one."""

    def log(self, text: str) -> None:
        """Say nothing."""


class ByHand:
    """Speaks to standard output, and goes on working when nobody listens any more."""

    def log(self, text: str) -> None:
        """Print the line."""
        try:
            print(text, flush=True)
        except BrokenPipeError:
            # `| head` has gone, or the parent was killed: a training must still save and end well.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for good


def _are_set(names: Iterable[str]) -> bool:
    return all(name in os.environ for name in names)


class _Piped:
    def __init__(self, context: Any) -> None:
        self._context = context

    def log(self, text: str) -> None:
        self._context.log.info(text)
