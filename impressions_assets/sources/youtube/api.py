"""Listing by the YouTube Data API v3, through google-api-python-client.

Each call costs one unit, a 304 too, and is paid before it is made. Nothing is ever searched: a
search costs 100 units (https://developers.google.com/youtube/v3/determine_quota_cost). The key
travels in a header, so no address holds it, and no message or log that shows an address.
"""

import json
import socket
from collections.abc import Callable, Sequence
from functools import cached_property
from http.client import HTTPException
from typing import Any

import httplib2
import msgspec
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets.errors import (
    QuotaSpent,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceUnreachable,
)
from impressions_assets.rows import Status
from impressions_assets.sources.source import sha256_of
from impressions_assets.sources.youtube.api_json import read_resource
from impressions_assets.sources.youtube.lister import (
    Answer,
    Page,
    Place,
    StaleToken,
)
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.storage.budget import Budget

PAGE_LENGTH = 50
_PARTS = "snippet,contentDetails,status,liveStreamingDetails"
_SPENT = {"quotaExceeded", "dailyLimitExceeded"}
_SLOWER = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "backendError"}
_NOT_THERE = {"playlistNotFound", "playlistItemsNotAccessible", "channelNotFound", "notFound"}
_STALE = {"invalidPageToken"}
_GONE: dict[str, Status] = {"private": "private", "privacyStatusUnspecified": "deleted"}
_UNKNOWN_KEY = "the key is not valid: check DEVELOPER_KEY (or YOUTUBE_API_KEY)"
_DISABLED = (
    "the key's project has not enabled the YouTube Data API v3: enable it at "
    "https://console.cloud.google.com/apis/library/youtube.googleapis.com"
)
_RESTRICTED = (
    "the key is restricted to certain {}: change its restrictions at "
    "https://console.cloud.google.com/apis/credentials"
)
_REFUSALS = {
    "API_KEY_INVALID": _UNKNOWN_KEY,
    "keyInvalid": _UNKNOWN_KEY,
    "keyExpired": _UNKNOWN_KEY,
    "API_KEY_EXPIRED": _UNKNOWN_KEY,
    "SERVICE_DISABLED": _DISABLED,
    "accessNotConfigured": _DISABLED,
    "API_KEY_HTTP_REFERRER_BLOCKED": _RESTRICTED.format("web sites (referrers)"),
    "API_KEY_IP_ADDRESS_BLOCKED": _RESTRICTED.format("addresses (IP)"),
    "ipRefererBlocked": _RESTRICTED.format("web sites or addresses"),
    "API_KEY_SERVICE_BLOCKED": _RESTRICTED.format("services, and this is none of them"),
    "API_KEY_ANDROID_APP_BLOCKED": _RESTRICTED.format("Android apps"),
    "API_KEY_IOS_APP_BLOCKED": _RESTRICTED.format("iOS apps"),
}
# The client itself trips over errors in a shape that it does not know: the last three.
_NO_ANSWER = (OSError, HTTPException, httplib2.HttpLib2Error, ValueError, LookupError, TypeError)


def service_name(api_key: str) -> str:
    """Name the Data API by the key that pays, which the name does not tell."""
    return f"youtube-data-api-{sha256_of(api_key.encode())[:8]}"


