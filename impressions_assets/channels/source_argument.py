"""What `impressions add SOURCE` means: a word of the command line becomes a source."""

import errno
import re
import unicodedata
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from impressions_assets.channels.channel import (
    ArchiveSource,
    DatasetSource,
    SourceSpec,
    TextSource,
    YouTubeSource,
)
from impressions_assets.channels.problems import problems_of
from impressions_assets.channels.youtube_links import parse_link
from impressions_assets.errors import ConfigError

ACCEPTED = """a source is one of
  a link to a channel, a playlist or a video on YouTube, the bare id of one, or @HANDLE
  a folder that yt-dlp wrote (it holds *.info.json)
  a file or a folder of plain text or JSON documents
  a folder that holds a Hugging Face dataset (Parquet, or save_to_disk)
  hf:NAME, a dataset on the Hugging Face hub, e.g. hf:roneneldan/TinyStories"""

_YOUTUBE = re.compile(
    r"(https?://)?([\w-]+\.)?(youtube\.com|youtube-nocookie\.com|youtu\.be)(/|$)|@", re.I
)
_DATASET_FILES = ("dataset_info.json", "dataset_dict.json", "state.json")


def source_of(argument: str) -> SourceSpec:
    """Find out what an argument names; `ConfigError` says what would be accepted.

    What lies on disk goes before a bare id or an @handle of the same spelling.
    """
    scheme, colon, rest = argument.partition(":")
    if colon and scheme in ("hf", "dataset"):
        return _made(DatasetSource, rest, argument)
    if _exists(argument):
        return _source_at(Path(argument).expanduser().absolute(), argument)
    try:
        return YouTubeSource(youtube=parse_link(argument).url)
    except ConfigError:
        if _YOUTUBE.match(argument.strip()):
            raise
    if "://" in argument:
        raise ConfigError(f"{argument!r} is an address that cannot be read; {ACCEPTED}")
    raise ConfigError(f"{argument!r} is no file or folder in {Path.cwd()}; {ACCEPTED}")


def suggest_name(source: SourceSpec) -> str:
    """A channel's name for a source: its handle or id, or the last part of its place."""
    if isinstance(source, YouTubeSource):
        name = parse_link(source.youtube).id
        # Two channels without a Latin letter must not be taken for one.
        return _plain(name) or f"channel-{sha256(name.encode()).hexdigest()[:8]}"
    place = str(next(iter(source.model_dump().values())))
    last = re.split(r"[/\\]", place.rstrip("/\\"))[-1]
    return _plain(last.rsplit(".", 1)[0] or last) or "channel"


def _plain(text: str) -> str:
    """What is left of a text in a channel's name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:63].rstrip("-_")


def _exists(argument: str) -> bool:
    if not argument.strip() or "\0" in argument:
        return False
    try:
        return Path(argument).expanduser().exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:  # a link may be longer than a name can be
            raise
        return False


def _source_at(path: Path, argument: str) -> SourceSpec:
    if path.is_dir():
        return _made(_kind_of_folder(path, argument), str(path), argument)
    if path.name.endswith((".info.json", ".parquet")):
        raise ConfigError(f"{argument!r} is one file of many; name its folder: {path.parent}")
    return _made(TextSource, str(path), argument)


def _kind_of_folder(folder: Path, argument: str) -> type[SourceSpec]:
    if next(folder.rglob("*.info.json"), None):
        return ArchiveSource
    if any((folder / name).is_file() for name in _DATASET_FILES):
        return DatasetSource
    if next(folder.rglob("*.parquet"), None):
        return DatasetSource
    if not any(item.is_file() for item in folder.rglob("*")):
        raise ConfigError(f"the folder {argument!r} holds no file; {ACCEPTED}")
    return TextSource


def _made(kind: type[SourceSpec], place: str, argument: str) -> SourceSpec:
    if kind is DatasetSource and _exists(place):
        place = str(Path(place).expanduser().absolute())
    try:
        return kind.model_validate({kind.kind: place})
    except ValidationError as error:
        reasons = "; ".join(message for _, message in problems_of(error))
        raise ConfigError(f"{argument!r} cannot be a source: {reasons}") from error
