"""Listing without a key: YouTube's own pages, read by yt-dlp.

A channel is listed by its uploads playlist, so it needs one list and not one for each tab. Each
new video costs a request of its own; nothing is ever asked for all videos again. A video is kept
as yt-dlp tells it, less the addresses of streams, images and tracks, which are good for hours, and
less counts, which change all the time.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets.errors import (
    SourceBroken,
    SourceError,
    SourceMissing,
    SourcePaused,
    SourceUnreachable,
)
from impressions_assets.rows import Status
from impressions_assets.sources.info_json import read_info, video_of
from impressions_assets.sources.youtube.lister import (
    Answer,
    Page,
    Place,
    StaleToken,
    Told,
)
from impressions_assets.sources.youtube.ytdlp import YtDlp

PAGE_LENGTH = 100
_BASE = "https://www.youtube.com"
_KEPT = (
    "id", "title", "description", "channel", "channel_id", "uploader", "uploader_id", "duration",
    "tags", "categories", "language", "license", "webpage_url", "availability", "age_limit",
    "live_status", "media_type", "chapters", "timestamp", "upload_date", "release_timestamp",
    "location", "series", "season_number", "episode_number", "artists", "album", "track",
)  # fmt: skip
_TILES: dict[str, Status] = {"[Private video]": "private", "[Deleted video]": "deleted"}
_STANDARD_LICENCE = "Standard YouTube License"
# What YouTube says in place of a video, from the narrow to the wide; the first that fits counts.
_REASONS: tuple[tuple[str, Status], ...] = (
    ("private video", "private"),
    ("members", "blocked"),
    ("confirm your age", "blocked"),
    ("inappropriate for some users", "blocked"),
    ("in your country", "blocked"),
    ("payment", "blocked"),
    ("premium", "blocked"),
    ("unavailable", "deleted"),
    ("not available", "deleted"),
    ("removed", "deleted"),
    ("terminated", "deleted"),
    ("no longer", "deleted"),
    ("does not exist", "deleted"),
)


class KeylessLister:
    """Lists by YouTube's pages. For one thread."""

    engine = "yt-dlp"
    costs = "a request for 100 videos, and another for each new one; no quota"
    batch_length = 10
    asks_for_all = False

    def __init__(self, pages: YtDlp) -> None:
        """Ask nothing yet."""
        self._pages = pages
        self._open: dict[tuple[str, str], Iterator[dict[str, Any]]] = {}

    def place_of(self, link: YouTubeLink) -> Place:
        """Ask where a handle or a name leads: a request."""
        info, _ = self._pages.extract(f"channel {link.url}", link.url)
        channel_id = info.get("channel_id")
        if not channel_id:
            raise SourceMissing(f"{link.url}: YouTube knows no such channel")
        return Place("channel", channel_id)

    def page(self, playlist_id: str, token: str = "", etag: str = "") -> Page | None:
        """Read on in a playlist; a token counts while this lister lives."""
        what = f"playlist {playlist_id}"
        if token:
            entries = self._open.pop((playlist_id, token), None)
            if entries is None:
                raise StaleToken(f"{what}: the place to go on from counts no more")
        else:
            info, _ = self._pages.extract(what, f"{_BASE}/playlist?list={playlist_id}")
            entries = iter(info.get("entries") or ())
        with self._pages.asking(what):
            found = list(islice(entries, PAGE_LENGTH))
        if len(found) < PAGE_LENGTH:
            return _page(found, None)
        next_token = str(int(token or 0) + 1)
        self._open[playlist_id, next_token] = entries
        return _page(found, next_token)

    def videos(self, ids: Sequence[str], etag: str = "") -> Answer | None:
        """Ask for videos, one by one; what stops it leaves the rest without an answer."""
        answer = Answer({}, {}, {})
        for video_id in ids:
            try:
                self._ask(video_id, answer)
            except SourcePaused:
                if not answer.ids:
                    raise
                break
            except SourceError as error:
                answer.errors[video_id] = error
        return answer

    @staticmethod
    def read(item: bytes) -> Told:
        """Read what yt-dlp told."""
        info = read_info(item)
        if info is None:
            raise SourceBroken("yt-dlp told of a playlist where a video should be")
        more = _decode(item)
        video = video_of(info)
        is_over = video.live in ("none", "ended")
        license_name = None if video.license == _STANDARD_LICENCE else video.license
        return Told(
            video=msgspec.structs.replace(
                video,
                source="youtube",
                license=license_name,
                url=f"{_BASE}/watch?v={video.video_id}",
                duration_seconds=video.duration_seconds or None if is_over else None,
            ),
            channel_id=more.channel_id or "",
            is_public=more.availability != "unlisted",
            is_short=more.media_type == "short",
            starts=_time(more.release_timestamp),
        )

    def _ask(self, video_id: str, answer: Answer) -> None:
        what = f"video {video_id}"
        try:
            info, said = self._pages.extract(what, f"{_BASE}/watch?v={video_id}")
        except SourceMissing:
            answer.gone[video_id] = "deleted"
            return
        if info.get("title"):
            answer.items[video_id] = _item(info)
            return
        status = next((status for words, status in _REASONS if words in said.lower()), None)
        if status is None:
            raise SourceUnreachable(f"{what}: its page tells no title; it is tried again")
        answer.gone[video_id] = status


class _More(msgspec.Struct):
    channel_id: str | None = None
    availability: str | None = None
    media_type: str | None = None
    release_timestamp: float | None = None


_decode = msgspec.json.Decoder(_More).decode


def _item(info: dict[str, Any]) -> bytes:
    """What is worth keeping; the language of the recognized captions is that of the speech."""
    told = {name: info[name] for name in _KEPT if info.get(name) is not None}
    tracks = info.get("automatic_captions") or {}
    spoken = next((name for name in tracks if name.endswith("-orig")), None)
    if spoken:
        told["language"] = spoken.removesuffix("-orig")
    return msgspec.json.encode(told)


def _page(entries: list[dict[str, Any]], next_token: str | None) -> Page:
    titles = {entry["id"]: entry.get("title") or "" for entry in entries if entry.get("id")}
    gone = {video_id: _TILES[title] for video_id, title in titles.items() if title in _TILES}
    told = {v: " ".join(title.split()) for v, title in titles.items() if title and v not in gone}
    return Page(tuple(titles), next_token, gone=gone, titles=told)


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
