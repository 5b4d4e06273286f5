"""Immutable files under their digests, in a storage root.

A file is stored once as `files/<first 2 hex>/<sha256>`; a set of files is a tuple of
`StoredFile(name, digest, size_bytes)` which some row keeps. What two sets share is stored once, so
a new version of the token shards costs only the shards that changed. Nothing is ever overwritten:
a file appears whole or not at all, and is checked against its digest whenever it is fetched.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from impressions_assets.errors import CorruptFile, MissingFile
from impressions_assets.storage.file_systems import modified
from impressions_assets.storage.root import Root


class StoredFile(Struct, frozen=True):
    """A file of a set: the name it has there, and the digest it is stored under."""

    name: Annotated[str, Meta(description="name within the set")]
    digest: Annotated[str, Meta(description="sha256 of the bytes, under which it is stored")]
    size_bytes: Annotated[int, Meta(description="size in bytes")]


class Store(Root):
    """A storage root, and the files that it keeps under their digests."""

    def add(self, files: Mapping[str, Path]) -> tuple[StoredFile, ...]:
        """Store local files and return the set, in the order of their names."""
        return tuple(self._add(name, files[name]) for name in sorted(files))

    def fetch(self, files: Sequence[StoredFile], folder: Path, *, may_link: bool = True) -> Path:
        """Put a set of files into a local folder, checked.

        Args:
            files: a set, or some of it.
            folder: there, each under its name.
            may_link: by hard link where possible. Who writes into a link writes into the store:
                what people get, or what is changed in place, wants a copy.

        Raises:
            MissingFile: a file is not in the store.
            CorruptFile: a file is not what its digest says.
        """
        for file in files:
            target = folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (target.exists() and sha256_of(target) == file.digest):
                self._fetch(file, target, may_link)
        return folder

    def missing(self, files: Sequence[StoredFile]) -> set[str]:
        """Return the names of the files of a set that are not in the store; contents unread.

        Each is looked for by its name: a listing would go through the files of all channels.
        """
        return {file.name for file in files if not self._is_there(self._blob(file.digest))}

    def sweep(self, keep: set[str], older_than_seconds: float) -> tuple[int, int]:
        """Delete files that are not to be kept and have some age; return (files, bytes).

        Their age is that by the storage's clock: on a machine that is an hour ahead, what a run had
        stored just now and not named yet would count as old.
        """
        limit = self._time() - older_than_seconds
        swept, freed_bytes = 0, 0
        for info in self._all_files():
            digest = info["name"].rsplit("/", 1)[-1]
            if digest not in keep and modified(info) <= limit:
                with contextlib.suppress(FileNotFoundError):  # another sweep was faster
                    with self._telling(f"deleting {info['name']}"):
                        self._fs.rm_file(info["name"])
                    swept += 1
                    freed_bytes += info["size"]
        return swept, freed_bytes

    def delete(self, digests: Iterable[str]) -> None:
        """Delete files; those that are not there are fine."""
        for digest in sorted(digests):
            blob = self._blob(digest)
            with contextlib.suppress(FileNotFoundError), self._telling(f"deleting {blob}"):
                self._fs.rm_file(blob)

    def size_bytes(self) -> int:
        """Return how much the stored files take."""
        return sum(info["size"] for info in self._all_files())

    # Below: how

    def _blob(self, digest: str) -> str:
        return self._at(f"files/{digest[:2]}/{digest}")

    def _all_files(self) -> list[dict[str, Any]]:
        try:
            with self._telling(f"listing {self.root}/files"):
                return list(self._fs.find(self._at("files"), detail=True).values())
        except FileNotFoundError:
            return []

    def _time(self) -> float:
        """Ask the storage what time it is: it dates a file that is written now."""
        probe = self._at(f"clock-{uuid.uuid4().hex}")
        self._write(probe, b"")
        try:
            with self._telling(f"reading {probe}"):
                return modified(self._fs.info(probe))
        finally:
            self.remove(probe.removeprefix(f"{self._path}/"))

    def _add(self, name: str, path: Path) -> StoredFile:
        file = StoredFile(name, sha256_of(path), path.stat().st_size)
        blob = self._blob(file.digest)
        if not self._refreshed(blob, file.size_bytes):
            self._write(blob, path)
        return file

    def _refreshed(self, blob: str, size_bytes: int) -> bool:
        """Make a stored file young again, so that a sweep that runs now leaves it for our row."""
        try:
            with self._telling(f"looking for {blob}"):
                if self._fs.size(blob) != size_bytes:
                    return False
                if self.is_local:
                    os.utime(blob)
                else:
                    self._fs.cp_file(blob, blob)  # within the bucket; nothing is sent
        except FileNotFoundError:
            return False
        return True

    def _fetch(self, file: StoredFile, target: Path, may_link: bool) -> None:
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with self._telling(f"fetching {file.name} to {target}"):
                self._copy(self._blob(file.digest), part, may_link)
            found = sha256_of(part)
            if found != file.digest:
                raise CorruptFile(
                    f"{file.name} ({self.root}/files/{file.digest[:2]}/{file.digest}) has the "
                    f"digest {found}: it was damaged after it was stored. Delete it and "
                    "materialize the asset that made it again"
                )
            os.replace(part, target)
        except FileNotFoundError as error:
            raise MissingFile(
                f"{file.name} is not in the store ({self._blob(file.digest)}). "
                "Materialize the asset that made it again"
            ) from error
        finally:
            part.unlink(missing_ok=True)

    def _copy(self, blob: str, part: Path, may_link: bool) -> None:
        if not self.is_local:
            self._fs.get_file(blob, str(part))
        elif not (may_link and _linked(blob, part)):
            shutil.copyfile(blob, part)


def _linked(old: str, new: Path) -> bool:
    """Link a file; False on another disk, or where the file system has no links."""
    try:
        os.link(old, new)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def sha256_of(path: Path) -> str:
    """Return the sha256 of a local file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
