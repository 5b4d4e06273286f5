"""A storage root opened: all its tables by name, its files, and what keeps it in order.

Does not belong here: what a row means (rows.py), which rows are due (ledger.py).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from impressions_assets.errors import NewerSchema, NothingToDo, StorageError
from impressions_assets.rows import PUBLISHED, Correction
from impressions_assets.storage.arrow import schema_of
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.looks import Looks
from impressions_assets.storage.store import Store, StoredFile
from impressions_assets.storage.tables import Table

SCHEMA_VERSION = 1
HOME_FILE = "home.json"
UNFINISHED = "copy.json"  # lies in a root for as long as it is only being copied to
SHARED = "_shared"  # what belongs to no channel lies there; no channel can have this name
SOUND = "audio"  # kind of the captures that name a file of sound by its digest
WHOLE_CHANNEL = "*"  # stands for the video of an attempt that all of a channel waits for


class Attempt(Struct, frozen=True, kw_only=True):
    """A failure that is not over yet."""

    video_id: Annotated[str, Meta(description="the video; '*': the channel, 'source:…': a source")]
    stage: Annotated[str, Meta(description="the asset that failed")]
    status: Annotated[str, Meta(description="'retry' or 'permanent'")]
    error: Annotated[str, Meta(description="what happened, and what to do")]
    count: Annotated[int, Meta(description="how often it was tried")]
    made_from: Annotated[str, Meta(description="a change of the input lifts even 'permanent'")]
    next_try: Annotated[str | None, Meta(description="ISO time (UTC) to try again")] = None


class Capture(Struct, frozen=True, kw_only=True):
    """Bytes as they were received, shared by all channels."""

    video_id: Annotated[str, Meta(description="the video")]
    kind: Annotated[str, Meta(description="what it is: 'captions/manual/vtt', …")]
    language: Annotated[str, Meta(description="BCP 47 tag, 'und' when unknown")]
    engine: Annotated[str, Meta(description="what fetched or recognized it")]
    body: Annotated[bytes, Meta(description="the bytes")]
    revision: Annotated[str, Meta(description="what the source announced, or the file's digest")]
    fetched_at: Annotated[str, Meta(description="ISO time (UTC)")]
    expires_at: Annotated[str | None, Meta(description="ISO time (UTC) to fetch it anew")] = None


class Revision(Struct, frozen=True, kw_only=True):
    """How a video was called and described before its owner changed that."""

    video_id: Annotated[str, Meta(description="the video")]
    title: Annotated[str, Meta(description="the title until then")]
    description: Annotated[str, Meta(description="the description until then")]
    until: Annotated[str, Meta(description="ISO time (UTC) at which the change was seen")]


class Tombstone(Struct, frozen=True, kw_only=True):
    """A video that was forgotten: no source may bring it back."""

    video_id: Annotated[str, Meta(description="the video")]
    forgotten_at: Annotated[str, Meta(description="ISO time (UTC)")]


class Allowance(Struct, frozen=True, kw_only=True):
    """What we asked of a service today, and whether it wants to be left alone."""

    service: Annotated[str, Meta(description="the service, and by which key")]
    day: Annotated[str, Meta(description="the day, where the service counts it")]
    spent: Annotated[int, Meta(description="units spent or set aside on that day")]
    pauses: Annotated[int, Meta(description="blocks in a row, without a success between")] = 0
    paused_until: Annotated[str | None, Meta(description="ISO time (UTC) to ask again")] = None
    why: Annotated[str, Meta(description="why it is paused")] = ""


class Artifact(Struct, frozen=True, kw_only=True):
    """A set of files that an asset made: tokenizer, token shards, checkpoint."""

    kind: Annotated[str, Meta(description="the asset that made it")]
    version: Annotated[int, Meta(description="counts up within a channel and kind")]
    digest: Annotated[str, Meta(description="hash of the names and digests of the files")]
    made_from: Annotated[str, Meta(description="hash of the inputs and settings")]
    files: Annotated[tuple[StoredFile, ...], Meta(description="names, digests and sizes")]
    current: Annotated[bool, Meta(description="the one that readers get; at most one a kind")]
    created_at: Annotated[str, Meta(description="ISO time (UTC)")]
    facts: Annotated[str, Meta(description="JSON: figures and provenance")]

    def fact(self, name: str) -> Any:
        """Return one of the facts, or None."""
        return json.loads(self.facts).get(name)


ROW_TYPES: dict[str, type[Struct]] = {
    **PUBLISHED,
    "corrections": Correction,
    "attempts": Attempt,
    "captures": Capture,
    "artifacts": Artifact,
    "history": Revision,
    "tombstones": Tombstone,
    "allowances": Allowance,
}
_ROW_KEYS: dict[str, Callable[[Any], str]] = {
    "corrections": lambda row: correction_key(key_of(row.video_id), row.table),
    "attempts": lambda row: attempt_key(key_of(row.video_id), row.stage),
    "captures": lambda row: capture_key(row.video_id, row.kind, row.language, row.engine),
    "artifacts": lambda row: artifact_key(row.kind, row.version),
    "history": lambda row: f"{key_of(row.video_id)}-{row.until}",
    "allowances": lambda row: key_of(row.service),
}
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
                row_key=_ROW_KEYS.get(name, lambda row: key_of(row.video_id)),
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


def attempt_key(key: str, stage: str) -> str:
    """Return the key of an attempt at the video with this key."""
    return f"{key}-{stage}"


def correction_key(key: str, table: str) -> str:
    """Return the key of a correction to the row of a table that has this key."""
    return f"{key}-{table}"


def capture_key(video_id: str, kind: str, language: str, engine: str) -> str:
    """Return the key of a capture; all captures of a video stand together."""
    return f"{key_of(video_id)}-{digest_of(kind, language, engine)[:16]}"


def artifact_key(kind: str, version: int) -> str:
    """Return the key of a set of files."""
    return f"{kind}-{version:06d}"


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
