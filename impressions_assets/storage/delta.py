"""A Delta table as a folder: opened, asked by SQL, written in atomic commits, kept in order.

Only `snapshot`, which asks, knows Delta Lake beside it. Every write is one "replace where": the
rows of the named keys go, the given rows come, in one commit. It is tried without Delta's own
retries, so that *any* commit since the handle's snapshot makes it fail; then we read anew and try
again. Two writers can waste work, but neither can leave a row twice or undo what it did not see. A
merge does the same, 30 times slower (1.5 s against 0.05 s for 3 of 10,000 rows:
docs/decisions/0003-replace-where.md).
"""

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
from deltalake import (
    CommitProperties,
    DeltaTable,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from impressions_assets.errors import ConfigError, StorageError
from impressions_assets.storage.looks import Looks
from impressions_assets.storage.snapshot import Snapshot

_TRIES = 60
# A handle keeps what it read of each commit since it was opened, and each write goes through all of
# that: 0.3 ms for each, 200 ms after 600. So it is opened anew once a checkpoint sums them up.
_COMMITS_PER_CHECKPOINT = 20
_FAILURES = (DeltaError, OSError, pa.ArrowException)
_FILES_PER_WINDOW = 3  # small files that one more video leaves behind, before they are joined
# Ten thousand transcripts are joined in 130 MB of memory; sorting them (z_order) took 1.6 GB and
# twice the time, and left files of 100 MB that each changed row would write anew.
_TIDY_BYTES = 8 << 20


class DeltaFolder:
    """The folder of one table, partitioned by `channel`, its rows named by `key`."""

    def __init__(
        self,
        root: str,
        name: str,
        schema: pa.Schema,
        storage_options: Mapping[str, str] | None,
        looks: Looks,
    ) -> None:
        """Open lazily: the first write makes the table.

        Raises:
            ConfigError: no table can lie in such a place.
        """
        _check_place(root)
        self.name = name
        self.uri = f"{root}/{name}"
        self.has_written = False
        self._schema = schema
        self._options = dict(storage_options or {})
        self._looks = looks
        self._handle: DeltaTable | None = None
        self._num_checkpoints = 0  # that the log had when the handle was opened
        self._no_version: int | None = None  # -1 once it was found that there is no table
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot | None:
        """Return the newest version; None when there is no table."""
        handle = self._open()
        if handle is None:
            return None
        if self._snapshot is None or self._snapshot.version != handle.version():
            self._snapshot = Snapshot(handle)
        return self._snapshot

    def ask(self, sql: str) -> pa.Table | None:
        """Return what a query of `rows` finds in the newest version; None without a table."""
        snapshot = self.snapshot()
        return None if snapshot is None else self.select(snapshot, sql)

    def select(self, snapshot: Snapshot, sql: str) -> pa.Table:
        """Return what a query finds."""
        try:
            with self.telling("reading"):
                return snapshot.select(sql)
        except StorageError:  # its files may be vacuumed by now: as rows stand, if they do
            newer = self.snapshot()
            if newer is None or newer.version == snapshot.version:
                raise
        with self.telling("reading"):
            return newer.select(sql)

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Yield what a query of `rows` finds, some thousand rows at a time."""
        snapshot = self.snapshot()
        if snapshot is None:
            return
        with self.telling("reading"):
            yield from snapshot.stream(sql)

    def commit(
        self, channel: str, change: Callable[[], tuple[pa.Table | None, Sequence[str]]]
    ) -> None:
        """Put rows in the place of those with their keys, and remove the rows of other keys.

        `change` says what, and says it anew when somebody else wrote in the meantime.

        Raises:
            StorageError: nothing was written (disk full, no permission, endless race).
        """
        for tried in range(_TRIES):
            try:
                handle = self._open(anew=True) or self._create()
                self._handle = handle
                batch, gone = change()
                _write(handle, channel, batch, gone)
                self.has_written = True
            except CommitFailedError:
                self._forget()
                time.sleep(random.uniform(0, min(1.0, 0.02 * 2**tried)))  # noqa: S311
            except _FAILURES as error:
                self._forget()
                raise StorageError(
                    f"writing to table {self.name!r} at {self.uri} failed: {_plain(error)}. "
                    "Nothing of this batch was committed; mend the cause and run again"
                ) from error
            else:
                return
        raise StorageError(
            f"writing to table {self.name!r} at {self.uri} lost {_TRIES} races in a row: "
            "too many runs write this table at once; run again"
        )

    def tidy(self, channel: str, num_rows: int, window: int) -> bool:
        """Join small files when there are many more than windows of rows; return whether it did.

        `num_rows` stand in the channel, and a file or a row group holds about `window` of them.
        """
        handle = self._open()
        if handle is None:
            return False
        num_files = len(handle.file_uris(file_pruning_predicate=[("channel", "=", channel)]))
        if num_files <= 32 + _FILES_PER_WINDOW * (num_rows // window):
            return False
        with self.telling("joining the files of"):
            try:
                handle.optimize.compact(
                    partition_filters=[("channel", "=", channel)],
                    target_size=_TIDY_BYTES,
                    max_concurrent_tasks=1,
                    writer_properties=WriterProperties(
                        max_row_group_size=window, compression="ZSTD"
                    ),
                )
            except CommitFailedError:
                return False  # somebody writes: they will tidy
        return True

    def vacuum(self, older_than_hours: float) -> int:
        """Delete files that no current row needs; return how many."""
        handle = self._open()
        if handle is None:
            return 0
        with self.telling("vacuuming"):
            handle.create_checkpoint()
            handle.cleanup_metadata()
            return len(
                handle.vacuum(
                    retention_hours=int(older_than_hours),
                    dry_run=False,
                    enforce_retention_duration=False,
                )
            )

    def migrate(self) -> list[str]:
        """Add the columns and nested fields that the stored table lacks; return what changed."""
        handle = self._open()
        if handle is None:
            return []
        stored = {field.name: field.type for field in pa.schema(handle.schema().to_arrow())}
        changed = [f.name for f in self._schema if stored.get(f.name) != f.type]
        if changed:
            empty = self._schema.empty_table()
            with self.telling("adding columns to"):
                write_deltalake(handle, empty, mode="append", schema_mode="merge")
            self._forget()
        return changed

    @contextlib.contextmanager
    def telling(self, doing: str) -> Iterator[None]:
        """Turn what Delta raises into our error, which says what was done."""
        try:
            yield
        except _FAILURES as error:
            self._forget()
            raise StorageError(
                f"{doing} table {self.name!r} at {self.uri} failed: {_plain(error)}. Try again"
            ) from error

    def _open(self, *, anew: bool = False) -> DeltaTable | None:
        """Return the handle at the newest version, or None when there is no table yet."""
        if self._looks.are_recent(self.name) and not anew:
            return self._handle
        version = self._handle.version() if self._handle else self._no_version
        if version is None or self._is_long() or self._looks.find_newer(self.name, version):
            with self.telling("reading"):
                self._update()
        self._looks.note(self.name)
        return self._handle

    def _update(self) -> None:
        try:
            if self._handle is None or self._is_long():
                self._handle = DeltaTable(self.uri, storage_options=self._options)
                self._num_checkpoints = _num_checkpoints(self._handle)
            else:
                self._handle.update_incremental()
        except TableNotFoundError:
            self._handle, self._no_version = None, -1

    def _is_long(self) -> bool:
        return self._handle is not None and self._num_checkpoints < _num_checkpoints(self._handle)

    def _forget(self) -> None:
        self._handle, self._no_version, self._snapshot = None, None, None
        self._looks.forget(self.name)

    def _create(self) -> DeltaTable:
        return DeltaTable.create(
            self.uri,
            schema=self._schema,
            mode="ignore",
            partition_by=["channel"],
            # Statistics of other columns would keep pieces of forgotten texts in the log.
            configuration={
                "delta.checkpointInterval": str(_COMMITS_PER_CHECKPOINT),
                "delta.dataSkippingStatsColumns": "key",
            },
            storage_options=self._options,
        )


def _num_checkpoints(handle: DeltaTable) -> int:
    return (handle.version() + 1) // _COMMITS_PER_CHECKPOINT


def _write(handle: DeltaTable, channel: str, batch: pa.Table | None, gone: Sequence[str]) -> None:
    once = CommitProperties(max_commit_retries=0)
    if batch is not None:
        write_deltalake(
            handle,
            batch,
            mode="overwrite",
            predicate=_where(channel, [*batch["key"].to_pylist(), *gone]),
            commit_properties=once,
            writer_properties=WriterProperties(compression="ZSTD"),
        )
    elif gone:
        handle.delete(_where(channel, gone), commit_properties=once)


def _check_place(root: str) -> None:
    # deltalake 1.6 makes URLs of paths, and panics amid a commit on what it cannot put there.
    found = re.search(r"[\[\]|^]|%[0-9A-Fa-f]{2}", root)
    if found and "://" not in root:
        raise ConfigError(
            f"tables cannot lie in {root}: Delta Lake takes no {found[0]!r} in a path. "
            "Choose another folder with IMPRESSIONS_STORAGE, or rename this one"
        )


def _plain(error: Exception) -> str:
    """Return what Delta says, as one line without the colours of a terminal."""
    return re.sub(r"\s*(\x1b\[\d+m↳\x1b\[0m|\n)\s*", ": ", str(error).strip())


def _where(channel: str, keys: Sequence[str]) -> str:
    return f"channel = {quoted(channel)} AND key IN ({', '.join(map(quoted, keys))})"


def quoted(text: str) -> str:
    """Return a string as SQL writes it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
