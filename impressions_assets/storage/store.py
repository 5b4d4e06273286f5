"""Immutable files under their digests, in a folder or a bucket. The only place that knows paths.

A file is stored once as `files/<first 2 hex>/<sha256>`; a set of files is a tuple of
`StoredFile(name, digest, size_bytes)` which some row keeps. What two sets share is stored once, so
a new version of the token shards costs only the shards that changed. Nothing is ever overwritten:
a file appears whole or not at all, and is checked against its digest whenever it is fetched.

A folder and a bucket differ in two things only: how something appears whole (`_write`), and how a
text is replaced only if nobody else did (`_replace`).
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import fsspec
from msgspec import Meta, Struct

from impressions_assets.errors import CorruptFile, MissingFile, StorageError
from impressions_assets.storage.file_systems import (
    failures_of,
    modified,
    protocols_of,
    write_local,
)

_TRIES = 10


class StoredFile(Struct, frozen=True):
    """A file of a set: the name it has there, and the digest it is stored under."""

    name: Annotated[str, Meta(description="name within the set")]
    digest: Annotated[str, Meta(description="sha256 of the bytes, under which it is stored")]
    size_bytes: Annotated[int, Meta(description="size in bytes")]


class Store:
    """The files of a storage root."""

    def __init__(self, root: str, options: Mapping[str, Any] | None = None) -> None:
        """Open a root: a folder, or a URL that fsspec knows (`gs://bucket/prefix`, `memory://x`).

        Listings are not cached: other processes write here too, and gcsfs would go on to find what
        they deleted, and miss what they stored.
        """
        self.root = root.rstrip("/")
        chosen = {"use_listings_cache": False, **(options or {})}
        self._fs, path = fsspec.core.url_to_fs(self.root, **chosen)
        self._path = path.rstrip("/")
        self._failures = failures_of(self._fs)
        self.is_local = "file" in protocols_of(self._fs)
        self._advice = (
            "Mend the cause (disk full? no permission?) and run again"
            if self.is_local
            else "Run again; if it stays so, see that the bucket is there and that the credentials "
            "(GOOGLE_APPLICATION_CREDENTIALS names their file) open it, and have not expired"
        )

    # Texts that people edit: channels.yaml

    def read_text(self, name: str) -> str | None:
        """Return a small text of the root, or None when there is none."""
        try:
            with self._telling(f"reading {self.root}/{name}"):
                return str(self._fs.cat_file(self._at(name)).decode("utf-8"))
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise StorageError(f"{self.root}/{name} is not UTF-8 text: {error}") from error

    def write_text(self, name: str, text: str) -> None:
        """Replace a small text of the root; a reader sees the old or the new, never a part."""
        self._write(self._at(name), text.encode("utf-8"))

    def edit_text(self, name: str, change: Callable[[str], str]) -> None:
        """Replace a small text by what `change` makes of it ("" when there is none).

        `change` runs again when somebody else wrote in the meantime, so that no edit is lost. In a
        bucket that is certain; in a folder only as long as two do not write in one instant.
        """
        for _ in range(_TRIES):
            generation = self._generation(name)
            old = self.read_text(name)
            if self._replace(name, old, change(old or ""), generation):
                return
        raise StorageError(f"{self.root}/{name} was changed by others {_TRIES} times: try again")

    # Files under their digests

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

    def holds(self, folder: str) -> bool:
        """Return whether anything lies in a folder of the root."""
        with self._telling(f"looking into {self.root}/{folder}"):
            return bool(self._fs.exists(self._at(folder)))

    # Whole roots, as a copy needs them

    def listing(self, folder: str) -> dict[str, int]:
        """Return the names and sizes of all files below a folder of the root (all: "")."""
        try:
            with self._telling(f"listing {self.root}/{folder}"):
                found = self._fs.find(self._at(folder).rstrip("/"), detail=True).values()
        except FileNotFoundError:
            return {}
        return {info["name"].removeprefix(f"{self._path}/"): info["size"] for info in found}

    @contextlib.contextmanager
    def on_this_disk(self, name: str, folder: Path) -> Iterator[Path]:
        """Lend a file of the root as a local one, which lies in `folder` if it comes from afar."""
        path = Path(self._at(name)) if self.is_local else folder / uuid.uuid4().hex
        try:
            if not self.is_local:
                with self._telling(f"fetching {self.root}/{name}"):
                    self._fs.get_file(self._at(name), str(path))
            yield path
        except FileNotFoundError as error:
            raise StorageError(f"{self.root}/{name} is gone. {self._advice}") from error
        finally:
            if not self.is_local:
                path.unlink(missing_ok=True)

    def put(self, name: str, path: Path) -> None:
        """Let a local file appear in the root under a name, whole."""
        self._write(self._at(name), path)

    def remove(self, name: str) -> None:
        """Delete a small text of the root; that it is not there is fine."""
        with contextlib.suppress(FileNotFoundError), self._telling(f"deleting {self.root}/{name}"):
            self._fs.rm_file(self._at(name))

    # Below: how

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _blob(self, digest: str) -> str:
        return self._at(f"files/{digest[:2]}/{digest}")

    def _all_files(self) -> list[dict[str, Any]]:
        try:
            with self._telling(f"listing {self.root}/files"):
                return list(self._fs.find(self._at("files"), detail=True).values())
        except FileNotFoundError:
            return []

    def _is_there(self, path: str) -> bool:
        try:
            with self._telling(f"looking for {path}"):
                self._fs.info(path)
        except FileNotFoundError:
            return False
        return True

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

    def _write(self, path: str, content: bytes | Path) -> None:
        """Let bytes or a local file appear at `path` once all of it is there."""
        advice = f"Nothing was published. {self._advice}"
        try:
            with self._telling(f"writing {path}", advice):
                if self.is_local:
                    write_local(Path(path), content)
                elif isinstance(content, bytes):
                    self._fs.pipe_file(path, content)
                else:
                    self._fs.put_file(str(content), path)
        except FileNotFoundError as error:
            raise StorageError(f"writing {path} failed: there is no {error}. {advice}") from error

    def _generation(self, name: str) -> str:
        """Return what tells this version of an object from the next; "0" when there is none."""
        try:
            with self._telling(f"reading {self.root}/{name}"):
                return str(self._fs.info(self._at(name)).get("generation", "0"))
        except FileNotFoundError:
            return "0"

    def _replace(self, name: str, old: str | None, new: str, generation: str) -> bool:
        """Write a text if it is still the old one; return whether it was."""
        if "gs" not in protocols_of(self._fs):
            if self.read_text(name) != old:
                return False
            self.write_text(name, new)
            return True
        bucket, _, key = self._at(name).partition("/")
        upload = f"{self._fs.base.removesuffix('storage/v1/')}upload/storage/v1/b/{bucket}/o"
        only_if = {"uploadType": "media", "name": key, "ifGenerationMatch": generation}
        try:
            with self._telling(f"writing {self.root}/{name}"):
                self._fs.call("POST", upload, data=new.encode("utf-8"), **only_if)
        except FileExistsError:  # 412: somebody else wrote, or we did, and the answer got lost
            return self.read_text(name) == new
        return True

    @contextlib.contextmanager
    def _telling(self, doing: str, advice: str = "") -> Iterator[None]:
        """Say in our words what failed; what is not there, or there already, is the caller's."""
        try:
            yield
        except (FileNotFoundError, FileExistsError):
            raise
        except self._failures as error:
            why = " ".join(str(error).split()) or type(error).__name__  # a server's page has lines
            raise StorageError(f"{doing} failed: {why}. {advice or self._advice}") from error


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
