"""Row groups of Parquet files, listed from the files' footers without reading any text."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from impressions_assets.errors import SourceBroken, SourceMissing


class RowGroup(NamedTuple):
    """A row group: its place in the file, its rows, and a digest of what the footer says of it."""

    number: int
    num_rows: int
    digest: str


def row_groups_of(address: str, column: str) -> Iterator[RowGroup]:
    """Row groups of one file (a path, or an address that fsspec knows).

    The digest stands for the column's number of values, its sizes before and after compression,
    and its least and greatest value: it changes when the text changes, but for an edit that keeps
    all of these. Reading the text to be sure would cost what listing is to save.

    Raises SourceMissing or SourceBroken, the latter with the columns that exist.
    """
    with _opened(address) as file:
        index = _column_index(file, column)
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            yield RowGroup(number, group.num_rows, _digest_of(group.column(index)))


def texts_of(address: str, column: str, number: int) -> list[str | None]:
    """The column's texts in one row group. Raises SourceMissing or SourceBroken."""
    with _opened(address) as file:
        _column_index(file, column)
        if number >= file.num_row_groups:
            raise SourceBroken(f"{address} has no row group {number} any more: run again")
        try:
            texts: list[str | None] = file.read_row_group(number, [column])[column].to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise SourceBroken(f"{address}: row group {number} is damaged: {error}") from error
    return texts


class _opened:  # noqa: N801
    """A Parquet file opened through fsspec, with its errors translated."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._handle: Any = None

    def __enter__(self) -> pq.ParquetFile:
        try:
            self._handle = fsspec.open(self._address, "rb").open()
            return pq.ParquetFile(self._handle)
        except pa.ArrowInvalid as error:
            self._handle.close()
            raise SourceBroken(f"{self._address} is no whole Parquet file: {error}") from error
        except OSError as error:
            raise SourceMissing(f"cannot read {self._address}: {error}") from error

    def __exit__(self, *_: object) -> None:
        self._handle.close()


def _column_index(file: pq.ParquetFile, column: str) -> int:
    schema = file.schema_arrow
    if column not in schema.names:
        raise WrongColumn(f"there is no column {column!r}", schema.names)
    kind = schema.field(column).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise WrongColumn(f"column {column!r} holds {kind}, not text", schema.names)
    group_columns = [file.schema.column(index).path for index in range(len(file.schema))]
    return group_columns.index(column)


class WrongColumn(SourceBroken):
    """The dataset has no such column of text."""

    def __init__(self, reason: str, columns: list[str]) -> None:
        super().__init__(f"{reason}: set text_column to one of {columns}")


def _digest_of(chunk: Any) -> str:
    statistics = chunk.statistics
    bounds = (statistics.min, statistics.max) if statistics and statistics.has_min_max else ()
    sizes = (chunk.num_values, chunk.total_compressed_size, chunk.total_uncompressed_size)
    return hashlib.sha256(repr((sizes, bounds)).encode()).hexdigest()
