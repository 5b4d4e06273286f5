"""Walks a folder in one fixed order, and refuses to pass over what it cannot read."""

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
