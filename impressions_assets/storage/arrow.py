"""Rows as Arrow: the schema of a row type, and rows to columns and back.

Nested rows leave out the fields that hold their default, so a field that a later version adds to
one changes no digest of the rows that do not use it; those fields are stored as null. A field that
may be None must default to None.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
from msgspec import inspect

R = TypeVar("R", bound=msgspec.Struct)

_SCALARS: dict[type, pa.DataType] = {
    inspect.StrType: pa.string(),
    inspect.LiteralType: pa.string(),
    inspect.IntType: pa.int64(),
    inspect.FloatType: pa.float64(),
    inspect.BoolType: pa.bool_(),
    inspect.BytesType: pa.binary(),
}


def schema_of(row_type: type[msgspec.Struct]) -> list[pa.Field]:
    """Return the Arrow fields of a row type; nested rows become structs, tuples become lists."""
    return [pa.field(field.name, _arrow_type(field.type)) for field in _fields_of(row_type)]


def encode_rows(
    rows: Iterable[msgspec.Struct], ledger: Sequence[Mapping[str, Any]], schema: pa.Schema
) -> pa.Table:
    """Put rows beside their ledger columns into one Arrow table."""
    plain = (msgspec.to_builtins(row, builtin_types=(bytes,)) for row in rows)
    return pa.Table.from_pylist(
        [{**a, **b} for a, b in zip(ledger, plain, strict=True)], schema=schema
    )


def decode_rows(table: pa.Table, row_type: type[R]) -> list[R]:
    """Turn an Arrow table (with more columns, perhaps) back into rows.

    Column by column: a dictionary for each of the 600 segments of a transcript costs five times
    as much.
    """
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    return _structs_of(columns, row_type)


def column_of(table: pa.Table, name: str) -> pa.Array:
    """Return a column, or with a name such as `chapters.title` one field of its lists of rows."""
    name, _, field = name.partition(".")
    column = table[name].combine_chunks()
    if not field:
        return column
    return pa.ListArray.from_arrays(column.offsets, column.values.field(field))


def _structs_of(columns: Mapping[str, pa.Array], row_type: type[R]) -> list[R]:
    fields = [field for field in _fields_of(row_type) if field.name in columns]
    values = [_values_of(columns[field.name], field.type, field.default) for field in fields]
    if len(row_type.__match_args__) == len(fields):  # all of them, and by position
        return list(map(row_type, *values))
    names = [field.name for field in fields]
    return [row_type(**dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


@cache
def _fields_of(row_type: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    """Return what msgspec knows of a row's fields; it takes a millisecond to find out."""
    struct = inspect.type_info(row_type)
    assert isinstance(struct, inspect.StructType)
    return struct.fields


def _values_of(column: pa.Array, kind: inspect.Type, default: Any = None) -> list[Any]:
    """Return the values of a column; nulls are the default."""
    if isinstance(kind, inspect.Metadata):
        return _values_of(column, kind.type, default)
    if isinstance(kind, inspect.VarTupleType):
        items = _values_of(column.values, kind.item_type)
        return [tuple(items[start:end]) for start, end in pairwise(column.offsets.to_pylist())]
    if isinstance(kind, inspect.StructType):
        return _structs_of({f.name: column.field(f.name) for f in column.type}, kind.cls)
    if column.null_count and default not in (None, msgspec.NODEFAULT):
        return [default if value is None else value for value in column.to_pylist()]
    return list(column.to_pylist())


def _arrow_type(kind: inspect.Type) -> pa.DataType:
    if isinstance(kind, inspect.Metadata):
        return _arrow_type(kind.type)
    if isinstance(kind, inspect.UnionType):
        (only,) = (t for t in kind.types if not isinstance(t, inspect.NoneType))
        return _arrow_type(only)
    if isinstance(kind, inspect.VarTupleType):
        return pa.list_(_arrow_type(kind.item_type))
    if isinstance(kind, inspect.StructType):
        return pa.struct([pa.field(f.name, _arrow_type(f.type)) for f in kind.fields])
    return _SCALARS[type(kind)]
