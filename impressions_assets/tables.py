"""Delta tables: rows in, rows out, an atomic commit at a time. Nothing else knows Delta Lake.

A table serves all channels, partitioned by `channel`. Beside the fields of its row type it has

- `key`: the first 16 hex digits of sha256(video id), sometimes with a suffix. Work goes through the
  videos in the order of their keys, so each file covers a short range of keys and its statistics
  tell Delta which few files a batch needs: a batch of 100 among 10,000 rows reads 1 % of the bytes.
- `input_digest`: what the row was made from; `output_digest`: what it says.

Every write is one "replace where": the rows of the named keys go, the given rows come, in one
commit. It is tried without Delta's own retries, so that *any* commit since the handle's snapshot
makes it fail; then we read anew and try again. Two writers can waste work, but neither can leave
a row twice or undo what it did not see. A merge does the same, 30 times slower (1.5 s against
0.05 s for 3 of 10,000 rows: docs/decisions/0003-replace-where.md).
"""

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import pyarrow as pa
from deltalake import (
    CommitProperties,
    DeltaTable,
    QueryBuilder,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from impressions_assets.arrow import column_of, decode_rows, encode_rows, schema_of
from impressions_assets.digests import Digests, digest_of, key_of
from impressions_assets.errors import ConfigError, StorageError

R = TypeVar("R", bound=msgspec.Struct)

WINDOW = 100  # rows of one read; batches of work are about as long, and so are files
_TRIES = 60
_FAILURES = (DeltaError, OSError, pa.ArrowException)
_FILES_PER_WINDOW = 3  # small files that one more video leaves behind, before they are joined
# Ten thousand transcripts are joined in 130 MB of memory; sorting them (z_order) took 1.6 GB and
# twice the time, and left files of 100 MB that each changed row would write anew.
_TIDY_BYTES = 8 << 20
_LEDGER = [
    ("channel", pa.string()),
    ("key", pa.string()),
    ("input_digest", pa.string()),
    ("output_digest", pa.string()),
]


class Entry(NamedTuple):
    """A row on its way into a table."""

    row: Any
    input_digest: str = ""


def _key_of_row(row: Any) -> str:
    return key_of(row.video_id)


class Table(Generic[R]):
    """One Delta table of rows of one type. A handle is for one thread."""

    def __init__(
        self,
        root: str,
        name: str,
        row_type: type[R],
        *,
        row_key: Callable[[R], str] = _key_of_row,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        """Open lazily: a table that is not there yet reads as empty, and the first write makes it.

        Args:
            root: folder or `gs://bucket/prefix` that holds the table's folder.
            name: the table's name, which is its folder.
            row_type: a frozen msgspec Struct.
            row_key: the key of a row, unique within its channel.
            storage_options: credentials and endpoints, as `deltalake` takes them.

        Raises:
            ConfigError: no table can lie in such a place.
        """
        _check_place(root)
        self.name = name
        self.row_type = row_type
        self.uri = f"{root}/{name}"
        self.has_written = False
        """Whether anything was written through this handle."""
        self._row_key = row_key
        self._options = dict(storage_options or {})
        self._schema = pa.schema([*_LEDGER, *schema_of(row_type)])
        self._handle: DeltaTable | None = None
        self._digests: tuple[object, dict[str, Digests]] = (None, {})  # of one channel and version

    # Reading

    def channels(self) -> list[str]:
        """Return the channels that have rows, retired ones included."""
        query = self._query()
        if query is None:
            return []
        found = self._select(query, "SELECT DISTINCT channel FROM rows")
        return sorted(found["channel"].to_pylist())

    def columns(self, channel: str, *names: str) -> list[tuple[Any, ...]]:
        """Return some columns of all rows of a channel, in the order of the keys.

        A name such as `chapters.title` gives the titles of each row's chapters, as a list.
        """
        found = self._read(channel, columns=list(dict.fromkeys(n.split(".")[0] for n in names)))
        columns = (column_of(found, name).to_pylist() for name in names)
        return list(zip(*columns, strict=True))

    def columns_of_all(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the channel and some plain columns of all rows, in no order: one look for all."""
        query = self._query()
        if query is None:
            return []
        wanted = ", ".join(f'"{name}"' for name in ("channel", *names))
        found = self._select(query, f"SELECT {wanted} FROM rows")
        return list(zip(*(found[name].to_pylist() for name in ("channel", *names)), strict=True))

    def stream_of_all(self, *names: str) -> Iterator[tuple[list[Any], ...]]:
        """Yield what `columns_of_all` returns column by column, some thousand rows at a time."""
        query = self._query()
        if query is None:
            return
        wanted = ", ".join(f'"{name}"' for name in ("channel", *names))
        with self._telling("reading"):
            found = pa.RecordBatchReader.from_stream(query.execute(f"SELECT {wanted} FROM rows"))
            for batch in found:
                yield tuple(column.to_pylist() for column in batch.columns)

    def digests(self, channel: str) -> Mapping[str, Digests]:
        """Return the digests of all rows of a channel by key, in the order of the keys.

        They are read once per version of the table: every stage asks for those of its upstream.
        """
        handle = self._open()
        asked = (channel, handle and handle.version())
        if self._digests[0] != asked:
            names = ["key", "input_digest", "output_digest"]
            found = self._read(channel, columns=names)
            keys, made_from, says = (found[name].to_pylist() for name in names)
            self._digests = (asked, dict(zip(keys, map(Digests, made_from, says), strict=True)))
        return self._digests[1]

    def rows(self, channel: str, keys: Iterable[str] | None = None) -> Iterator[R]:
        """Yield a channel's rows in the order of their keys, a window of about 100 at a time."""
        for _, row in self.items(channel, keys):
            yield row

    def items(self, channel: str, keys: Iterable[str] | None = None) -> Iterator[tuple[str, R]]:
        """Yield (key, row) of one snapshot of the table, as `rows` does."""
        for found, window in self._windows(channel, keys):
            yield from self._decoded(found, set(window))

    def batches(self, channel: str) -> Iterator[pa.Table]:
        """Yield a channel's rows as Arrow, in the order `rows` has; nested defaults are null."""
        for found, _ in self._windows(channel, None):
            yield found.select(self._schema.names).cast(self._schema).sort_by("key")

    def num_items(self, channel: str, name: str) -> int:
        """Return how many items a column of lists holds in all rows of a channel."""
        query = self._query()
        if query is None:
            return 0
        here = f"FROM rows WHERE channel = {_quoted(channel)}"
        found = self._select(query, f'SELECT sum(array_length("{name}")) AS items {here}')
        return int(found["items"][0].as_py() or 0)

    def get(self, channel: str, key: str) -> R | None:
        """Return one row, or None."""
        return next(self.rows(channel, [key]), None)

    def data_version(self, channel: str) -> str:
        """Return the hash of the channel's content: the same rows, the same version."""
        return digest_of([(key, d.output) for key, d in self.digests(channel).items()])

    def count(self, channel: str) -> int:
        """Return the number of rows of a channel."""
        return len(self.digests(channel))

    def size_bytes(self, channel: str) -> int:
        """Return how much the channel's rows take, without older versions of them."""
        return sum(int(file["size_bytes"]) for file in self._files(channel))

    def changed_at(self, channel: str) -> datetime | None:
        """Return when rows of the channel were written last, None when it has none."""
        times = [int(file["modification_time"]) for file in self._files(channel)]
        return datetime.fromtimestamp(max(times) / 1000, UTC) if times else None

    # Writing

    def put(self, channel: str, entries: Sequence[Entry]) -> None:
        """Write rows in one commit, each in place of the row that has its key.

        Raises:
            StorageError: nothing was written (disk full, no permission, endless race).
        """
        if entries:
            self._commit(channel, lambda: (entries, ()))

    def remove(self, channel: str, keys: Iterable[str]) -> None:
        """Remove rows in one commit; keys that are not there are fine."""
        gone = sorted(keys)
        if gone:
            self._commit(channel, lambda: ((), gone))

    def edit(self, channel: str, change: Callable[[dict[str, R]], Iterable[R]]) -> None:
        """Read all rows of a channel, and write those that `change` returns, as one transaction.

        `change` runs again when somebody else wrote in the meantime, so it must be pure.
        """
        self._commit(channel, lambda: ([Entry(r) for r in change(dict(self.items(channel)))], ()))

    # Care

    def tidy(self, channel: str) -> bool:
        """Join small files when there are many more than windows of rows; return whether it did."""
        handle = self._open()
        if handle is None:
            return False
        num_files = len(handle.file_uris(file_pruning_predicate=[("channel", "=", channel)]))
        if num_files <= 32 + _FILES_PER_WINDOW * (self.count(channel) // WINDOW):
            return False
        with self._telling("joining the files of"):
            try:
                handle.optimize.compact(
                    partition_filters=[("channel", "=", channel)],
                    target_size=_TIDY_BYTES,
                    max_concurrent_tasks=1,
                    writer_properties=WriterProperties(
                        max_row_group_size=WINDOW, compression="ZSTD"
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
        with self._telling("vacuuming"):
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
            with self._telling("adding columns to"):
                write_deltalake(handle, empty, mode="append", schema_mode="merge")
            self._handle = None
        return changed

    # Below: how

    def _windows(
        self, channel: str, keys: Iterable[str] | None
    ) -> Iterator[tuple[pa.Table, list[str]]]:
        """Yield about 100 rows at a time, of one snapshot, with the keys wanted of them."""
        wanted = None if keys is None else sorted(set(keys))
        query = None if wanted == [] else self._query()
        if query is None:
            return
        here = f"FROM rows WHERE channel = {_quoted(channel)}"
        if wanted is not None:
            here += f" AND key BETWEEN {_quoted(wanted[0])} AND {_quoted(wanted[-1])}"
        if wanted is not None and len(wanted) == 1:  # half of all reads: nothing to plan
            yield self._select(query, f"SELECT * {here}"), wanted
            return
        known = sorted(self._select(query, f"SELECT key {here}")["key"].to_pylist())
        chosen = set(known if wanted is None else wanted)
        for start in range(0, len(known), WINDOW):
            window = [key for key in known[start : start + WINDOW] if key in chosen]
            if window:
                span = f"key BETWEEN {_quoted(window[0])} AND {_quoted(window[-1])}"
                yield self._select(query, f"SELECT * {here} AND {span}"), window

    def _read(self, channel: str, columns: list[str]) -> pa.Table:
        query = self._query()
        if query is None:
            return self._schema.empty_table().select(columns)
        names = ", ".join(f'"{column}"' for column in columns)
        return self._select(
            query, f"SELECT {names} FROM rows WHERE channel = {_quoted(channel)} ORDER BY key"
        )

    def _select(self, query: QueryBuilder, sql: str) -> pa.Table:
        # Not `execute(sql).read_all()`: that holds the interpreter's lock while it waits for a
        # bucket, and every other thread of the process with it.
        with self._telling("reading"):
            return pa.RecordBatchReader.from_stream(query.execute(sql)).read_all()

    def _files(self, channel: str) -> list[dict[str, Any]]:
        """Return what the log says of the files that hold the channel's rows now."""
        handle = self._open()
        if handle is None:
            return []
        files: list[dict[str, Any]] = pa.table(handle.get_add_actions(flatten=True)).to_pylist()
        return [file for file in files if file["partition.channel"] == channel]

    def _query(self) -> QueryBuilder | None:
        handle = self._open()
        return None if handle is None else QueryBuilder().register("rows", handle)

    def _decoded(self, found: pa.Table, wanted: set[str]) -> list[tuple[str, R]]:
        rows = zip(found["key"].to_pylist(), decode_rows(found, self.row_type), strict=True)
        return sorted((item for item in rows if item[0] in wanted), key=lambda item: item[0])

    def _open(self) -> DeltaTable | None:
        """Return the handle at the newest version, or None when there is no table yet."""
        with self._telling("reading"):
            try:
                if self._handle is None:
                    self._handle = DeltaTable(self.uri, storage_options=self._options)
                else:
                    self._handle.update_incremental()
            except TableNotFoundError:
                return None
        return self._handle

    @contextlib.contextmanager
    def _telling(self, doing: str) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            self._handle = None
            raise StorageError(
                f"{doing} table {self.name!r} at {self.uri} failed: {_plain(error)}. Try again"
            ) from error

    def _create(self) -> DeltaTable:
        DeltaTable.create(
            self.uri,
            schema=self._schema,
            mode="ignore",
            partition_by=["channel"],
            # Statistics of other columns would keep pieces of forgotten texts in the log.
            configuration={
                "delta.checkpointInterval": "20",
                "delta.dataSkippingStatsColumns": "key",
            },
            storage_options=self._options,
        )
        return DeltaTable(self.uri, storage_options=self._options)

    def _commit(
        self, channel: str, change: Callable[[], tuple[Sequence[Entry], Sequence[str]]]
    ) -> None:
        for tried in range(_TRIES):
            try:
                handle = self._open() or self._create()
                self._handle = handle
                entries, gone = change()
                self._write(handle, channel, entries, gone)
                self.has_written = True
            except CommitFailedError:
                self._handle = None
                time.sleep(random.uniform(0, min(1.0, 0.02 * 2**tried)))  # noqa: S311
            except _FAILURES as error:
                self._handle = None
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

    def _write(
        self, handle: DeltaTable, channel: str, entries: Sequence[Entry], gone: Sequence[str]
    ) -> None:
        once = CommitProperties(max_commit_retries=0)
        if entries:
            batch = self._encode(channel, entries)
            write_deltalake(
                handle,
                batch,
                mode="overwrite",
                predicate=_where(channel, batch["key"].to_pylist()),
                commit_properties=once,
                writer_properties=WriterProperties(compression="ZSTD"),
            )
        if gone:
            handle.delete(_where(channel, gone), commit_properties=once)

    def _encode(self, channel: str, entries: Sequence[Entry]) -> pa.Table:
        by_key = {self._row_key(entry.row): entry for entry in entries}
        keyed = sorted(by_key.items(), key=lambda item: item[0])
        ledger = [
            {
                "channel": channel,
                "key": key,
                "input_digest": entry.input_digest,
                "output_digest": digest_of(entry.row),
            }
            for key, entry in keyed
        ]
        return encode_rows([entry.row for _, entry in keyed], ledger, self._schema)


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
    return f"channel = {_quoted(channel)} AND key IN ({', '.join(map(_quoted, keys))})"


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
