"""Replacing a folder so that a kill at any moment leaves the old one or the new one, whole.

No system renames a folder over another, so it takes two renames, and what a crash leaves between
them is told apart by name:

    last.partial    being filled; worth nothing
    last.new        complete, about to become `last`
    last.old        the former `last`, about to be deleted

Whoever reads asks `current(last)`: `last` if it is there, else `last.new`, else `last.old`.
Only one process at a time may replace a folder.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def current(folder: Path) -> Path | None:
    """Where the content of `folder` lies now; None when it was never written."""
    places = (folder, _beside(folder, "new"), _beside(folder, "old"))
    return next((place for place in places if place.is_dir()), None)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to fill; when the block ends well, it takes the place of `folder`."""
    settle(folder)
    partial = _beside(folder, "partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        _sync_tree(partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _swap(partial, folder)


def settle(folder: Path) -> None:
    """Put right what an earlier crash left."""
    place = current(folder)
    if place is not None and place != folder:
        place.rename(folder)
    for leftover in ("partial", "new", "old"):
        if _beside(folder, leftover).exists():
            shutil.rmtree(_beside(folder, leftover))


def _swap(partial: Path, folder: Path) -> None:
    new, old = _beside(folder, "new"), _beside(folder, "old")
    partial.rename(new)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}.{suffix}")


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
