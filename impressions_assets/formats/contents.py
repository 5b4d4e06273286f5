"""What lies in an export, for the person who gets the folder: its files, and their columns."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from impressions_assets.formats.files import safe_name
from impressions_assets.formats.tables import flat_schema
from impressions_assets.reader import LISTS, ChannelReader
from impressions_assets.rows import PUBLISHED
from impressions_assets.storage.dictionary import columns_of, item_of

_MOST_LISTED = 500
_TABLE_FILES = (".parquet", ".csv", ".jsonl")
_LOAD = """```python
import datasets

datasets.load_dataset("PATH OF THIS FOLDER", "{table}", split="train")
```"""


def tables_among(files: Sequence[Path]) -> list[Path]:
    """Return the files that are whole tables, as the formats parquet, csv and jsonl write them."""
    names = {f"{table}{ending}" for table in PUBLISHED for ending in _TABLE_FILES}
    return [file for file in files if file.name in names]


def contents_of(channel: ChannelReader, files: Sequence[Path], about: str) -> Iterator[str]:
    """Yield paragraphs: what the format is, how many files there are, then titles or columns."""
    endings = Counter(file.suffix.lstrip(".") for file in files)
    counted = ", ".join(f"{count:,} {name}" for name, count in sorted(endings.items()))
    yield f"{about}\n\nFiles: {counted}."
    listed = list(_listed(channel, files))
    if listed:
        yield table_of(("file", "title", "published"), listed[:_MOST_LISTED])
    if len(listed) > _MOST_LISTED:
        yield f"… and {len(listed) - _MOST_LISTED:,} more."


def columns_in(files: Sequence[Path]) -> Iterator[str]:
    """Yield how to load the tables among the files, and what their columns hold."""
    tables = tables_among(files)
    if tables:
        yield _LOAD.format(table=tables[-1].stem)
    for file in tables:
        found = _columns(file.stem)
        rows = [(f"`{name}`", *found[name]) for name in flat_schema(file.stem).names]
        yield f"### {file.stem}\n\n" + table_of(("column", "type", "holds"), rows)


def table_of(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of Markdown."""
    lines = [" | ".join(_cell(cell) for cell in row) for row in rows]
    rule = " | ".join("---" for _ in head)
    return "\n".join(f"| {line} |" for line in (" | ".join(head), rule, *lines))


def _cell(value: object) -> str:
    said = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(said.split()).replace("|", "\\|")


def _listed(channel: ChannelReader, files: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield the files that belong to one video, as links, in the order of publication."""
    videos = channel.home.table("videos").columns(channel.name, "video_id", "title", "published")
    known = {safe_name(video_id): (title, day or "") for video_id, title, day in videos}
    found = [(file.name, name) for file in files if (name := _video_of(file.name, known))]
    for file, name in sorted(found, key=lambda one: (known[one[1]][1], one)):
        title, day = known[name]
        yield f"[{file}]({file})", title, day[:10]


def _video_of(file: str, known: Mapping[str, object]) -> str | None:
    """Return the longest name of a video that the file's name begins with, up to a dot."""
    ends = [found.start() for found in re.finditer(r"\.", file)]
    return next((file[:end] for end in reversed(ends) if file[:end] in known), None)


def _columns(table: str) -> dict[str, tuple[str, str]]:
    row = PUBLISHED[table]
    return columns_of(row) | (columns_of(item_of(row, LISTS[table][0])) if table in LISTS else {})
