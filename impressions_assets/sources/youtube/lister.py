"""What every way of listing YouTube can do: pages of ids, videos by their ids, one row from each.

Two ways exist, the Data API (`api.py`) and pages without a key (`keyless.py`); the rules of what is
asked when stand in `source.py` and are the same for both.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from impressions_assets.errors import SourceBroken, SourceError
from impressions_assets.rows import Status, Video

PlaceKind = Literal["channel", "playlist", "video"]


class Link(Protocol):
    """What the user named: a channel, handle, user, custom name, playlist or video, and its id."""

    @property
    def kind(self) -> str:
        """channel, handle, user, custom, playlist or video."""

    @property
    def id(self) -> str:
        """The id, the handle without its @, or the name."""

    @property
    def url(self) -> str:
        """The one address of it."""


class Place(Struct, frozen=True):
    """Where a link leads: a channel (UC…), a playlist (PL…) or one video."""

    kind: PlaceKind
    id: str

    @property
    def playlist_id(self) -> str:
        """The playlist to list; a channel's uploads are one, by an id that follows from its own."""
        return f"UU{self.id[2:]}" if self.kind == "channel" else self.id


class Page(Struct, frozen=True):
    """A page of a playlist, in its order."""

    ids: tuple[str, ...]
    next_token: str | None = None
    etag: str = ""
    gone: dict[str, Status] = {}
    """Those that the playlist shows no more than a grey tile of."""
    oldest: str | None = None
    """ISO time of the oldest publication, where it is told."""


class Answer(Struct, frozen=True):
    """What is told of some videos: each is in one of the three."""

    items: dict[str, bytes]
    """JSON as received."""
    gone: dict[str, Status] = {}
    errors: dict[str, SourceError] = {}
    etag: str = ""


class Told(Struct, frozen=True):
    """What an item says: the row, and what the rules of listing must know beside it."""

    video: Video
    channel_id: str = ""
    is_public: bool = True
    """Whether anybody who looks for it finds it."""
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

    def place_of(self, link: Link) -> Place:
        """Find where a link leads. Raises SourceMissing when it leads nowhere."""

    def page(self, playlist_id: str, token: str = "", etag: str = "") -> Page | None:
        """Ask for a page. Raises SourceMissing when there is no such playlist, StaleToken."""

    def videos(self, ids: Sequence[str], etag: str = "") -> Answer | None:
        """Ask for videos, at most 50."""

    def read(self, item: bytes) -> Told:
        """Read what was received. Raises SourceBroken."""
