"""What every way of listing YouTube can do: pages of ids, videos by their ids, one row from each.

Two ways exist, the Data API (`api.py`) and pages without a key (`keyless.py`); the rules of what is
asked when stand in `source.py` and are the same for both.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets.errors import SourceBroken, SourceError
from impressions_assets.rows import Status, Video

PlaceKind = Literal["channel", "playlist", "video"]


class Place(Struct, frozen=True):
    """Where a link leads: a channel (UC…), a playlist (PL…) or one video."""

    kind: PlaceKind
    id: str

    @property
    def playlist_id(self) -> str:
        """The playlist to list; a channel's uploads are one, by an id that follows from its own."""
        return f"UU{self.id[2:]}" if self.kind == "channel" else self.id


def place_by_id(link: YouTubeLink) -> Place | None:
    """Where a link leads, when its id says so."""
    if link.kind in ("channel", "playlist", "video"):
        return Place(link.kind, link.id)
    return None


class Page(Struct, frozen=True):
    """A page of a playlist, in its order."""

    ids: tuple[str, ...]
    next_token: str | None = None
    etag: str = ""
    gone: dict[str, Status] = {}
    """Those that the playlist shows no more than a grey tile of."""
    oldest: str | None = None
    """ISO time of the oldest publication, where it is told."""
    titles: dict[str, str] = {}
    """Where they are told, and asking for every video would be too much."""


class Answer(Struct, frozen=True):
    """What is told of some videos."""

    items: dict[str, bytes]
    """JSON as received."""
    gone: dict[str, Status] = {}
    errors: dict[str, SourceError] = {}
    etag: str = ""

    @property
    def ids(self) -> set[str]:
        """Those of which anything is told."""
        return {*self.items, *self.gone, *self.errors}


class Told(Struct, frozen=True):
    """What an item says: the row, and what the rules of listing must know beside it."""

    video: Video
    channel_id: str = ""
    is_public: bool = True
    """Whether anybody who looks for it finds it."""
    is_short: bool | None = None
    """None where the item does not tell."""
    starts: datetime | None = None
    """When a stream that is to come begins."""


class StaleToken(SourceBroken):
    """A token of a page counts no more: begin at the first page."""


class Lister(Protocol):
    """A way to list. What answers "unchanged" to an ETag gives None.

    All methods raise SourceUnreachable, SourceRefused, or SourcePaused.
    """

    engine: str
    """Under this name what it received is kept."""

    costs: str
    """What listing many videos costs, for people."""

    batch_length: int
    """For how many videos to ask at once, and so how many answers a kill can lose."""

    asks_for_all: bool
    """Whether a sweep asks for every video; else for those alone whose title changed."""

    def place_of(self, link: YouTubeLink) -> Place:
        """Ask where a handle or a name leads. Raises SourceMissing when it leads nowhere."""

    def page(self, playlist_id: str, token: str = "", etag: str = "") -> Page | None:
        """Ask for a page. Raises SourceMissing when there is no such playlist, StaleToken."""

    def videos(self, ids: Sequence[str], etag: str = "") -> Answer | None:
        """Ask for videos, at most `batch_length`; some may stay without an answer."""

    def read(self, item: bytes) -> Told:
        """Read what was received. Raises SourceBroken."""
