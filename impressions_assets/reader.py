"""A channel's tables as pandas, for notebooks and scripts: `open_channel("name").qa_pairs()`.

    from impressions_assets.reader import open_channel

    talks = open_channel("demo")
    talks.transcripts().groupby("video_id").size()

What a row holds as a list stands in rows of its own, each with its `video_id`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
from msgspec import Struct

from impressions_assets.duplicates import duplicates_in, threshold_of
from impressions_assets.errors import NothingToDo
from impressions_assets.rows import (
    Article,
    Chapter,
    Document,
    Dropped,
    QAPair,
    Segment,
    Video,
)
from impressions_assets.settings import load_settings
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import Artifact
from impressions_assets.text.duplicates import Duplicate

if TYPE_CHECKING:
    from impressions_assets.gpt.manifest import Manifest


LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "transcripts": ("segments", ("video_id", "origin", "language")),
    "chapters": ("chapters", ("video_id",)),
    "qa_pairs": ("pairs", ("video_id",)),
}
"""Tables whose rows hold a list: which, and what of the row stands beside each of its items."""


class ChannelReader:
    """One channel of a storage root; each method reads a table anew."""

    def __init__(self, home: Home, name: str) -> None:
        """Read from a home; see `open_channel`."""
        self.home = home
        self.name = name

    def videos(self) -> pd.DataFrame:
        """Return a row per video; `chapters` and `tracks` hold lists, as the source gave them."""
        return _frame(map(_plain, self._rows("videos")), *_fields(Video))

    def transcripts(self) -> pd.DataFrame:
        """Return a row per segment of speech, with the transcript's origin and language."""
        return self._exploded("transcripts", Segment)

    def chapters(self) -> pd.DataFrame:
        """Return a row per chapter."""
        return self._exploded("chapters", Chapter)

    def articles(self) -> pd.DataFrame:
        """Return a row per article: title, Markdown and number of words."""
        return _frame(map(_plain, self._rows("articles")), *_fields(Article))

    def qa_pairs(self) -> pd.DataFrame:
        """Return a row per pair of question and answer."""
        return self._exploded("qa_pairs", QAPair)

    def documents(self) -> pd.DataFrame:
        """Return a row per document: clean text and split; `dropped` holds what was rejected."""
        return _frame(map(_plain, self._rows("documents")), *_fields(Document))

    def dropped(self) -> pd.DataFrame:
        """Return a row per thing that cleaning or a transform took out, and from which table."""
        rows = (
            {"video_id": row.video_id, "table": table, **_plain(gone)}
            for table in ("transcripts", "qa_pairs", "documents")
            for row in self._rows(table)
            for gone in row.dropped
        )
        return _frame(rows, "video_id", "table", *_fields(Dropped))

    def duplicates(self) -> pd.DataFrame:
        """Return a row per document that says nearly what an earlier one says, with that one.

        They stand in `documents()`, and neither in the token shards nor in what is exported.
        """
        found = duplicates_in(self.home, self.name, threshold_of(self.home, self.name))
        return _frame((row._asdict() for row in found.values()), *Duplicate._fields)

    def shards(self) -> pd.DataFrame:
        """Return a row per document in the current token shards: where its tokens stand."""
        from impressions_assets.gpt.manifest import ShardDocument

        rows = (
            {"file": shard.file, "split": shard.split, **_plain(document)}
            for shard in self._manifest().shards
            for document in shard.documents
        )
        return _frame(rows, "file", "split", *_fields(ShardDocument))

    def locate(self, split: str, start: int, end: int) -> pd.DataFrame:
        """Return the videos, and the seconds in them, that a range of a split's tokens came from.

        Args:
            split: `train` or `val`, whose shards count as one sequence; or a shard's file name.
            start: the first token of the range.
            end: the end of the range, exclusive.
        """
        from impressions_assets.gpt.manifest import Span, locate

        with self._shard_files(".json", ".anchors.parquet") as folder:
            spans = locate(folder, split, start, end)
        return _frame(map(_plain, spans), *_fields(Span))

    def checkpoints(self) -> pd.DataFrame:
        """Return a row per version of the model: its figures, settings and provenance."""
        rows = [
            {"version": row.version, "promoted": row.current, "made": row.created_at, **_facts(row)}
            for row in self.home.artifacts(self.name, "checkpoint")
        ]
        frame = pd.DataFrame(rows)
        return frame if rows else pd.DataFrame(columns=["version", "promoted", "made"])

    def _rows(self, table: str) -> Iterable[Any]:
        return self.home.table(table).rows(self.name)

    def _exploded(self, table: str, inner_type: type[Struct]) -> pd.DataFrame:
        """Return a row per item of the table's list, with some fields of the row around it."""
        inner, kept = LISTS[table]
        columns = [*kept, *(name for name in _fields(inner_type) if name not in kept)]
        found = (
            {**_plain(item), **{name: getattr(row, name) for name in kept}}
            for row in self._rows(table)
            for item in getattr(row, inner)
        )
        return _frame(found, *columns)

    def _manifest(self) -> "Manifest":
        from impressions_assets.gpt.manifest import read_manifest

        with self._shard_files(".json") as folder:
            return read_manifest(folder)

    @contextmanager
    def _shard_files(self, *endings: str) -> Iterator[Path]:
        """Give a folder with the files of the current shards that end so."""
        made = self.home.version(self.name, "token_shards")
        with TemporaryDirectory() as folder:
            files = [file for file in made.files if file.name.endswith(endings)]
            yield self.home.store.fetch(files, Path(folder))


def open_channel(name: str, storage: str | None = None) -> ChannelReader:
    """Open a channel for reading.

    Args:
        name: the channel.
        storage: the storage root, a folder or an address such as gs://bucket/prefix; when not
            given, the one that IMPRESSIONS_STORAGE or IMPRESSIONS_HOME name.

    Raises:
        NothingToDo: nothing of this channel was made yet.
    """
    home = Home(storage or load_settings().storage)
    known = home.table("videos").channels()
    if name not in known:
        raise NothingToDo(
            f"channel {name!r} has no videos in {home.root} (there: {', '.join(known) or 'none'}): "
            f"run `impressions materialize {name}`"
        )
    return ChannelReader(home, name)


def _frame(rows: Iterable[dict[str, Any]], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns))


def _plain(row: Struct) -> dict[str, Any]:
    """Return all fields as plain values, those that have their default as well."""
    return {name: _plain_value(getattr(row, name)) for name in row.__struct_fields__}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Struct):
        return _plain(value)
    return [_plain_value(item) for item in value] if isinstance(value, tuple) else value


def _fields(row: type[Struct]) -> tuple[str, ...]:
    return row.__struct_fields__


def _facts(row: Artifact) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.json.decode(row.facts)
    return facts
