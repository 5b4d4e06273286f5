"""The Atom feed: a channel's 15 newest videos, or a playlist's first 15 in its own order.

A change of views changes the real feed's ETag although nothing else changed; here `Last-Modified`
is the time of the last change of any listed video.
"""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from impressions_assets_tests.servers.youtube import Answer, Request, Routes, YouTube
from impressions_assets_tests.servers.youtube_world import START, Clip, World

_ENTRIES = 15
_NAMES = (
    'xmlns:yt="http://www.youtube.com/xml/schemas/2015" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns="http://www.w3.org/2005/Atom"'
)


def _feed(youtube: YouTube, request: Request) -> Answer:
    with youtube.world.lock:
        found = _found(youtube.world, request)
        if found is None:
            page = b"<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title></html>"
            return Answer(404, page, {"Content-Type": "text/html; charset=UTF-8"})
        title, clips = found
        body = _atom(youtube.world, request, title, clips).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    changed = max((clip.updated for clip in clips), default=START)
    headers = {"ETag": etag, "Last-Modified": format_datetime(changed, usegmt=True)}
    if request.headers.get("if-none-match") == etag:
        return Answer(304, headers=headers)
    return Answer(200, body, headers | {"Content-Type": "text/xml; charset=UTF-8"})


def _found(world: World, request: Request) -> tuple[str, list[Clip]] | None:
    owner = world.owners.get(request.query.get("channel_id", ""))
    playlist = world.playlists.get(request.query.get("playlist_id", ""))
    if owner:
        return owner.title, (world.clips_of(owner.uploads) or [])[:_ENTRIES]
    clips = world.clips_of(playlist.playlist_id) if playlist else None
    if playlist is None or clips is None:
        return None
    return playlist.title, [c for c in clips if c.privacy in ("public", "unlisted")][:_ENTRIES]


def _atom(world: World, request: Request, title: str, clips: list[Clip]) -> str:
    asked = "&".join(f"{name}={value}" for name, value in request.query.items())
    entries = "".join(_entry(world, clip) for clip in clips)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed {_NAMES}>\n'
        f' <link rel="self" href={quoteattr(f"http://www.youtube.com/feeds/videos.xml?{asked}")}/>'
        f"\n <title>{escape(title)}</title>\n{entries}</feed>\n"
    )


def _entry(world: World, clip: Clip) -> str:
    page = f"shorts/{clip.video_id}" if clip.is_short else f"watch?v={clip.video_id}"
    return (
        f" <entry>\n  <id>yt:video:{clip.video_id}</id>\n"
        f"  <yt:videoId>{clip.video_id}</yt:videoId>\n"
        f"  <yt:channelId>{clip.channel_id}</yt:channelId>\n"
        f"  <title>{escape(clip.title)}</title>\n"
        f'  <link rel="alternate" href="https://www.youtube.com/{page}"/>\n'
        f"  <author><name>{escape(world.owners[clip.channel_id].title)}</name></author>\n"
        f"  <published>{_time(clip.published)}</published>\n"
        f"  <updated>{_time(clip.updated)}</updated>\n"
        f"  <media:group>\n   <media:title>{escape(clip.title)}</media:title>\n"
        f"   <media:description>{escape(clip.description)}</media:description>\n"
        "  </media:group>\n </entry>\n"
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


ROUTES: Routes = {("GET", "/feeds/videos.xml"): _feed}
