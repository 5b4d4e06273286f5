"""The Data API v3, as googleapiclient asks it: channels, playlists, their items, videos.

Shapes follow https://developers.google.com/youtube/v3/docs and answers recorded from it. Every
call costs a unit, also one that is answered with 304 or with an error of the asked thing.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from impressions_assets_tests.servers.youtube import Answer, Request, Routes, YouTube
from impressions_assets_tests.servers.youtube_world import Clip, Owner, Playlist, World

Json = dict[str, Any]
_PAGE = 50
_DOMAINS = {"quotaExceeded": "youtube.quota", "playlistNotFound": "youtube.playlistItem"}


class ApiError(Exception):
    """What goes wrong with a request, in Google's words."""

    def __init__(self, status: int, reason: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.detail = status, reason, message, detail

    def answer(self) -> Answer:
        domain = _DOMAINS.get(self.reason, "global")
        error: Json = {
            "code": self.status,
            "message": self.message,
            "errors": [{"message": self.message, "domain": domain, "reason": self.reason}],
        }
        if self.detail:
            error["status"] = "INVALID_ARGUMENT" if self.status == 400 else "PERMISSION_DENIED"
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": self.detail,
                    "domain": "googleapis.com",
                    "metadata": {"service": "youtube.googleapis.com"},
                }
            ]
        return _json(self.status, {"error": error})


def quota_exceeded() -> ApiError:
    """Return what Google says when the day's units are spent."""
    return ApiError(
        403,
        "quotaExceeded",
        "The request cannot be completed because you have exceeded your "
        '<a href="/youtube/v3/getting-started#quota">quota</a>.',
    )


def _asked(find: Callable[[World, Request], Json]) -> Callable[[YouTube, Request], Answer]:
    """Make an answer of what is found: the key, the quota, the ETag."""

    def respond(youtube: YouTube, request: Request) -> Answer:
        try:
            _check_key(youtube, request)
            if youtube.quota_spent >= youtube.quota_limit:
                raise quota_exceeded()
            youtube.quota_spent += 1
            with youtube.world.lock:
                found = find(youtube.world, request)
        except ApiError as error:
            return error.answer()
        found["etag"] = _etag(found)
        if request.headers.get("if-none-match", "").strip('"') == found["etag"]:
            return Answer(304, headers={"ETag": found["etag"]})
        return _json(200, found)

    return respond


def _check_key(youtube: YouTube, request: Request) -> None:
    key = request.headers.get("x-goog-api-key") or request.query.get("key")
    if not key:
        raise ApiError(
            403,
            "forbidden",
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )
    if key not in youtube.api_keys:
        message = "API key not valid. Please pass a valid API key."
        raise ApiError(400, "badRequest", message, "API_KEY_INVALID")
    referrer = youtube.api_keys[key]
    if referrer and request.headers.get("referer") != referrer:
        message = "Requests from referer <empty> are blocked."
        raise ApiError(403, "forbidden", message, "API_KEY_HTTP_REFERRER_BLOCKED")


def _channels(world: World, request: Request) -> Json:
    query = request.query
    handle = query.get("forHandle", "").removeprefix("@").lower()
    owners = [
        owner
        for owner in world.owners.values()
        if owner.channel_id in query.get("id", "").split(",")
        or (handle and owner.handle.lower() == handle)
        or (owner.user and owner.user == query.get("forUsername"))
    ]
    found = _list("channelListResponse", map(_channel, owners))
    return found if owners else {name: found[name] for name in ("kind", "pageInfo")}


def _channel(owner: Owner) -> Json:
    return {
        "kind": "youtube#channel",
        "id": owner.channel_id,
        "snippet": {"title": owner.title, "customUrl": f"@{owner.handle}"},
        "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": owner.uploads}},
    }


def _playlists(world: World, request: Request) -> Json:
    wanted = request.query.get("id", "").split(",")
    found = [p for p in world.playlists.values() if p.playlist_id in wanted]
    return _list("playlistListResponse", map(_playlist, filter(_can_be_seen, found)))


def _can_be_seen(playlist: Playlist) -> bool:
    return playlist.privacy in ("public", "unlisted")


def _playlist(playlist: Playlist) -> Json:
    return {
        "kind": "youtube#playlist",
        "id": playlist.playlist_id,
        "snippet": {"title": playlist.title},
        "status": {"privacyStatus": playlist.privacy},
        "contentDetails": {"itemCount": len(playlist.video_ids)},
    }


def _playlist_items(world: World, request: Request) -> Json:
    """Page a playlist. Uploads without a video, and Shorts without one, are no playlist at all."""
    playlist_id = request.query.get("playlistId", "")
    clips = members(world, playlist_id)
    if clips is None or (not clips and playlist_id.startswith("UU")):
        raise ApiError(
            404,
            "playlistNotFound",
            "The playlist identified with the request's <code>playlistId</code> parameter "
            "cannot be found.",
        )
    if "videoId" in request.query:
        clips = [clip for clip in clips if clip.video_id == request.query["videoId"]]
    size = min(_PAGE, int(request.query.get("maxResults", "5")))
    start = _start_of(request.query.get("pageToken"))
    page = enumerate(clips[start : start + size], start)
    items = [_item(playlist_id, n, clip) for n, clip in page]
    found = _list("playlistItemListResponse", items, total=len(clips))
    if start + size < len(clips):
        found["nextPageToken"] = f"EAAaB1BUOk{start + size:06d}"
    return found


