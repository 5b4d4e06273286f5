"""What every source of videos can do, and which video ids we accept."""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Failed, Track, Video

T = TypeVar("T")
Log = Callable[[str], None]

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Forecast(Struct, frozen=True):
    """What the next listing would ask over a network."""

    requests: int = 0
    note: str = ""
    """What cannot be told before it is asked."""


class Source(Protocol):
    """Where videos come from: an archive, texts, a dataset, YouTube."""

    kind: ClassVar[str]
    """Kind of source, as `Video.source` tells it: archive, text, dataset, youtube."""

    name: str
    """What the user wrote, for messages."""

    concurrency: int = 1
    """How many calls of `offer` and `fetch` may run at once."""

    asks: str = ""
    """What `offer` asks for over a network: an answer is kept, and counts while this is the same.
    Empty where the listing knows the tracks."""

    access: str = ""
    """Names the login and the proxy that it is asked with; empty without any. What was refused to
    one may be given to another."""

    def list_videos(self) -> Iterator[Video | Failed]:
        """Stream what is there; a broken item yields Failed and the others go on.

        Raises SourceMissing when nothing is there: a failed read is never an empty list.
        """

    def known_videos(self) -> Iterator[Video | Failed]:
        """Stream what is there without asking anybody over a network."""
        return self.list_videos()

    def forecast(self) -> Forecast:
        """Say what listing would ask over a network."""
        return Forecast()

    def offer(self, video: Video) -> tuple[Track, ...]:
        """Tracks of a video that one can fetch.

        Raises NoCaptions when it has none, VideoUnavailable, NotYet, SourceUnreachable, or
        SourcePaused when nobody may ask now. Where the listing knows the tracks, nothing is asked.
        """
        return video.tracks

    def video_file(self, video: Video) -> Path | None:
        """The file of the video itself, where one is at hand."""
        return None

    def sound(self, video: Video, folder: Path, log: Log) -> Path | None:
        """A file that holds what is said in the video: one at hand, or fetched into `folder`.

        `log` is told how far a download is. None where there is none. Raises what `offer` raises,
        SourceBroken where nothing can be heard, StorageError when the disk is full.
        """
        return self.video_file(video)

    def fetch(self, video: Video, track: Track) -> bytes:
        """Bytes of a track. Raises SourceMissing, or SourceBroken when it changed meanwhile."""


def access_of(sources: Iterable[Source]) -> str:
    """Name how sources are reached: when it changes, what was refused is worth another try."""
    return " ".join(sorted({source.access for source in sources} - {""}))


def grouped(items: Iterable[T], kind_of: Callable[[T], str]) -> dict[str, list[T]]:
    """Put items together by the kind of their source, in their order."""
    groups: dict[str, list[T]] = defaultdict(list)
    for item in items:
        groups[kind_of(item)].append(item)
    return dict(groups)


def check_video_id(text: str) -> str:
    """Return `text` when it is safe as an id, in file names and addresses alike.

    Raises SourceBroken for any other: empty, longer than 128, `../../etc`, NUL bytes, spaces.
    """
    if _VIDEO_ID.fullmatch(text) and ".." not in text:
        return text
    raise SourceBroken(
        f"video id {text[:80]!r} is not allowed: use 1 to 128 letters, digits, '_', '-' or '.', "
        "not beginning with '.' and without '..'"
    )


def safe_video_id(text: str) -> str:
    """`text` when it is a valid id, else a stand-in that is always the same for the same text."""
    try:
        return check_video_id(text)
    except SourceBroken:
        return f"invalid-{short_hash(text)}"


def short_hash(text: str) -> str:
    """8 hexadecimal digits that stand for `text`; file names of any bytes are welcome."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def base_id(location: str) -> str:
    """A readable id that no other path has: `notes-on-attention-1f2e3d4c`."""
    plain = unicodedata.normalize("NFKD", PurePosixPath(location).stem).encode("ascii", "ignore")
    slug = _UNSAFE.sub("-", plain.decode()).strip("-")[:80]
    return f"{slug or 'text'}-{short_hash(location)}"


def sha256_of(data: bytes) -> str:
    """sha256 of `data` in hexadecimal, as rows keep it."""
    return hashlib.sha256(data).hexdigest()


def checked(data: bytes, track: Track, where: str) -> bytes:
    """Return `data` when it is what was listed; raises SourceBroken when it changed since."""
    if track.digest and sha256_of(data) != track.digest:
        raise SourceBroken(f"{where} changed since it was listed: run again")
    return data


def read_inside(folder: Path, location: str, name: str) -> bytes:
    """Read the file at `location` below `folder`, and nothing outside of it."""
    if Path(location).is_absolute() or ".." in Path(location).parts:
        raise SourceBroken(f"{name}: track {location!r} points outside of the source: run again")
    try:
        return (folder / location).read_bytes()
    except OSError as error:
        raise SourceMissing(
            f"{name}: cannot read {location}: {error.strerror}. Is it still there and readable?"
        ) from error
