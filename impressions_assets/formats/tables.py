"""The tables as files: Parquet, CSV and JSON lines, written a window of videos at a time.

What a row holds as a list (segments, chapters, pairs) stands in rows of its own, as in `reader`.
Bytes are left out: they are signatures, for us to compare. So are documents that say nearly what an
earlier one says.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from impressions_assets.formats.files import published
from impressions_assets.reader import LISTS, ChannelReader
from impressions_assets.rows import PUBLISHED
from impressions_assets.storage.arrow import schema_of

_GROUP_BYTES = 32 << 20  # a row group: windows alone would make hundreds of small ones

Write = Callable[[pa.Table], None]
Open = Callable[[Path, pa.Schema], AbstractContextManager[Write]]


def parquet(channel: ChannelReader, folder: Path) -> list[Path]:
    """A Parquet file per table."""
    return [_written(channel, name, folder / f"{name}.parquet", _Parquet) for name in PUBLISHED]


def csv(channel: ChannelReader, folder: Path) -> list[Path]:
    """A CSV file per table; lists are written as JSON."""
    return [_written(channel, name, folder / f"{name}.csv", _Csv) for name in PUBLISHED]


def jsonl(channel: ChannelReader, folder: Path) -> list[Path]:
    """A file per table with a JSON object on each line."""
    return [_written(channel, name, folder / f"{name}.jsonl", _JsonLines) for name in PUBLISHED]


def flat_schema(table: str) -> pa.Schema:
    """Return the columns of a table when its lists stand in rows of their own."""
    fields = {field.name: field for field in schema_of(PUBLISHED[table])}
    if table in LISTS:
        inner, kept = LISTS[table]
        items = {field.name: field for field in fields[inner].type.value_type}
        fields = {name: fields[name] for name in kept} | items
    return pa.schema([field for field in fields.values() if field.type != pa.binary()])


def as_csv(schema: pa.Schema) -> pa.Schema:
    """Return the columns as a CSV has them: lists become text."""
    return pa.schema([pa.field(f.name, pa.string() if _nested(f) else f.type) for f in schema])


def flat_batches(channel: ChannelReader, table: str) -> Iterator[pa.Table]:
    """Yield a table's flat rows, as many at a time as about a hundred videos have."""
    schema = flat_schema(table)
    gone = pa.array(sorted(left_out(channel, table)), pa.string())
    for rows in channel.home.table(table).batches(channel.name):
        rows = rows.filter(pc.invert(pc.is_in(rows["video_id"], gone)))
        yield (_exploded(rows, *LISTS[table]) if table in LISTS else rows).select(schema.names)


def left_out(channel: ChannelReader, table: str) -> set[str]:
    """Return the ids that an export leaves out: documents that say what another one says."""
    return set(channel.duplicates()["video_id"]) if table == "documents" else set()


def _exploded(rows: pa.Table, inner: str, kept: tuple[str, ...]) -> pa.Table:
    lists = rows[inner].combine_chunks()
    around = rows.select(kept).take(pc.list_parent_indices(lists))
    items = pc.list_flatten(lists)
    found = {name: around[name] for name in kept}
    found |= {field.name: items.field(field.name) for field in items.type}
    return pa.table(found)


def _written(channel: ChannelReader, table: str, path: Path, opener: Open) -> Path:
    schema = flat_schema(table)
    with published(path) as partial, opener(partial, schema) as write:
        for batch in flat_batches(channel, table):
            write(batch.cast(schema))
    return path


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def __enter__(self) -> Write:
        return self._write

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def _write(self, batch: pa.Table) -> None:
        self._waiting.append(batch)
        if sum(table.nbytes for table in self._waiting) > _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting))
        self._waiting = []


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = as_csv(schema)
        self._file = pyarrow.csv.CSVWriter(path, self._schema)

    def __enter__(self) -> Write:
        return self._write

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _write(self, batch: pa.Table) -> None:
        columns = [_as_json(batch[f.name]) if _nested(f) else batch[f.name] for f in batch.schema]
        self._file.write_table(pa.table(columns, schema=self._schema))


class _JsonLines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("wb")
        self._encode = msgspec.json.Encoder().encode_lines

    def __enter__(self) -> Write:
        return self._write

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _write(self, batch: pa.Table) -> None:
        self._file.write(self._encode(batch.to_pylist()))


def _nested(field: pa.Field) -> bool:
    return bool(pa.types.is_nested(field.type))


def _as_json(column: pa.ChunkedArray) -> pa.Array:
    def plain(value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    return pa.array(map(plain, column.to_pylist()), pa.string())
