"""What leaves the house: a channel in the formats that other tools read.

A format is a function that writes a channel into a folder and returns the files. Other packages
add theirs as entry points of the group `impressions.export`:

    [project.entry-points."impressions.export"]
    epub = "my_package.epub:write"
"""

import json
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pandas as pd

from impressions_assets.errors import ConfigError, NothingToDo, StorageError
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import PUBLISHED, Segment, Transcript

GROUP = "impressions.export"

Format = Callable[[ChannelReader, Path], list[Path]]


def export(channel: ChannelReader, name: str, folder: Path) -> list[Path]:
    """Write a channel in a format into a folder; return the files.

    Raises:
        ConfigError: there is no such format.
        NothingToDo: the channel has nothing to write in this format.
    """
    write = formats().get(name)
    if write is None:
        raise ConfigError(f"there is no format {name!r}; there are: {', '.join(formats())}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = write(channel, folder)
    except OSError as error:
        raise StorageError(f"exporting {channel.name!r} to {folder} failed: {error}") from error
    if not files:
        raise NothingToDo(f"channel {channel.name!r} has nothing to write as {name}")
    return files


def formats() -> Mapping[str, Format]:
    """Return every format by its name: ours, and those of other packages."""
    return _OURS | {point.name: point.load() for point in entry_points(group=GROUP)}


def parquet(channel: ChannelReader, folder: Path) -> list[Path]:
    """A Parquet file per table."""
    return _tables(channel, folder, "parquet", lambda f, p: f.to_parquet(p, index=False))


def csv(channel: ChannelReader, folder: Path) -> list[Path]:
    """A CSV file per table; lists are written as JSON."""
    return _tables(channel, folder, "csv", lambda f, p: _flat(f).to_csv(p, index=False))


def jsonl(channel: ChannelReader, folder: Path) -> list[Path]:
    """A file per table with a JSON object on each line."""

    def write(frame: pd.DataFrame, path: Path) -> None:
        frame.to_json(path, orient="records", lines=True, force_ascii=False)

    return _tables(channel, folder, "jsonl", write)


def markdown(channel: ChannelReader, folder: Path) -> list[Path]:
    """An article per video."""
    pages = channel.articles()
    texts = zip(pages["video_id"], pages["markdown"], strict=True)
    return [_text(folder, f"{_safe(i)}.md", text) for i, text in texts if text]


def text(channel: ChannelReader, folder: Path) -> list[Path]:
    """A document per video: the clean text that models learn from."""
    pages = channel.documents()
    texts = zip(pages["video_id"], pages["text"], strict=True)
    return [_text(folder, f"{_safe(i)}.txt", text) for i, text in texts if text]


def vtt(channel: ChannelReader, folder: Path) -> list[Path]:
    """A caption file per video with timed speech."""
    return [
        _text(folder, f"{_safe(row.video_id)}.{row.language}.vtt", vtt_of(row))
        for row in channel.home.table("transcripts").rows(channel.name)
        if row.is_timed and row.segments
    ]


def nanogpt(channel: ChannelReader, folder: Path) -> list[Path]:
    """The files train.bin and val.bin as nanoGPT reads them, and meta.json."""
    from impressions_assets.gpt.manifest import read_manifest
    from impressions_assets.gpt.shards import write_nanogpt

    made = channel.home.version(channel.name, "token_shards")
    with tempfile.TemporaryDirectory() as scratch:
        shards = channel.home.store.fetch(made.files, Path(scratch))
        write_nanogpt(shards, read_manifest(shards), folder)
    names = ("train.bin", "val.bin", "meta.json")  # without validation text there is no val.bin
    return [folder / name for name in names if (folder / name).exists()]


def vtt_of(transcript: Transcript) -> str:
    """Return a transcript as WebVTT, with its speakers as voices."""
    return "\n\n".join(["WEBVTT", *map(_cue, transcript.segments)]) + "\n"


def _cue(segment: Segment) -> str:
    words = segment.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    voice = f"<v {re.sub('[<>&]', '', segment.speaker)}>" if segment.speaker else ""
    return f"{_clock(segment.start_seconds)} --> {_clock(segment.end_seconds)}\n{voice}{words}"


def _clock(seconds: float) -> str:
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}.{ms % 1000:03}"


def _tables(
    channel: ChannelReader, folder: Path, suffix: str, write: Callable[[pd.DataFrame, Path], None]
) -> list[Path]:
    written = []
    for table in PUBLISHED:
        frame = getattr(channel, table)()
        with _published(folder / f"{table}.{suffix}") as path:
            write(frame, path)
        written.append(folder / f"{table}.{suffix}")
    return written


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with lists and objects as JSON."""

    def plain(value: Any) -> Any:
        nested = isinstance(value, list | dict)
        return json.dumps(value, ensure_ascii=False) if nested else value

    return frame.map(plain)


def _text(folder: Path, name: str, content: str) -> Path:
    with _published(folder / name) as path:
        path.write_text(content, encoding="utf-8", newline="\n")
    return folder / name


def _safe(video_id: str) -> str:
    """Return a file's name for a video: its id, unless that is no good name."""
    if re.fullmatch(r"[\w-][\w.-]{0,99}", video_id):
        return video_id
    plain = re.sub(r"[^\w-]+", "-", video_id).strip("-")[:60]
    return f"{plain or 'video'}-{sha256(video_id.encode()).hexdigest()[:8]}"


@contextmanager
def _published(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes its name when all of it was written."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


_OURS: dict[str, Format] = {
    write.__name__: write for write in (parquet, csv, jsonl, markdown, vtt, text, nanogpt)
}
