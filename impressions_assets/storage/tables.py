"""Tables: rows in, rows out, an atomic commit at a time.

A table serves all channels, partitioned by `channel`. Beside the fields of its row type it has

- `key`: the first 16 hex digits of sha256(video id), sometimes with a suffix. Work goes through the
  videos in the order of their keys, so each file covers a short range of keys and its statistics
  tell Delta which few files a batch needs: a batch of 100 among 10,000 rows reads 1 % of the bytes.
- `input_digest`: what the row was made from; `output_digest`: what it says.

How a Delta table is written without locks stands in `delta`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import pyarrow as pa

from impressions_assets.storage.arrow import column_of, decode_rows, encode_rows, schema_of
from impressions_assets.storage.delta import DeltaFolder, quoted
from impressions_assets.storage.digests import Digests, digest_of, key_of
from impressions_assets.storage.looks import Looks

R = TypeVar("R", bound=msgspec.Struct)

WINDOW = 100  # rows of one read; batches of work are about as long, and so are files
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
        looks: Looks | None = None,
    ) -> None:
        """Open lazily: a table that is not there yet reads as empty, and the first write makes it.

        Args:
            root: folder or `gs://bucket/prefix` that holds the table's folder.
            name: the table's name, which is its folder.
            row_type: a frozen msgspec Struct.
            row_key: the key of a row, unique within its channel.
            storage_options: credentials and endpoints, as `deltalake` takes them.
            looks: of all tables of the root; without, each read looks for a newer version.

        Raises:
            ConfigError: no table can lie in such a place.
        """
        self.name = name
        self.row_type = row_type
        self._row_key = row_key
        self._schema = pa.schema([*_LEDGER, *schema_of(row_type)])
        self._folder = DeltaFolder(root, name, self._schema, storage_options, looks or Looks())
        self.uri = self._folder.uri
        self._digests: tuple[object, dict[str, Digests]] = (None, {})  # of one channel and version

    # Reading

    def channels(self) -> list[str]:
        """Return the channels that have rows, retired ones included."""
        found = self._folder.ask("SELECT DISTINCT channel FROM rows")
        return [] if found is None else sorted(found["channel"].to_pylist())

    def columns(self, channel: str, *names: str) -> list[tuple[Any, ...]]:
        """Return some columns of all rows of a channel, in the order of the keys.

        A name such as `chapters.title` gives the titles of each row's chapters, as a list.
        """
        found = self._read(channel, columns=list(dict.fromkeys(n.split(".")[0] for n in names)))
        columns = (column_of(found, name).to_pylist() for name in names)
        return list(zip(*columns, strict=True))

    def columns_of_all(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the channel and some plain columns of all rows, in no order: one look for all."""
        wanted = ", ".join(f'"{name}"' for name in ("channel", *names))
        found = self._folder.ask(f"SELECT {wanted} FROM rows")
        return [] if found is None else list(zip(*found.to_pydict().values(), strict=True))

    def stream_of_all(self, *names: str) -> Iterator[tuple[list[Any], ...]]:
        """Yield what `columns_of_all` returns column by column, some thousand rows at a time."""
        wanted = ", ".join(f'"{name}"' for name in ("channel", *names))
        for batch in self._folder.stream(f"SELECT {wanted} FROM rows"):
            yield tuple(column.to_pylist() for column in batch.columns)

    def digests(self, channel: str) -> Mapping[str, Digests]:
        """Return the digests of all rows of a channel by key, in the order of the keys.

        They are read once per version of the table: every stage asks for those of its upstream.
        """
        snapshot = self._folder.snapshot()
        asked = (channel, snapshot and snapshot.version)
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
        here = f"FROM rows WHERE channel = {quoted(channel)}"
        found = self._folder.ask(f'SELECT sum(array_length("{name}")) AS items {here}')
        return 0 if found is None else int(found["items"][0].as_py() or 0)

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
            self._folder.commit(channel, lambda: (self._encode(channel, entries), ()))

    def remove(self, channel: str, keys: Iterable[str]) -> None:
        """Remove rows in one commit; keys that are not there are fine."""
        gone = sorted(keys)
        if gone:
            self._folder.commit(channel, lambda: (None, gone))

    def edit(self, channel: str, change: Callable[[dict[str, R]], Iterable[R]]) -> None:
        """Read all rows of a channel, and write those that `change` returns, as one transaction.

        `change` runs again when somebody else wrote in the meantime, so it must be pure. What it
        takes out of the rows that it is given is removed in the same commit.
        """

        def changed() -> tuple[pa.Table | None, Sequence[str]]:
            rows = dict(self.items(channel))
            known = set(rows)
            entries = [Entry(row) for row in change(rows)]
            gone = sorted(known - rows.keys())
            return (self._encode(channel, entries) if entries else None), gone

        self._folder.commit(channel, changed)

    # Care

    def tidy(self, channel: str) -> bool:
        """Join small files when there are many more than windows of rows; return whether it did."""
        return self._folder.tidy(channel, self.count(channel), WINDOW)

    def vacuum(self, older_than_hours: float) -> int:
        """Delete files that no current row needs; return how many."""
        return self._folder.vacuum(older_than_hours)

    def migrate(self) -> list[str]:
        """Add the columns and nested fields that the stored table lacks; return what changed."""
        return self._folder.migrate()

    @property
    def has_written(self) -> bool:
        """Whether anything was written through this handle."""
        return self._folder.has_written

    # Below: how

    def _files(self, channel: str) -> list[dict[str, Any]]:
        snapshot = self._folder.snapshot()
        return [] if snapshot is None else snapshot.files(channel)

    def _windows(
        self, channel: str, keys: Iterable[str] | None
    ) -> Iterator[tuple[pa.Table, list[str]]]:
        """Yield about 100 rows at a time, of one snapshot, with the keys wanted of them."""
        wanted = None if keys is None else sorted(set(keys))
        snapshot = None if wanted == [] else self._folder.snapshot()
        if snapshot is None:
            return
        here = f"FROM rows WHERE channel = {quoted(channel)}"
        if wanted is not None:
            here += f" AND key BETWEEN {quoted(wanted[0])} AND {quoted(wanted[-1])}"
        one = wanted is not None and len(wanted) == 1
        if one or snapshot.num_rows(channel) <= WINDOW:  # most reads: nothing to plan
            found = self._folder.select(snapshot, f"SELECT * {here}")
            yield found, found["key"].to_pylist() if wanted is None else wanted
            return
        known = sorted(self._folder.select(snapshot, f"SELECT key {here}")["key"].to_pylist())
        chosen = set(known if wanted is None else wanted)
        for start in range(0, len(known), WINDOW):
            window = [key for key in known[start : start + WINDOW] if key in chosen]
            if window:
                span = f"key BETWEEN {quoted(window[0])} AND {quoted(window[-1])}"
                yield self._folder.select(snapshot, f"SELECT * {here} AND {span}"), window

    def _read(self, channel: str, columns: list[str]) -> pa.Table:
        names = ", ".join(f'"{column}"' for column in columns)
        here = f"FROM rows WHERE channel = {quoted(channel)}"
        found = self._folder.ask(f"SELECT {names} {here} ORDER BY key")
        return self._schema.empty_table().select(columns) if found is None else found

    def _decoded(self, found: pa.Table, wanted: set[str]) -> list[tuple[str, R]]:
        rows = zip(found["key"].to_pylist(), decode_rows(found, self.row_type), strict=True)
        return sorted((item for item in rows if item[0] in wanted), key=lambda item: item[0])

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