def members(world: World, playlist_id: str) -> list[Clip] | None:
    """Return a playlist's videos; also those of the Shorts that each channel has."""
    if playlist_id.startswith("UUSH"):
        uploads = world.clips_of("UU" + playlist_id.removeprefix("UUSH"))
        return None if uploads is None else [clip for clip in uploads if clip.is_short]
    return world.clips_of(playlist_id)


def _start_of(token: str | None) -> int:
    if token is None:
        return 0
    if not token.startswith("EAAaB1BUOk"):
        raise ApiError(400, "invalidPageToken", "The request specifies an invalid page token.")
    return int(token[10:])


def _item(playlist_id: str, position: int, clip: Clip) -> Json:
    is_there = clip.privacy in ("public", "unlisted")
    words = {"private": "Private video", "deleted": "Deleted video"}.get(clip.privacy, clip.title)
    details = {"videoId": clip.video_id}
    if is_there:
        details["videoPublishedAt"] = _time(clip.published)
    return {
        "kind": "youtube#playlistItem",
        "id": hashlib.sha256(f"{playlist_id}{clip.video_id}{position}".encode()).hexdigest()[:48],
        "snippet": {
            "title": words,
            "playlistId": playlist_id,
            "position": position,
            "resourceId": {"kind": "youtube#video", "videoId": clip.video_id},
        },
        "contentDetails": details,
        "status": {
            "privacyStatus": {"deleted": "privacyStatusUnspecified"}.get(clip.privacy, clip.privacy)
        },
    }


def _videos(world: World, request: Request) -> Json:
    wanted = request.query.get("id", "").split(",")
    if len(wanted) > _PAGE:
        raise ApiError(400, "invalidFilters", "The request specifies too many ids.")
    clips = [world.clips[video_id] for video_id in wanted if video_id in world.clips]
    there = [clip for clip in clips if clip.privacy in ("public", "unlisted")]
    return _list("videoListResponse", (_video(world, clip) for clip in there))


def _video(world: World, clip: Clip) -> Json:
    now = clip.live in ("live", "upcoming")
    snippet: Json = {
        "publishedAt": _time(clip.published),
        "channelId": clip.channel_id,
        "title": clip.title,
        "description": clip.description,
        "channelTitle": world.owners[clip.channel_id].title,
        "categoryId": "27",
        "liveBroadcastContent": clip.live if now else "none",
        "localized": {"title": clip.title, "description": clip.description},
    }
    if clip.tags:
        snippet["tags"] = list(clip.tags)
    if clip.language:
        snippet["defaultAudioLanguage"] = clip.language
    video: Json = {
        "kind": "youtube#video",
        "id": clip.video_id,
        "snippet": snippet,
        "contentDetails": {
            "duration": "P0D" if now else iso_duration(clip.duration_seconds),
            "dimension": "2d",
            "definition": "hd",
            "caption": str(any(not track.is_automatic for track in clip.tracks)).lower(),
            "licensedContent": False,
            "contentRating": {"ytRating": "ytAgeRestricted"} if clip.watch == "age" else {},
            "projection": "rectangular",
        },
        "status": {
            "uploadStatus": "processed",
            "privacyStatus": clip.privacy,
            "license": clip.license,
            "embeddable": True,
            "publicStatsViewable": True,
            "madeForKids": False,
        },
    }
    if clip.live != "none":
        video["liveStreamingDetails"] = _live_details(clip)
    return video | {"etag": _etag(video)}


def _live_details(clip: Clip) -> Json:
    started = clip.starts or clip.published
    details = {"scheduledStartTime": _time(started)}
    if clip.live != "upcoming":
        details["actualStartTime"] = _time(started)
    if clip.live == "ended":
        details["actualEndTime"] = _time(clip.updated)
    return details


def iso_duration(seconds: int) -> str:
    """Write a length as the API does: PT1H2M3S, P1DT2H, PT0S."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (rest, "S"))
    time = "".join(f"{number}{unit}" for number, unit in parts if number)
    day = f"{days}D" if days else ""
    return f"P{day}" + (f"T{time}" if time else "" if day else "T0S")


def _list(kind: str, items: Iterable[Json], total: int | None = None) -> Json:
    found = [item | {"etag": item.get("etag") or _etag(item)} for item in items]
    info = {
        "totalResults": len(found) if total is None else total,
        "resultsPerPage": len(found) if total is None else _PAGE,
    }
    return {"kind": f"youtube#{kind}", "pageInfo": info, "items": found}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _etag(content: Json) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:27]


def _json(status: int, content: Json) -> Answer:
    body = json.dumps(content, indent=2).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=UTF-8"})


ROUTES: Routes = {
    ("GET", "/youtube/v3/channels"): _asked(_channels),
    ("GET", "/youtube/v3/playlists"): _asked(_playlists),
    ("GET", "/youtube/v3/playlistItems"): _asked(_playlist_items),
    ("GET", "/youtube/v3/videos"): _asked(_videos),
}
