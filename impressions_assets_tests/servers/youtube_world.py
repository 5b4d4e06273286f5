"""A YouTube of our own: channels, playlists, videos and captions that change between two calls.

What it answers over HTTP is `youtube.py`'s work. All ids and words are made up here.
"""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Live = Literal["none", "upcoming", "live", "ended"]
Privacy = Literal["public", "unlisted", "private", "deleted"]
Watch = Literal["ok", "disabled", "age", "unplayable", "po_token"]

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class CaptionTrack:
    """Captions in one language; `cues` are (start seconds, length seconds, text)."""

    language: str = "en"
    is_automatic: bool = False
    cues: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True)
class Clip:
    """A video as YouTube knows it."""

    video_id: str
    channel_id: str
    title: str
    published: datetime
    description: str = ""
    duration_seconds: int = 600
    tags: tuple[str, ...] = ()
    language: str | None = "en"
    license: Literal["youtube", "creativeCommon"] = "youtube"
    privacy: Privacy = "public"
    live: Live = "none"
    starts: datetime | None = None
    updated: datetime = START
    chapters: tuple[tuple[float, str], ...] = ()
    tracks: tuple[CaptionTrack, ...] = ()
    translatable: bool = True
    watch: Watch = "ok"
    is_short: bool = False
    sound: bytes = b""
    """A file of MPEG-4 with its sound alone."""

    @property
    def is_listed(self) -> bool:
        """Whether the channel's pages and its feed show it."""
        return self.privacy == "public"


@dataclass(frozen=True)
class Owner:
    """A channel."""

    channel_id: str
    handle: str
    title: str
    user: str | None = None
    custom: str | None = None

    @property
    def uploads(self) -> str:
        """The playlist that holds all its public videos."""
        return "UU" + self.channel_id[2:]


@dataclass
class Playlist:
    """Videos of any channels in an order that its owner chose."""

    playlist_id: str
    title: str
    video_ids: list[str] = field(default_factory=list)
    privacy: Privacy = "public"


class World:
    """All of it. Change it between requests; one lock makes each change whole."""

    def __init__(self) -> None:
        self.owners: dict[str, Owner] = {}
        self.clips: dict[str, Clip] = {}
        self.playlists: dict[str, Playlist] = {}
        self.now = START
        self.lock = threading.RLock()

    def open_channel(self, handle: str, title: str = "", **more: Any) -> Owner:
        """Add a channel; its id follows from its handle."""
        channel_id = "UC" + _made_up(handle, 22)
        owner = Owner(channel_id, handle, title or handle.title(), **more)
        with self.lock:
            self.owners[channel_id] = owner
        return owner

    def upload(self, owner: Owner, title: str, **more: Any) -> Clip:
        """Add a video a minute after the last thing that happened, with English captions."""
        with self.lock:
            self.now += timedelta(minutes=1)
            video_id = _made_up(f"{owner.handle}/{title}/{len(self.clips)}", 11)
            more.setdefault("published", self.now)
            more.setdefault("tracks", (CaptionTrack(cues=cues_of(title)),))
            clip = Clip(video_id, owner.channel_id, title, updated=self.now, **more)
            self.clips[video_id] = clip
        return clip

    def uploads(self, owner: Owner, number: int, **more: Any) -> list[Clip]:
        """Add many videos."""
        return [self.upload(owner, f"Talk number {n}", **more) for n in range(number)]

    def edit(self, clip: Clip, **changes: Any) -> Clip:
        """Change a video: its title, description, privacy, live state, captions."""
        with self.lock:
            self.now += timedelta(minutes=1)
            changed = replace(self.clips[clip.video_id], updated=self.now, **changes)
            self.clips[clip.video_id] = changed
        return changed

    def make_playlist(self, title: str, clips: Iterable[Clip], **more: Any) -> Playlist:
        """Add a playlist."""
        playlist = Playlist(
            "PL" + _made_up(title, 32), title, [clip.video_id for clip in clips], **more
        )
        with self.lock:
            self.playlists[playlist.playlist_id] = playlist
        return playlist

    def clips_of(self, playlist_id: str) -> list[Clip] | None:
        """Return a playlist's videos in its order (uploads: newest first), None when it is not.

        What is private or deleted stands in a playlist still, as in the real one; uploads hold
        what is public alone.
        """
        with self.lock:
            for owner in self.owners.values():
                if owner.uploads == playlist_id:
                    ours = [c for c in self.clips.values() if c.channel_id == owner.channel_id]
                    listed = [clip for clip in ours if clip.is_listed]
                    return sorted(listed, key=lambda clip: clip.published, reverse=True)
            playlist = self.playlists.get(playlist_id)
            if playlist is None or playlist.privacy in ("private", "deleted"):
                return None
            return [self.clips[video_id] for video_id in playlist.video_ids]


def cues_of(title: str, number: int = 12) -> tuple[tuple[float, float, str], ...]:
    """Make some cues that say something of the title, and end as sentences do."""
    words = title.lower()
    return tuple(
        (n * 4.0, 4.0, f"This is sentence {n} of {words}, and it says what comes after {n}.")
        for n in range(number)
    )


def _made_up(seed: str, length: int) -> str:
    """An id in YouTube's alphabet, always the same for the same seed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    digest = hashlib.sha512(seed.encode()).digest()
    return "".join(alphabet[byte % 64] for byte in digest[:length])
