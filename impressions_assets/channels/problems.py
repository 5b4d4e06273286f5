"""What is wrong with a channel, in the user's words: the value, why not, and what is allowed."""

from types import NoneType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from impressions_assets.channels.channel import NAME_RULE, SOURCES, Channels
from impressions_assets.channels.fields import Strict
from impressions_assets.wording import meant, said_of, shown

Path = tuple[str | int, ...]


def problems_of(error: ValidationError) -> list[tuple[Path, str]]:
    """Each problem once, as the path of keys in the file and what to say of it."""
    found = [
        (_path(item["loc"]), _message(item))
        for item in error.errors(include_url=False)
        if not (item["type"] == "too_short" and item["input"])  # its items' errors say it
    ]
    return list(dict.fromkeys(found))


def dotted(path: Path) -> str:
    """`channels.demo.sources[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _path(location: Path) -> Path:
    """Pydantic's location without what is not in the file: union tags, '[key]', a filled name."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        is_tag = index > 0 and isinstance(location[index - 1], int) and part in SOURCES
        if not is_tag and not (index == 2 and part in ("[key]", "name")):
            path.append(part)
    return tuple(path)


def _message(item: ErrorDetails) -> str:
    kind, location = item["type"], item["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(str(location[-1]), _at(location[:-1]))
    if kind == "union_tag_not_found":
        return f"{shown(item['input'])} is not one known source; write one of {_source_keys()}"
    if kind == "string_pattern_mismatch":
        is_name = location[-1] in ("[key]", "name")
        return f"{shown(item['input'])} " + (
            f"is not a channel's name; write {NAME_RULE}" if is_name else "is blank"
        )
    description = _description(location)
    return said_of(item) + (f" ({description})" if description else "")


def _unknown_key(key: str, model: Any) -> str:
    if not (isinstance(model, type) and issubclass(model, Strict)):
        return "unknown key"
    allowed = [name for name in model.model_fields if name != "name"]
    return f"unknown key; {meant(key, allowed)}Allowed: {', '.join(allowed)}"


def _source_keys() -> str:
    places = {"youtube": "LINK", "dataset": "NAME"}
    return ", ".join(f"`{kind}: {places.get(kind, 'PATH')}`" for kind in SOURCES)


def _description(location: Path) -> str:
    """What the innermost field on the way is for, '' when the schema says nothing."""
    while location and (isinstance(location[-1], int) or location[-1] in SOURCES):
        if isinstance(_at(location[:-1]), type):
            break
        location = location[:-1]
    model = _at(location[:-1]) if location else None
    if not (isinstance(model, type) and issubclass(model, Strict)):
        return ""
    field = model.model_fields.get(str(location[-1]))
    return (field.description or "") if field else ""


def _at(location: Path) -> Any:
    """The type that the schema has at a location of pydantic's."""
    kind: Any = Channels
    for part in location:
        kind = _inside(kind, part)
    return kind


def _inside(kind: Any, part: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, Strict):
        field = kind.model_fields.get(str(part))
        return field.annotation if field else None
    if part in SOURCES:
        return SOURCES[str(part)]
    inner = [item for item in get_args(kind) if item not in (NoneType, Ellipsis)]
    return inner[-1] if inner else None
