"""What is known of one YouTube link since the last look, kept among the raw captures.

The state of the listing is one capture of the link, and each video is one of its own, as it was
received; other links that list the same video share it. Both are kept in the same commit, so that
a kill at any moment neither loses an answer that was paid for nor takes it for one that is due.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from impressions_assets.rows import Status
from impressions_assets.sources.youtube.feed import News
from impressions_assets.sources.youtube.lister import Page, Place
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.records import Capture

_STATE = "listing/state"
_VIDEO = "listing/video"
_FRESH = timedelta(days=1)


class Waiting(Struct, frozen=True):
    """A video to ask for again, and why."""

    until: str
    why: str
    count: int = 0
    """How often it was asked for in vain."""


class Undecided(Struct, frozen=True):
    """A video that may be a Short: of which channel, and published when."""

    channel_id: str
    published: str


class WalkedPage(Struct, frozen=True):
    """A page of the playlist and the token that asks for it."""

    token: str
    page: Page


class State(Struct, omit_defaults=True):
    """What is known of the videos of a link, and what is still to be done."""

    place: Place
    ids: list[str] = []
    """All videos, in the playlist's order; those that are gone may stand last."""
    gone: dict[str, Status] = {}
    is_whole: bool = False
    """The list came to its end once."""
    news: News = News()
    due: list[str] = []
    """To be asked for now."""
    lost: list[str] = []
    """Those of `due` that the playlist or the feed does not show any more."""
    waiting: dict[str, Waiting] = {}
    undecided: dict[str, Undecided] = {}
    short_tokens: dict[str, str] = {}
    is_behind: bool = False
    """More came than the feed holds, and the playlist's top was not read yet."""
    pages: list[WalkedPage] = []
    """Of the last walk through the whole playlist."""
    walk: list[WalkedPage] | None = None
    """Of one under way."""
    is_sweep: bool = False
    """The walk under way is followed by asking for every video."""
    num_swept: int | None = None
    """How many batches of a sweep under way are done."""
    etags: dict[str, str] = {}
    """Of the batches of the last sweep, by the digest of their ids."""


class KeptVideo(Struct, frozen=True):
    """A video as it was received, and what that does not tell."""

    item: msgspec.Raw
    is_short: bool = False


_read_state = msgspec.json.Decoder(State).decode
_read_video = msgspec.json.Decoder(KeptVideo).decode


class Memory:
    """The memory of one link. Changes of `state` and new videos are kept by `flush`."""

    def __init__(self, raw: Raw, engine: str, place: Place, now: Callable[[], datetime]) -> None:
        """Read the state; of a link that was never listed it is an empty one."""
        self._raw, self._engine, self._key, self._now = raw, engine, f"listing:{place.id}", now
        self._pending: dict[str, KeptVideo] = {}
        kept = raw.kept([self._key], _STATE, engine).get(self._key)
        self._flushed = kept.body if kept else b""
        self.state = _read_state(kept.body) if kept else State(place)

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever kept of the link."""
        return not self._flushed

    def videos(self, ids: Iterable[str], *, fresh: bool = False) -> dict[str, KeptVideo]:
        """Return what is kept of some videos; with `fresh`, only what came within a day."""
        since = (self._now() - _FRESH).isoformat() if fresh else ""
        captures = self._raw.kept(ids, _VIDEO, self._engine).values()
        return {c.video_id: _read_video(c.body) for c in captures if c.fetched_at >= since}

    def add(self, video_id: str, video: KeptVideo) -> None:
        """Keep a video with the next flush."""
        self._pending[video_id] = video

    def flush(self) -> None:
        """Keep in one commit what changed; without a change, none is made."""
        captures = [
            self._capture(video_id, _VIDEO, msgspec.json.encode(video))
            for video_id, video in self._pending.items()
        ]
        body = msgspec.json.encode(self.state)
        if body != self._flushed:
            captures.append(self._capture(self._key, _STATE, body))
        if captures:
            self._raw.keep(captures)
        self._pending, self._flushed = {}, body

    def _capture(self, key: str, kind: str, body: bytes) -> Capture:
        return listing_capture(key, kind, self._engine, body, self._now())


def listing_capture(key: str, kind: str, engine: str, body: bytes, now: datetime) -> Capture:
    """Return what keeps a piece of a listing."""
    return Capture(
        video_id=key,
        kind=kind,
        language="und",
        engine=engine,
        body=body,
        revision="",
        fetched_at=now.isoformat(timespec="seconds"),
    )
