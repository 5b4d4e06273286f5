"""The Atom feed of a channel or a playlist: what is new, for no quota and without a key.

It holds the 15 newest videos of a channel, and the first 15 of a playlist in its own order.
"""

import hashlib
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import Struct

from impressions_assets.errors import SourceMissing, SourceRefused, SourceUnreachable
from impressions_assets.sources.youtube.lister import Place
from impressions_assets.sources.youtube.retries import Retries

FEED_LENGTH = 15
_ATOM = "{http://www.w3.org/2005/Atom}"
_YT = "{http://www.youtube.com/xml/schemas/2015}"
_MEDIA = "{http://search.yahoo.com/mrss/}"


class Entry(Struct, frozen=True, array_like=True):
    """What the feed tells of a video."""

    video_id: str
    published: str
    updated: str
    digest: str
    """Of title and description."""
    is_short: bool = False


class News(Struct, frozen=True):
    """A feed as it was at a time; `etag` and `last_modified` ask whether it is so still."""

    entries: tuple[Entry, ...] = ()
    etag: str = ""
    last_modified: str = ""


class Feed:
    """Asks for feeds, and keeps its connection open."""

    def __init__(
        self,
        base_url: str = "",
        timeout_seconds: float = 20.0,
        retries: Retries = Retries(),
    ) -> None:
        """Connect to nothing yet; '' is YouTube's own address."""
        self._address = f"{base_url or 'https://www.youtube.com'}/feeds/videos.xml"
        self._timeout_seconds = timeout_seconds
        self._retries = retries
        self._session = requests.Session()

    def news(self, place: Place, before: News) -> News | None:
        """Return the feed, None when it is as it was before.

        Raises:
            SourceMissing: there is no such feed.
            SourceRefused: we are asking too often.
            SourceUnreachable: no answer, or half of one, several times.
        """
        return self._retries.run(lambda: self._news(place, before))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _news(self, place: Place, before: News) -> News | None:
        what = f"the feed of {place.kind} {place.id}"
        asked = {"If-None-Match": before.etag, "If-Modified-Since": before.last_modified}
        try:
            answer = self._session.get(
                self._address,
                params={f"{place.kind}_id": place.id},
                headers={name: value for name, value in asked.items() if value},
                timeout=self._timeout_seconds,
            )
        except requests.RequestException as error:
            raise SourceUnreachable(
                f"{what}: no whole answer ({type(error).__name__}); it is tried again"
            ) from error
        if answer.status_code == 304:
            return None
        if answer.status_code in (404, 410):
            raise SourceMissing(f"{what}: YouTube has none. Does it still exist, and is it public?")
        if answer.status_code in (403, 429):
            raise SourceRefused(f"{what}: YouTube takes us for a robot ({answer.status_code})")
        if answer.status_code != 200:
            raise SourceUnreachable(f"{what}: YouTube answered {answer.status_code}")
        etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        return News(_entries(answer.content, what), etag, modified)


def _entries(body: bytes, what: str) -> tuple[Entry, ...]:
    """Each video once: a playlist may hold one twice."""
    try:
        feed = fromstring(body)
    except (ParseError, DefusedXmlException) as error:
        raise SourceUnreachable(f"{what}: what came is no feed, or half of one") from error
    found = (_entry(element) for element in feed.iter(f"{_ATOM}entry"))
    return tuple({entry.video_id: entry for entry in found if entry.video_id}.values())


def _entry(element: Element) -> Entry:
    said = (
        element.findtext(f"{_ATOM}title", ""),
        element.findtext(f"{_MEDIA}group/{_MEDIA}description", ""),
    )
    page = element.find(f"{_ATOM}link[@rel='alternate']")
    return Entry(
        video_id=element.findtext(f"{_YT}videoId", ""),
        published=element.findtext(f"{_ATOM}published", ""),
        updated=element.findtext(f"{_ATOM}updated", ""),
        digest=hashlib.sha256("\0".join(said).encode()).hexdigest()[:16],
        is_short=page is not None and "/shorts/" in page.get("href", ""),
    )
