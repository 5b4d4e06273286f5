"""Serve recorded answers of the Data API and recorded feeds, and tell how each is taken.

What is right follows from the recording: a list of channels, of a playlist's items or of videos
must be read as such, with all that is in it; an error must be the user's to mend. Any other answer
is served where videos are asked for, and must pass for no list of videos.
"""

import json
import tempfile
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets.errors import SourceError
from impressions_assets.sources.youtube.api import ApiLister
from impressions_assets.sources.youtube.feed import Feed, News
from impressions_assets.sources.youtube.lister import Place
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.youtube import Answer, YouTube

_ONCE = Retries(tries=1)
_Ask = Callable[[ApiLister, dict[str, Any]], tuple[int, str]]


class Taken(NamedTuple):
    """How a recording should be taken, how it was, and what was understood of it."""

    right: str
    found: str
    told: str


def by_api(body: bytes) -> Taken:
    """Serve an answer of the Data API at its address, and ask for it."""
    said = json.loads(body)
    is_error = isinstance(said, dict) and "error" in said
    kind = str(said.get("kind", "")) if isinstance(said, dict) else ""
    collection, ask = _LISTS.get(kind, ("videos", _videos))
    right = f"{len(said['items'])} {collection}" if kind in _LISTS else "SourceUnreachable"
    status = _status_of(said["error"]) if is_error else 200
    answer = Answer(status, body, {"Content-Type": "application/json; charset=UTF-8"})
    with tempfile.TemporaryDirectory() as folder, YouTube().running() as youtube:
        youtube.fail(f"/youtube/v3/{collection}", answer)
        budget = Budget(Home(folder), "recordings", None)
        lister = ApiLister("a-key", budget, base_url=youtube.url, retries=_ONCE)
        with closing(lister):
            try:
                number, told = ask(lister, said)
            except SourceError as error:
                name = type(error).__name__
                return Taken("SourceRefused" if is_error else right, name, str(error))
    return Taken(right, f"{number} {collection}", told)


def by_feed(name: str, body: bytes) -> Taken:
    """Serve a feed, or what came in its place: `..._404` in a name is the status it came with."""
    is_there = "_404" not in name
    place = Place("channel", "UC" + "x" * 22)
    with YouTube().running() as youtube:
        youtube.fail("/feeds/videos.xml", Answer(200 if is_there else 404, body))
        with closing(Feed(youtube.url, retries=_ONCE)) as feed:
            try:
                news = feed.news(place, News())
            except SourceError as error:
                found, told = type(error).__name__, str(error)
            else:
                assert news is not None
                shorts = sum(entry.is_short for entry in news.entries)
                found, told = f"{len(news.entries)} videos", f"{shorts} of them Shorts"
    return Taken(f"{body.count(b'<entry>')} videos" if is_there else "SourceMissing", found, told)


def _channels(lister: ApiLister, said: dict[str, Any]) -> tuple[int, str]:
    """A link leads to one channel: the first."""
    place = lister.place_of(YouTubeLink("handle", "recorded"))
    assert place.id == said["items"][0]["id"]
    return len(said["items"]), f"uploads {place.playlist_id}"


def _items(lister: ApiLister, said: dict[str, Any]) -> tuple[int, str]:
    page = lister.page("PLrecorded")
    assert page is not None
    return len(page.ids), f"next page {page.next_token or '-'}, {len(page.gone)} gone"


def _videos(lister: ApiLister, said: dict[str, Any]) -> tuple[int, str]:
    items = said.get("items", []) if isinstance(said, dict) else []
    ids = [str(item.get("id", "")) for item in items if isinstance(item, dict)]
    answer = lister.videos(ids or ["a" * 11])
    assert answer is not None
    titles = [lister.read(item).video.title for item in answer.items.values()]
    return sum(map(bool, titles)), ", ".join(titles)[:60]


_LISTS: dict[str, tuple[str, _Ask]] = {
    "youtube#channelListResponse": ("channels", _channels),
    "youtube#playlistItemListResponse": ("playlistItems", _items),
    "youtube#videoListResponse": ("videos", _videos),
}


def _status_of(error: object) -> int:
    return int(error["code"]) if isinstance(error, dict) and "code" in error else 400
