"""The text of `channels.yaml`: read with every problem named, edited with every comment kept.

Only text passes here; where the file lies is the store's knowledge. Reading goes over YAML's nodes
instead of its values, because nodes know their lines, keep a repeated key, and leave `2024-13-01`
to the schema instead of failing on it.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from impressions_assets.channels.channel import Channel, Channels, SourceSpec
from impressions_assets.channels.problems import Path, dotted, problems_of
from impressions_assets.errors import ConfigError

_NO_LIMIT = ("youtube", "daily_videos")  # the one setting whose default is not None, but may be


def parse_channels(text: str | bytes, file: str = "channels.yaml") -> Channels:
    """Read the file's text. One `ConfigError` lists all problems, each with its line and key."""
    reader = _Nodes()
    data = reader.read(_decoded(text, file), file)
    try:
        channels = Channels.model_validate(data)
    except ValidationError as error:
        reader.problems += problems_of(error)
    if reader.problems:
        lines = sorted((reader.line(path), path, message) for path, message in reader.problems)
        raise ConfigError("\n".join(f"{file}:{n}: {_said(p, m)}" for n, p, m in lines))
    return channels


def add_channel(
    text: str,
    name: str,
    sources: Sequence[SourceSpec | Mapping[str, Any]],
    **settings: Any,
) -> str:
    """Return the text with a channel added, or with new sources for one that is there."""
    file = parse_channels(text)
    before = file.channels
    wanted = _channel(name, sources, settings)
    if name in before:
        channel = _joined(before[name], wanted)
        new = channel.sources[len(before[name].sources) :]
        edited = _edit(text, ("channels", name, "sources"), [_plain(source) for source in new])
    else:
        channel = wanted
        edited = _edit(text, ("channels", name), _plain(wanted))
    if parse_channels(edited) != file.model_copy(update={"channels": {**before, name: channel}}):
        raise ConfigError(
            f"channels.yaml: adding to {name!r} would change something else (an anchor that is"
            f" used twice?); add by hand:\n{_edit('', ('channels', name), _plain(wanted))}"
        )
    return edited


class _Nodes:
    """Plain values from YAML's nodes, the line of each key, and what only the nodes show."""

    def __init__(self) -> None:
        self.problems: list[tuple[Path, str]] = []
        self._lines: dict[Path, int] = {(): 1}
        self._open: list[Node] = []

    def read(self, text: str, file: str) -> Any:
        try:
            root = YAML().compose(text)
            data = {} if root is None else self._value(root, ())
        except (YAMLError, RecursionError) as error:
            raise ConfigError(_not_yaml(error, text, file)) from error
        return {} if data is None else data

    def line(self, path: Path) -> int:
        """The line of a key, or of the nearest one around it."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _value(self, node: Node, path: Path) -> Any:
        if any(node is outer for outer in self._open):
            self.problems.append((path, "refers to itself through an anchor"))
            return None
        if isinstance(node, ScalarNode):
            return None if node.tag == "tag:yaml.org,2002:null" else node.value
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            return self._list(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        """An empty value means that the key is not set, except a channel: that lacks sources.

        A written `null` means the same, except where it stands for "no limit".
        """
        values: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, ScalarNode) else f"(line {line})"
            if key in seen:
                self.problems.append(((*path, key), f"stands twice: lines {seen[key]} and {line}"))
                continue
            seen[key] = self._lines[(*path, key)] = line
            if key == "name" and path[:1] == ("channels",) and len(path) == 2:
                self.problems.append(((*path, key), f"unknown key; the name is {path[1]!r}, above"))
                continue
            value = self._value(value_node, (*path, key))
            if value is None and path == ("channels",):
                value = {}
            if value is not None or ((*path, key) == _NO_LIMIT and value_node.value):
                values[key] = value
        return values

    def _list(self, node: Node, path: Path) -> list[Any]:
        for index, item in enumerate(node.value):
            self._lines[(*path, index)] = item.start_mark.line + 1
        return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]


def _said(path: Path, message: str) -> str:
    return f"{dotted(path)}: {message}" if path else message


def _decoded(text: str | bytes, file: str) -> str:
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise ConfigError(
            f"{file}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    return decoded.removeprefix("\ufeff")


def _not_yaml(error: Exception, text: str, file: str) -> str:
    """Where YAML ends to be YAML, in one line."""
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"{file}:{line}: holds the control character {chr(error.character)!r}; remove it"
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return f"{file}: is not YAML that can be read: {error or 'nested too deeply'}"
    lines = text.rstrip("\n").split("\n")
    line = min(error.problem_mark.line, len(lines) - 1)
    hint = "check the indentation, the colons and the quotes of this line and the one above"
    if re.match(r" *\t", lines[line]):
        hint = "indent with spaces, not with tabs"
    elif "'@'" in str(error.problem):
        hint = "put the @handle in quotes"
    return f"{file}:{line + 1}: is not YAML: {error.problem}; {hint}"


def _channel(
    name: str, sources: Sequence[SourceSpec | Mapping[str, Any]], settings: Mapping[str, Any]
) -> Channel:
    given = {key: value for key, value in settings.items() if value is not None}
    try:
        data = {"channels": {name: {"sources": [*sources], **given}}}
        channel = Channels.model_validate(data).channels[name]
    except ValidationError as error:
        problems = (_said(path, message) for path, message in problems_of(error))
        raise ConfigError(f"cannot add channel {name!r}:\n" + "\n".join(problems)) from error
    return channel.model_copy(update={"sources": tuple(dict.fromkeys(channel.sources))})


def _joined(old: Channel, wanted: Channel) -> Channel:
    """The old channel with the sources that are new for it."""
    if wanted.model_fields_set - {"name", "sources"}:
        raise ConfigError(
            f"channel {old.name!r} exists: change its settings in channels.yaml,"
            " or choose another name"
        )
    new = [source for source in wanted.sources if source not in old.sources]
    if not new:
        raise ConfigError(
            f"channel {old.name!r} exists and has these sources already; nothing was added."
            " Choose another name to make a second channel of them"
        )
    return old.model_copy(update={"sources": (*old.sources, *new)})


def _plain(model: Channel | SourceSpec) -> dict[str, Any]:
    """What was set, as YAML's own kinds of value."""
    return model.model_dump(mode="json", exclude_unset=True, exclude={"name"})


