"""Walks a folder in one fixed order, and refuses to pass over what it cannot read."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from impressions_assets.errors import SourceMissing


def files_by_folder(root: Path, name: str) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder below `root`, relative to it, with its sorted file names; hidden ones not.

    A folder that cannot be read raises SourceMissing: its videos would seem to be gone.
    """
    if not root.is_dir():
        raise SourceMissing(f"{name}: there is no folder {root}. Is the path right and mounted?")

    def refuse(error: OSError) -> None:
        raise SourceMissing(
            f"{name}: cannot list {error.filename}: {error.strerror}. Make it readable and run "
            "again; going on would take its videos for removed"
        ) from error

    for folder, subfolders, names in os.walk(root, onerror=refuse):
        subfolders[:] = sorted(sub for sub in subfolders if not sub.startswith("."))
        kept = sorted(file for file in names if not file.startswith("."))
        yield Path(folder).relative_to(root), kept


def is_text(file_name: str) -> bool:
    """Whether a file name can be written as UTF-8 (names on disk may hold any bytes)."""
    try:
        file_name.encode()
    except UnicodeEncodeError:
        return False
    return True


def fingerprint_of(root: Path) -> str:
    """Return what changes when a file at or below `root` does: names, sizes and times alone.

    No file is opened: 20,000 take 0.1 s. What cannot be read counts as it is; a run tells of it.
    """
    seen = hashlib.sha256()
    folders = [str(root)] if root.is_dir() else []
    if not folders:
        seen.update(_stamp(root.as_posix(), root.stat() if root.exists() else None))
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in sorted(found, key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    seen.update(_stamp(entry.path, entry.stat()))
    return seen.hexdigest()[:16]


def _stamp(path: str, state: os.stat_result | None) -> bytes:
    facts = (state.st_size, state.st_mtime_ns) if state else None
    return f"{path}\0{facts}\0".encode("utf-8", "surrogateescape")
