"""What tells one content from another, and where a video stands in the order of all work."""

import hashlib
from typing import Any

import msgspec


class Digests(msgspec.Struct, frozen=True, gc=False):
    """What a row was made from, and what it says. Too many for the garbage collector to visit."""

    input: str
    output: str


def digest_of(*parts: object) -> str:
    """Hash plain values and rows: the same content gives the same 32 hex digits, everywhere.

    Fields of a row that hold their default are left out, so that a field which a later version
    adds changes the digest of no row that does not use it.
    """
    said = [_said(part) if isinstance(part, msgspec.Struct) else part for part in parts]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32]


def key_of(video_id: str) -> str:
    """Return the place of a video in the order of all work: a hash, so it tells nothing of age."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:16]


def _said(row: msgspec.Struct) -> dict[str, Any]:
    fields, defaults = row.__struct_fields__, row.__struct_defaults__
    start = len(fields) - len(defaults)
    values = [(name, getattr(row, name)) for name in fields]
    return dict(values[:start]) | {
        name: value
        for (name, value), default in zip(values[start:], defaults, strict=True)
        if value != default
    }
