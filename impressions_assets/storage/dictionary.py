"""The data dictionary: docs/data-dictionary.md, made from the tables' row types.

`python -m impressions_assets.storage.dictionary` prints it, `make docs` writes it, and
`make check` compares.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as schema

from impressions_assets.storage.records import ROW_TYPES

_HEAD = """# Data dictionary

Made from the row types (`rows.py`, `storage/records.py`) by `make docs`; change them there.

Each table is a Delta table for all channels. Beside the columns listed here it has

| column | type | holds |
|---|---|---|
| `channel` | text | the channel; the table is partitioned by it |
| `key` | text | 16 hex digits of sha256(video id), maybe a suffix; rows lie in its order |
| `input_digest` | text | hash of what the row was made from: rows upstream, settings, version |
| `output_digest` | text | hash of what the row says |

Times are seconds from the start of the video; spans are half open. A null stands for what is
unknown, or for what the field's line says.
"""
_LINK = re.compile(r"\[(\w+)\]\(#\w+\)")
_WORDS: dict[type[schema.Type], str] = {
    schema.StrType: "text",
    schema.IntType: "whole number",
    schema.FloatType: "number",
    schema.BoolType: "true or false",
    schema.BytesType: "bytes",
}


def data_dictionary() -> str:
    """The whole page, as Markdown: the tables, then the rows that stand inside theirs."""
    tables = [_section(f"`{name}`", row) for name, row in ROW_TYPES.items()]
    inner = list(dict.fromkeys(item for row in ROW_TYPES.values() for item in _inside(row)))
    parts = [_section(row.__name__, row) for row in inner]
    return "\n".join([_HEAD, *tables, "# Rows inside rows\n", *parts])


def columns_of(row: type[msgspec.Struct]) -> dict[str, tuple[str, str]]:
    """The type and the description of each field, without links."""
    omits = row.__struct_config__.omit_defaults
    return {
        field.name: (_LINK.sub(r"\1", _type(field.type)), _description(field, omits))
        for field in _struct(row).fields
    }


def item_of(row: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    """The rows that a field of a row lists."""
    (kind,) = (field.type for field in _struct(row).fields if field.name == name)
    inner = _bare(_bare(kind).item_type)
    assert isinstance(inner, schema.StructType)
    return inner.cls


def _inside(row: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The rows that a row holds, and those that they hold."""
    for field in _struct(row).fields:
        kind = _bare(field.type)
        kind = _bare(kind.item_type) if isinstance(kind, schema.VarTupleType) else kind
        if isinstance(kind, schema.StructType):
            yield kind.cls
            yield from _inside(kind.cls)


def _section(title: str, row: type[msgspec.Struct]) -> str:
    omits = row.__struct_config__.omit_defaults
    lines = [_line(field, omits) for field in _struct(row).fields]
    return "\n".join(
        [
            f"## {title}",
            "",
            inspect.getdoc(row) or "",
            "",
            "| field | type | holds |",
            "|---|---|---|",
            *lines,
            "",
        ]
    )


def _line(field: schema.Field, omits_defaults: bool) -> str:
    return f"| `{field.name}` | {_type(field.type)} | {_description(field, omits_defaults)} |"


def _description(field: schema.Field, omits_defaults: bool) -> str:
    description = ""
    if isinstance(field.type, schema.Metadata):
        description = (field.type.extra_json_schema or {}).get("description", "")
    if omits_defaults and field.default not in (msgspec.NODEFAULT, None, ()):
        description += f"; null stands for {str(field.default) or 'none'}"
    return description


def _type(kind: schema.Type) -> str:
    """A type in a reader's words, rows as links."""
    bare = _bare(kind)
    if isinstance(bare, schema.VarTupleType):
        return f"list of {_type(bare.item_type)}"
    if isinstance(bare, schema.LiteralType):
        return ", ".join(f"`{value}`" for value in bare.values)
    if isinstance(bare, schema.StructType):
        return f"[{bare.cls.__name__}](#{bare.cls.__name__.lower()})"
    return _WORDS[type(bare)]


def _bare(kind: schema.Type) -> Any:
    """A type without its description, and without the possibility of None."""
    if isinstance(kind, schema.Metadata):
        return _bare(kind.type)
    if isinstance(kind, schema.UnionType):
        return _bare(next(item for item in kind.types if not isinstance(item, schema.NoneType)))
    return kind


def _struct(row: type[msgspec.Struct]) -> schema.StructType:
    info = schema.type_info(row)
    assert isinstance(info, schema.StructType)
    return info


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
