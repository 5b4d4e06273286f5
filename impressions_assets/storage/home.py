"""A storage root opened: all its tables by name, its files, and what keeps it in order.

Does not belong here: what a row means (rows.py), which rows are due (ledger.py).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from impressions_assets.errors import NewerSchema, NothingToDo, StorageError
from impressions_assets.storage.arrow import schema_of
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.looks import Looks
from impressions_assets.storage.records import (
    ROW_KEYS,
    ROW_TYPES,
    SHARED,
    SOUND,
    Artifact,
    artifact_key,
)
from impressions_assets.storage.store import Store, StoredFile
from impressions_assets.storage.tables import Table

SCHEMA_VERSION = 1
HOME_FILE = "home.json"
UNFINISHED = "copy.json"  # lies in a root for as long as it is only being copied to


MIGRATIONS: dict[int, Callable[["Home"], None]] = {}  # from version n to n + 1


class Home:
    """Tables and files of one storage root. A handle is for one thread."""

    def __init__(
        self,
        root: str,
        *,
        storage_options: Mapping[str, str] | None = None,
        file_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Open a root, bringing an older one up to date.

        Args:
            root: a folder or `gs://bucket/prefix`.
            storage_options: for the tables, as `deltalake` takes them.
            file_options: for the files, as the root's fsspec file system takes them.

        Raises:
            NewerSchema: a newer version of this program wrote it.
        """
        self.root = root.rstrip("/")
        self.store = Store(self.root, file_options)
        self.looks = Looks(self.store)
        self._storage_options = storage_options
        self._tables: dict[str, Table[Any]] = {}
        self._bring_up_to_date()

    def table(self, name: str) -> Table[Any]:
        """Return a table by its name."""
        if name not in self._tables:
            self._tables[name] = Table(
                f"{self.root}/tables",
                name,
                ROW_TYPES[name],
                row_key=ROW_KEYS.get(name, lambda row: key_of(row.video_id)),
                storage_options=self._storage_options,
                looks=self.looks,
            )
        return self._tables[name]

    def forgotten(self) -> set[str]:
        """Return the ids of the videos that nothing may be kept of, as of this moment."""
        self.looks.forget("tombstones")
        return {row.video_id for row in self.table("tombstones").rows(SHARED)}

    # Sets of files

    def publish(
        self,
        channel: str,
        kind: str,
        files: Mapping[str, Path],
        *,
        made_from: str,
        facts: Mapping[str, Any],
        reused: Iterable[StoredFile] = (),
        promote: Callable[[Artifact | None], bool] = lambda current: True,
    ) -> Artifact:
        """Store a set of files and name it in a row; the current one, if `promote` says so.

        The files come first and the row last: a crash between leaves only files for `gc`.
        A set whose files and inputs are those of a version we have is that version. `reused` are
        files of earlier sets that belong to this one too.
        """
        stored = tuple(sorted((*self.store.add(files), *reused), key=lambda file: file.name))
        digest = digest_of(stored)

        def change(rows: dict[str, Artifact]) -> list[Artifact]:
            ours = [row for row in rows.values() if row.kind == kind]
            current = next((row for row in ours if row.current), None)
            same = next((r for r in ours if (r.digest, r.made_from) == (digest, made_from)), None)
            new = same or Artifact(
                kind=kind,
                version=1 + max((row.version for row in ours), default=0),
                digest=digest,
                made_from=made_from,
                files=stored,
                current=False,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                facts=json.dumps(dict(facts)),
            )
            if new.current or not promote(current):
                return [] if same else [new]
            stepped_down = [msgspec.structs.replace(current, current=False)] if current else []
            return [*stepped_down, msgspec.structs.replace(new, current=True)]

        self.table("artifacts").edit(channel, change)
        return next(
            row
            for row in self.artifacts(channel, kind)
            if (row.digest, row.made_from) == (digest, made_from)
        )

    def artifacts(self, channel: str, kind: str) -> list[Artifact]:
        """Return all versions of a kind, oldest first."""
        return [row for row in self.table("artifacts").rows(channel) if row.kind == kind]

    def current(self, channel: str, kind: str) -> Artifact | None:
        """Return the version that readers get, or None."""
        return next((row for row in self.artifacts(channel, kind) if row.current), None)

    def version(self, channel: str, kind: str, version: int | None = None) -> Artifact:
        """Return a version, or the current one; raise NothingToDo when there is none."""
        made = self.artifacts(channel, kind)
        for row in made:
            if row.current if version is None else row.version == version:
                return row
        which = "current version" if version is None else f"version {version}"
        there = ", ".join(str(row.version) for row in made if version is not None)
        more = f" (there: {there})" if there else f" yet: run `impressions materialize {channel}`"
        raise NothingToDo(f"channel {channel!r} has no {which} of {kind!r}{more}")

    def promote(self, channel: str, kind: str, version: int) -> None:
        """Make a version the current one, in one commit."""
        self.version(channel, kind, version)

        def change(rows: dict[str, Artifact]) -> list[Artifact]:
            ours = [row for row in rows.values() if row.kind == kind]
            return [
                msgspec.structs.replace(row, current=row.version == version)
                for row in ours
                if row.current != (row.version == version)
            ]

        self.table("artifacts").edit(channel, change)

    # Order

    def gc(self, older_than_hours: float = 1.0) -> dict[str, int]:
        """Drop superseded shards, files that no row names, and old versions of the tables.

        A file younger than `older_than_hours` stays: a run that stored it may not have named it
        yet. Returns what was removed.
        """
        for channel in self.table("artifacts").channels():
            self._drop_shards(channel)
        num_files, num_bytes = self.store.sweep(self._named(), older_than_hours * 3600)
        vacuumed = sum(self.table(name).vacuum(older_than_hours) for name in ROW_TYPES)
        return {"files": num_files, "bytes": num_bytes, "table_files": vacuumed}

    def delete_shards(self, channel: str, *, current_too: bool = False) -> None:
        """Drop a channel's superseded shards, and delete the files that were theirs alone, now.

        A run that reuses one of them in this very moment finds it missing, and writes it anew.
        """
        theirs = self._drop_shards(channel, current_too=current_too)
        self.store.delete(theirs - self._named())

    def delete_own_files(self, video_id: str) -> None:
        """Delete a video's sound, and the key frames that only its articles show, now."""
        for files in (self._frames, self._sounds):
            self.store.delete(files(set()) - files({video_id}))

    def _drop_shards(self, channel: str, *, current_too: bool = False) -> set[str]:
        made = self.artifacts(channel, "token_shards")
        stale = [row for row in made if current_too or not row.current]
        keys = [artifact_key(row.kind, row.version) for row in stale]
        self.table("artifacts").remove(channel, keys)
        return {file.digest for row in stale for file in row.files}

    def _named(self) -> set[str]:
        """Return the digests of all files that a row names."""
        table = self.table("artifacts")
        rows = (row for channel in table.channels() for row in table.rows(channel))
        made = {file.digest for row in rows for file in row.files}
        return made | self._frames(set()) | self._sounds(set())

    def _frames(self, but_of: Set[str]) -> set[str]:
        """Return the digests of the key frames of all articles but those of some videos."""
        table = self.table("articles")
        found = (table.columns(name, "video_id", "frames.digest") for name in table.channels())
        rows = (row for rows in found for row in rows)
        return {digest for video_id, frames in rows if video_id not in but_of for digest in frames}

    def _sounds(self, but_of: Set[str]) -> set[str]:
        """Return the digests of the sound that is kept of all videos but some."""
        rows = self.table("captures").columns(SHARED, "video_id", "kind", "revision")
        return {
            digest for video_id, kind, digest in rows if kind == SOUND and video_id not in but_of
        }

    def _bring_up_to_date(self) -> None:
        found = self.store.read_text(HOME_FILE)
        if found is None and (mark := self.store.read_text(UNFINISHED)) is not None:
            origin = json.loads(mark)["from"]
            raise StorageError(
                f"{self.root} is an unfinished copy: "
                f"`impressions storage copy {origin} {self.root}` goes on with it"
            )
        version = 0 if found is None else _version_in(found, self.root)
        if version > SCHEMA_VERSION:
            raise NewerSchema(
                f"{self.root} was written by a newer version of Impressions (schema {version}, "
                f"this one knows {SCHEMA_VERSION}): upgrade this installation"
            )
        stamp = json.dumps({"schema": SCHEMA_VERSION, "columns": _columns_digest()})
        if found == stamp:
            return
        for step in range(version, SCHEMA_VERSION):
            if step in MIGRATIONS:
                MIGRATIONS[step](self)
        # In a bucket, to look for each table of a new root took half a second.
        for name in ROW_TYPES if self.store.holds("tables") else ():
            self.table(name).migrate()
        self.store.write_text(HOME_FILE, stamp)


def _columns_digest() -> str:
    return digest_of({name: str(schema_of(t)) for name, t in ROW_TYPES.items()})


def _version_in(text: str, root: str) -> int:
    try:
        return int(json.loads(text)["schema"])
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{root}/home.json is damaged ({error}): it should hold "
            f'{{"schema": {SCHEMA_VERSION}}}. Is this the storage root of Impressions?'
        ) from error
