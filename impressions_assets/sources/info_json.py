"""yt-dlp's info.json becomes a Video. Any field may be missing, null, or of another type.

Real archives hold `tags` and `chapters` as strings with a Python list in them, durations as
strings, and years without a date. What cannot be understood is left out; only an unreadable file
and a wrong id are errors. Fields: https://github.com/yt-dlp/yt-dlp#output-template
"""

import ast
import math
import re
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Chapter, Live, Status, Video
from impressions_assets.sources.source import check_video_id

_FILLER = re.compile(r"<Untitled Chapter \d+>")
_SHORT_SECONDS = 180
_STATUS_OF: dict[str, Status] = {
    "private": "private",
    "needs_auth": "blocked",
    "premium_only": "blocked",
    "subscriber_only": "blocked",
}


class Info(Struct):
    """The fields that we read; the rest (formats, thumbnails, …) is skipped without decoding."""

    id: Any = None
    title: Any = None
    channel: Any = None
    uploader: Any = None
    description: Any = None
    timestamp: Any = None
    upload_date: Any = None
    release_date: Any = None
    release_year: Any = None
    duration: Any = None
    tags: Any = None
    chapters: Any = None
    language: Any = None
    license: Any = None
    webpage_url: Any = None
    original_url: Any = None
    availability: Any = None
    live_status: Any = None
    was_live: Any = None
    is_live: Any = None
    width: Any = None
    height: Any = None
    kind: Any = msgspec.field(name="_type", default=None)
    subtitles: Raw = Raw()
    automatic_captions: Raw = Raw()


_decoder = msgspec.json.Decoder(Info)


def read_info(data: bytes) -> Info | None:
    """Decode an info.json; None for a playlist's. Raises SourceBroken when it is cut or broken."""
    try:
        info = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceBroken(f"not valid JSON ({error}): the file is cut short or damaged") from error
    return None if info.kind in ("playlist", "multi_video") else info


def video_of(info: Info) -> Video:
    """Make a Video without tracks. Raises SourceBroken when its id is missing or not allowed."""
    if info.id is None:
        raise SourceBroken("it has no `id`: was it written by yt-dlp?")
    duration = _number(info.duration)
    url = text_of(info.webpage_url) or text_of(info.original_url)
    return Video(
        video_id=check_video_id(str(info.id)),
        source="archive",
        title=" ".join(text_of(info.title).split()),
        channel_title=text_of(info.channel) or text_of(info.uploader),
        description=text_of(info.description),
        published=_published(info),
        duration_seconds=duration,
        tags=tuple(filter(None, map(text_of, _list(info.tags)))),
        language=text_of(info.language) or None,
        license=text_of(info.license) or None,
        url=url,
        status=_status(info),
        is_short=_is_short(info, duration),
        live=_live(info),
        chapters=_chapters(info.chapters),
    )


def text_of(value: object) -> str:
    """The string without what no table can hold: NUL, and halves of characters."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\0" not in value:
        return value
    return value.replace("\0", "").encode("utf-8", "ignore").decode()


def _published(info: Info) -> str | None:
    """ISO 8601, as exact as is known: date-time, date, or a year alone (`2017`)."""
    seconds = _number(info.timestamp)
    if seconds is not None and 0 < seconds < 32503680000:  # year 3000
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for day in (info.upload_date, info.release_date):
        try:
            return date.fromisoformat(str(day)).isoformat()
        except ValueError:
            continue
    year = _number(info.release_year)
    return f"{int(year):04}" if year and 1900 < year < 3000 else None


def _status(info: Info) -> Status:
    if _live(info) in ("upcoming", "live"):
        return "live"
    return _STATUS_OF.get(text_of(info.availability), "ok")


def _live(info: Info) -> Live:
    if info.live_status == "is_upcoming":
        return "upcoming"
    if info.live_status == "is_live" or info.is_live is True:
        return "live"
    return "ended" if info.was_live or info.live_status in ("was_live", "post_live") else "none"


def _is_short(info: Info, duration: float | None) -> bool:
    if "/shorts/" in text_of(info.webpage_url) or "/shorts/" in text_of(info.original_url):
        return True
    width, height = _number(info.width), _number(info.height)
    is_upright = width is not None and height is not None and width < height
    return is_upright and duration is not None and duration <= _SHORT_SECONDS


def _chapters(value: object) -> tuple[Chapter, ...]:
    """YouTube's chapters; the filler that yt-dlp puts before a late first one is left out."""
    chapters = [_chapter(entry) for entry in _list(value) if isinstance(entry, dict)]
    kept = [chapter for chapter in chapters if chapter is not None]
    return tuple(sorted(kept, key=lambda chapter: chapter.start_seconds))


def _chapter(entry: dict[str, Any]) -> Chapter | None:
    start, end = _number(entry.get("start_time")), _number(entry.get("end_time"))
    title = " ".join(text_of(entry.get("title")).split())
    if start is None or not title or _FILLER.fullmatch(title):
        return None
    return Chapter(start, title, end, "youtube")


def _list(value: object) -> list[Any]:
    """A list, also where it is written as a string that holds one."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return []
    return list(value) if isinstance(value, list | tuple) else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
