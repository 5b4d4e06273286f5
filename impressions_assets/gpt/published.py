"""Files that appear under their name when all of them is written: shards, manifests, tokenizers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from impressions_assets.errors import StorageError


@contextmanager
def published(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name when all of it is written, or not at all.

    Raises:
        StorageError: the disk is full, or the folder cannot be written to.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                yield file
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error}") from error
