"""Where a training starts: where it was left, from another model's weights, or from scratch.

One training at a time writes to a folder; the system drops the lock of a process that died.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from impressions_assets.errors import CheckpointError, TrainingError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.pretrained_checkpoint import opened
from impressions_assets.gpt.run import Log, TrainingRun
from impressions_assets.gpt.state import TrainingState
from impressions_assets.gpt.swap import current

_CHECKPOINT_NAME = re.compile(r"(last|best|step-\d+|epoch-\d+)(\.new|\.old|\.partial)?")


@contextmanager
def only_training_in(out_dir: Path | None, log: Log, wait_seconds: float = 50.0) -> Iterator[None]:
    """Keep others out of the folder, and clear the result of the training before.

    A training whose parent was killed still saves for a moment: the next one waits for it.
    """
    if out_dir is None:
        yield
        return
    lock = FileLock(out_dir / "training.lock")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        log(f"another training writes to {out_dir}: waiting for it to end")
        _wait_for(lock, out_dir, wait_seconds)
    except OSError as error:
        raise TrainingError(f"cannot write to {out_dir}: {error}; choose another folder") from error
    try:
        (out_dir / "result.json").unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def pick_up(run: TrainingRun, state: TrainingState, log: Log) -> int | None:
    """Bring `state` to its start; the step it goes on from when this is an exact resume.

    The first rank looks for what was left, and the others read it from the same place.
    """
    if run.init_from is not None:
        state.start_from(opened(run.init_from, run))
    left = _left(run, state, log)
    folder = state.ranks.from_first(left.folder if left else None)
    if folder is not None:
        checkpoint = left or Checkpoint.open(folder)
        state.restore(checkpoint)
        log(f"going on exactly from {folder}, step {checkpoint.meta.step}")
        return checkpoint.meta.step
    log(f"starting from {run.init_from or 'scratch'}")
    return None


def _left(run: TrainingRun, state: TrainingState, log: Log) -> Checkpoint | None:
    if run.out_dir is None:
        return None
    checkpoint = _resumable(run.out_dir, state, log) if run.resume else None
    if checkpoint is None:
        _set_aside(run.out_dir, log)
    return checkpoint


def _wait_for(lock: FileLock, out_dir: Path, wait_seconds: float) -> None:
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as error:
        raise TrainingError(
            f"cannot train into {out_dir}: another training has been writing to it for "
            f"{wait_seconds:g} seconds; stop it, or wait until it ends, and try again"
        ) from error


def _resumable(out_dir: Path, state: TrainingState, log: Log) -> Checkpoint | None:
    """`last`, or `best` when `last` is broken; None when there is none or it is of another kind."""
    broken = []
    for folder in (out_dir / "last", out_dir / "best"):
        if current(folder) is None:
            continue
        try:
            checkpoint = Checkpoint.open(folder)
        except CheckpointError as error:
            log(f"cannot go on from {folder}: {error}")
            broken.append(error)
            continue
        reason = state.why_not_resume(checkpoint.meta)
        if reason:
            log(f"not going on from {folder}: {reason}")
        return None if reason else checkpoint
    if broken:  # starting anew in silence could throw days of training away
        raise broken[0]
    return None


def _set_aside(out_dir: Path, log: Log) -> None:
    """Move the checkpoints of another training where nothing overwrites them."""
    if not out_dir.is_dir():
        return
    found = [p for p in sorted(out_dir.iterdir()) if _CHECKPOINT_NAME.fullmatch(p.name)]
    if not found:
        return
    number = 1 + sum(1 for _ in out_dir.glob("earlier-*"))
    aside = out_dir / f"earlier-{number}"
    aside.mkdir()
    for path in found:
        path.rename(aside / path.name)
    log(f"the checkpoints of an earlier training are now in {aside}")