class _AsWritten(VersionedResolver):
    """Every plain word is a text: what is there is written back as it was, `0x1f` and `yes` too."""

    @property
    def versioned_resolver(self) -> dict[str, Any]:
        """No word means a number, a date or a truth value."""
        return {}


def _edit(text: str, path: tuple[str, ...], value: Any) -> str:
    """Put a mapping, or append a list's items, at a path of the file; all else stays."""
    yaml = _round_trip(text)
    data = yaml.load(text.replace("\r\n", "\n"))
    head = f"{text.rstrip()}\n" if data is None and text.strip() else ""
    data = inner = data or CommentedMap()
    for key in path[:-1]:
        if not inner.get(key):
            inner[key] = CommentedMap()
        inner = inner[key]
    if isinstance(value, list):
        inner[path[-1]].extend(_written(value))
    else:
        inner[path[-1]] = _written(value)
    out = io.StringIO()
    yaml.dump(data, out)
    edited = head + out.getvalue()
    return edited.replace("\n", "\r\n") if "\r\n" in text else edited


def _round_trip(text: str) -> YAML:
    """A reader and writer that indents as the text does."""
    yaml = YAML()
    yaml.Resolver = _AsWritten
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.explicit_start = re.search(r"^---", text, re.MULTILINE) is not None
    mapping = re.search(r"^( +)[^\s#-]", text, re.MULTILINE)
    item = re.search(r"^( *)[^\s#-].*:.*\n(?:\s*#.*\n)*( *)(- +)\S", text, re.MULTILINE)
    offset = len(item[2]) - len(item[1]) if item else 2
    yaml.indent(
        mapping=len(mapping[1]) if mapping else 2,
        sequence=offset + len(item[3]) if item else 4,
        offset=offset,
    )
    return yaml


def _written(value: Any) -> Any:
    """Values as words, in quotes where another reader would not take them for text."""
    if isinstance(value, dict):
        return CommentedMap({key: _written(item) for key, item in value.items()})
    if isinstance(value, list):
        return CommentedSeq([_written(item) for item in value])
    if not isinstance(value, str):
        return json.dumps(value)
    tag = YAML(typ="safe", pure=True).resolver.resolve(ScalarNode, value, (True, False))
    is_plain = str(tag) == "tag:yaml.org,2002:str" and value.isprintable()
    return value if is_plain else DoubleQuotedScalarString(value)
