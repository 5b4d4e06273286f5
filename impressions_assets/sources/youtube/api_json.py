"""The Data API's video resource becomes a Video.

Fields: https://developers.google.com/youtube/v3/docs/videos. The API tells no chapters; those in a
description are read later, from the description.
"""

import re
from datetime import datetime

import msgspec
from msgspec import Struct, field

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Live, Status, Video
from impressions_assets.sources.info_json import text_of
from impressions_assets.sources.source import check_video_id
from impressions_assets.sources.youtube.lister import Told

# What yt-dlp reads on the page of a video under this licence; the standard one has no name there.
CREATIVE_COMMONS = "Creative Commons Attribution license (reuse allowed)"
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_SECONDS = (604800, 86400, 3600, 60, 1)


class Snippet(Struct, rename="camel"):
    """What the uploader wrote."""

    published_at: str = ""
    channel_id: str = ""
    title: str = ""
    description: str = ""
    channel_title: str = ""
    tags: list[str] = []
    live_broadcast_content: str = "none"
    default_audio_language: str | None = None


class Rating(Struct, rename="camel"):
    """For whom it is."""

    yt_rating: str = ""


class ContentDetails(Struct, rename="camel"):
    """What the video is."""

    duration: str = ""
    content_rating: Rating = field(default_factory=Rating)


class VideoStatus(Struct, rename="camel"):
    """Who may see it."""

    privacy_status: str = "public"
    license: str = "youtube"


class LiveDetails(Struct, rename="camel"):
    """When a stream is, was or will be."""

    scheduled_start_time: str | None = None
    actual_end_time: str | None = None


class Resource(Struct):
    """The fields that we read; the rest is skipped without decoding."""

    id: str
    snippet: Snippet = field(default_factory=Snippet)
    details: ContentDetails = field(default_factory=ContentDetails, name="contentDetails")
    status: VideoStatus = field(default_factory=VideoStatus)
    live: LiveDetails | None = field(default=None, name="liveStreamingDetails")


_decoder = msgspec.json.Decoder(Resource)


def read_resource(item: bytes) -> Told:
    """Decode a video resource. Raises SourceBroken when it is none."""
    try:
        found = _decoder.decode(item)
    except msgspec.DecodeError as error:
        raise SourceBroken(f"the Data API told of a video in an unknown way ({error})") from error
    return Told(
        video=_video(found),
        channel_id=found.snippet.channel_id,
        is_public=found.status.privacy_status == "public",
        starts=_starts(found.live),
    )


def _video(found: Resource) -> Video:
    """Make a Video; whether it is a Short stands elsewhere."""
    snippet, live = found.snippet, _live(found)
    return Video(
        video_id=check_video_id(found.id),
        source="youtube",
        title=" ".join(text_of(snippet.title).split()),
        channel_title=text_of(snippet.channel_title),
        description=text_of(snippet.description),
        published=_time(snippet.published_at),
        duration_seconds=duration_seconds(found.details.duration),
        tags=tuple(filter(None, map(text_of, snippet.tags))),
        language=snippet.default_audio_language,
        license=CREATIVE_COMMONS if found.status.license == "creativeCommon" else None,
        url=f"https://www.youtube.com/watch?v={found.id}",
        status=_status(found, live),
        live=live,
    )


def duration_seconds(text: str) -> float | None:
    """Read an ISO 8601 duration; None for `P0D`, which stands for a stream that has not ended."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    numbers = (float(number or 0) for number in found.groups())
    return sum(n * size for n, size in zip(numbers, _SECONDS, strict=True)) or None


def _live(found: Resource) -> Live:
    now = found.snippet.live_broadcast_content
    if now == "upcoming":
        return "upcoming"
    if now == "live":
        return "live"
    return "none" if found.live is None else "ended"


def _status(found: Resource, live: Live) -> Status:
    if live in ("upcoming", "live"):
        return "live"
    if found.status.privacy_status == "private":
        return "private"
    return "blocked" if found.details.content_rating.yt_rating == "ytAgeRestricted" else "ok"


def _starts(live: LiveDetails | None) -> datetime | None:
    try:
        return datetime.fromisoformat((live and live.scheduled_start_time) or "")
    except ValueError:
        return None


def _time(text: str) -> str | None:
    """To the second, as yt-dlp tells it; old answers have milliseconds."""
    return f"{text[:19]}Z" if len(text) >= 20 else None
