"""A storage root: a folder, or a prefix of a bucket. The only place that knows how both are asked.

They differ in two things only: how something appears whole (`_write`), and how a text is replaced
only if nobody else did (`_replace`).
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fsspec

from impressions_assets.errors import StorageError
from impressions_assets.storage.file_systems import failures_of, protocols_of, write_local

_TRIES = 10


class Root:
    """The texts that people edit in a storage root, and whatever else lies there."""

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

    # Whole roots, as a copy needs them

    def holds(self, folder: str) -> bool:
        """Return whether anything lies in a folder of the root."""
        with self._telling(f"looking into {self.root}/{folder}"):
            return bool(self._fs.exists(self._at(folder)))

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

    def _is_there(self, path: str) -> bool:
        try:
            with self._telling(f"looking for {path}"):
                self._fs.info(path)
        except FileNotFoundError:
            return False
        return True

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
