"""Notices when a shard changes while it is trained on.

Shards are mapped into memory, so what somebody writes into one is read in its place, and where one
is cut short the system ends whoever reads on (SIGBUS). We never do either: a new version of the
shards is new files, and a deleted or replaced file lives on for whoever has it open. A hand, a sync
tool or a failing disk may.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from impressions_assets.errors import CorruptFile


class Unchanged:
    """Files as they were at first, and what they must be."""

    def __init__(self, paths: Iterable[Path], digests: Mapping[str, str]) -> None:
        """Look at the files; `digests` has the sha256 of those that are known, by name."""
        self._seen = {path: path.stat() for path in paths}
        self._digests = digests

    def check(self) -> None:
        """Raise `CorruptFile` when one of the files was written to since."""
        for path, seen in self._seen.items():
            now = _stat(path, seen)
            if (now.st_size, now.st_mtime_ns) == (seen.st_size, seen.st_mtime_ns):
                continue
            if now.st_size != seen.st_size or not self._is_what_it_was(path):
                raise CorruptFile(
                    f"the shard {path} was changed while the training read it ({now.st_size} "
                    f"bytes, {seen.st_size} before): by somebody, or by a failing disk. What was "
                    "saved before is intact. Delete the file, materialize token_shards again, and "
                    "start the training again"
                )
            self._seen[path] = now  # only touched, as the store does with what is published again

    def _is_what_it_was(self, path: Path) -> bool:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self._digests.get(path.name)


def _stat(path: Path, seen: os.stat_result) -> os.stat_result:
    """The state of the file that was opened; of one that is no longer there, as it was."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return seen
    return now if now.st_ino == seen.st_ino else seen
