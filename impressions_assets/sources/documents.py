"""The documents in a text file: one, or one per record; and which JSON fields tell what."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from impressions_assets.encodings import decode_text
from impressions_assets.errors import SourceBroken

_TEXT_FIELDS = ("text", "content", "body", "transcript", "segments", "turns", "captions")


class TextDocument(NamedTuple):
    """A document's text and what is known of it."""

    text: str
    own_id: str = ""
    title: str = ""
    published: str | None = None
    url: str = ""
    language: str | None = None
    license: str | None = None


class DocumentFile(NamedTuple):
    """What a file holds: its documents, each perhaps broken, and whether it is a list of them."""

    documents: list[TextDocument | SourceBroken]
    is_list: bool


def read_documents(data: bytes, suffix: str) -> DocumentFile:
    """Read a `.txt`, `.md`, `.json` or `.jsonl` file.

    Raises SourceBroken when nothing in it can be read: binary, or JSON that is damaged.
    """
    text = decode_text(data)
    if "\0" in text:
        raise SourceBroken("it holds NUL bytes: it is binary, not text")
    if suffix == ".jsonl":
        lines = [line for line in text.split("\n") if line.strip()]
        return DocumentFile([_document_or_error(line) for line in lines], is_list=True)
    if suffix != ".json":
        return DocumentFile([_checked(TextDocument(text))], is_list=False)
    content = _decoded(text)
    if isinstance(content, list):
        return DocumentFile([_document_or_error(record) for record in content], is_list=True)
    return DocumentFile([_document_or_error(content)], is_list=False)


def _document_or_error(record: object) -> TextDocument | SourceBroken:
    """A record of a list: the others go on when it is broken."""
    try:
        value = _decoded(record) if isinstance(record, str) else record
        return _checked(_document_of(value))
    except SourceBroken as error:
        return error


def _decoded(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceBroken(f"not valid JSON: {error}") from error


def _checked(document: TextDocument) -> TextDocument | SourceBroken:
    return document if document.text.strip() else SourceBroken("it is empty: it has no text")


def _document_of(value: object) -> TextDocument:
    """Read one JSON object. Raises SourceBroken when it holds no text."""
    if not isinstance(value, dict):
        raise SourceBroken(f"expected a JSON object, found {type(value).__name__}")
    field = next((name for name in _TEXT_FIELDS if value.get(name)), None)
    if field is None:
        found = ", ".join(map(repr, list(value)[:8])) or "none"
        raise SourceBroken(f"no text in any of the fields {_TEXT_FIELDS}: its fields are {found}")
    return TextDocument(
        text=_joined(value[field], field).replace("\0", ""),
        own_id="" if value.get("id") is None else str(value["id"]),
        title=_text(value, "title"),
        published=_date(value.get("date")),
        url=_text(value, "url"),
        language=_text(value, "language") or None,
        license=_text(value, "license") or None,
    )


def _joined(value: object, field: str) -> str:
    """Text, or a list of texts or of objects with `text`, one paragraph each."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else [value]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) < len(texts):
        raise SourceBroken(f"`{field}` is neither text nor a list of texts")
    return "\n\n".join(strings)


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    return found.replace("\0", "").strip() if isinstance(found, str) else ""


def _date(value: object) -> str | None:
    """An ISO 8601 date or date-time, also from `20240131`; None when it is neither."""
    try:
        date = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return date.date().isoformat() if len(str(value)) <= 10 else date.isoformat()