class ApiLister:
    """Lists by the Data API. For one thread."""

    engine = "youtube-data-api"
    costs = "2 units of quota, and 2 requests, for 50 videos"
    batch_length = PAGE_LENGTH
    asks_for_all = True
    read = staticmethod(read_resource)

    def __init__(
        self,
        api_key: str,
        budget: Budget,
        *,
        base_url: str = "",
        timeout_seconds: float = 20.0,
        retries: Retries = Retries(),
    ) -> None:
        """Connect to nothing yet.

        Args:
            api_key: the developer's key.
            budget: what may be spent; its service is `service_name(api_key)`.
            base_url: another server than Google's; '' for Google's.
            timeout_seconds: how long to wait for an answer.
            retries: how often to ask when none comes.
        """
        self._key = api_key
        self._budget = budget
        self._base_url = base_url
        self._http = httplib2.Http(timeout=timeout_seconds)
        self._retries = retries

    def place_of(self, link: YouTubeLink) -> Place:
        """Ask where a handle or a name leads: a unit."""
        asked = {"forUsername": link.id} if link.kind == "user" else {"forHandle": f"@{link.id}"}
        found = self._ask(f"channel {link.url}", "channels", part="id", **asked)
        items = (found or {}).get("items", [])
        if not items:
            hint = " Its handle may be another: write its @handle" if link.kind == "custom" else ""
            raise SourceMissing(f"{link.url}: YouTube knows no such channel.{hint}")
        return Place("channel", items[0]["id"])

    def page(self, playlist_id: str, token: str = "", etag: str = "") -> Page | None:
        """Ask for 50 items of a playlist: a unit."""
        found = self._ask(
            f"playlist {playlist_id}",
            "playlistItems",
            etag=etag,
            part="contentDetails,status",
            playlistId=playlist_id,
            maxResults=PAGE_LENGTH,
            **({"pageToken": token} if token else {}),
        )
        return None if found is None else _page(found)

    def videos(self, ids: Sequence[str], etag: str = "") -> Answer | None:
        """Ask for up to 50 videos: a unit. Those of which nothing is told are gone."""
        found = self._ask(f"{len(ids)} videos", "videos", etag=etag, part=_PARTS, id=",".join(ids))
        if found is None:
            return None
        items = {item["id"]: msgspec.json.encode(item) for item in found.get("items", [])}
        gone: dict[str, Status] = {video_id: "deleted" for video_id in ids if video_id not in items}
        return Answer(items, gone, etag=found.get("etag", ""))

    def close(self) -> None:
        """Close the connection; the budget is its owner's."""
        self._http.close()

    @cached_property
    def _service(self) -> Any:
        """The client; its description of the API comes with the library, not over the network."""
        return build(
            "youtube",
            "v3",
            http=self._http,
            static_discovery=True,
            cache_discovery=False,
            client_options={"api_endpoint": self._base_url} if self._base_url else None,
        )

    def _ask(self, what: str, collection: str, etag: str = "", **asked: Any) -> Any:
        """Return the answer of `list`, None when its ETag is `etag` still."""
        request = getattr(self._service, collection)().list(**asked)
        request.headers["X-Goog-Api-Key"] = self._key
        if etag:
            request.headers["If-None-Match"] = etag
        kind = f"youtube#{collection.removesuffix('s')}ListResponse"
        found = self._retries.run(lambda: self._once(what, kind, request.execute))
        self._budget.worked()
        return found

    def _once(self, what: str, kind: str, execute: Callable[[], Any]) -> Any:
        self._budget.spend()
        try:
            found = execute()
        except HttpError as error:
            if error.resp.status == 304:
                return None
            raise self._error(what, error) from error
        except _NO_ANSWER as error:
            self._http.close()  # half of an answer may still be on its way
            why = "it took too long" if isinstance(error, socket.timeout) else type(error).__name__
            raise SourceUnreachable(
                f"Data API: {what}: no whole answer ({why}); it is tried again"
            ) from error
        if not isinstance(found, dict):  # the client gives half of a JSON text as a string
            raise SourceUnreachable(f"Data API: {what}: half of an answer; it is tried again")
        if found.get("kind") != kind:  # without items, it would pass for the end of a playlist
            raise SourceUnreachable(f"Data API: {what}: another answer; it is tried again")
        return found

    def _error(self, what: str, error: HttpError) -> SourceError:
        reasons, status = _reasons(error.content), error.resp.status
        refusal = next((text for reason, text in _REFUSALS.items() if reason in reasons), None)
        if reasons & _SPENT:
            return self._quota_spent()
        if refusal:
            return SourceRefused(f"Data API: {what}: {refusal}")
        if reasons & _STALE:
            return StaleToken(f"Data API: {what}: the place to go on from counts no more")
        if status == 404 or reasons & _NOT_THERE:
            return SourceMissing(
                f"{what}: YouTube shows none to the Data API. Is it spelled right, and not private?"
            )
        if status >= 500 or status in (408, 429) or reasons & _SLOWER:
            return SourceUnreachable(f"Data API: {what}: it answered {status}; it is tried again")
        said = error.reason.replace(self._key, "…") if self._key else error.reason
        return SourceRefused(f"Data API: {what}: it refused with {status}: {said}")

    def _quota_spent(self) -> QuotaSpent:
        """Have nobody ask before Google's midnight, whatever our own count says."""
        pause = self._budget.pause(
            "Google says that the day's quota of the key is spent", self._budget.new_day()
        )
        return QuotaSpent(str(pause), pause.until, pause.service)


def _page(found: dict[str, Any]) -> Page:
    items = [(_video_id(item), item) for item in found.get("items", [])]
    tiles = {video_id: item.get("status", {}).get("privacyStatus") for video_id, item in items}
    published = (item.get("contentDetails", {}).get("videoPublishedAt") for _, item in items)
    return Page(
        ids=tuple(video_id for video_id in tiles if video_id),
        next_token=found.get("nextPageToken"),
        etag=found.get("etag", ""),
        gone={video_id: _GONE[tile] for video_id, tile in tiles.items() if tile in _GONE},
        oldest=min(filter(None, published), default=None),
    )


def _video_id(item: dict[str, Any]) -> str:
    """The video of a playlist's item; an answer to fewer parts has it in the other place."""
    places = (item.get("contentDetails"), item.get("snippet", {}).get("resourceId"))
    return next((place["videoId"] for place in places if place and "videoId" in place), "")


def _reasons(content: bytes) -> set[str]:
    """All that Google gives as reasons: it has had several shapes of errors, and mixes them."""
    try:
        error = json.loads(content)["error"]
        entries = [*error.get("errors", []), *error.get("details", [])]
        return {str(entry.get("reason")) for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
