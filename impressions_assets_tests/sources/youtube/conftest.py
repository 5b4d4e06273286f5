"""A stand-in of YouTube, a storage root, and links opened as sources against both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets.errors import SourceError
from impressions_assets.rows import Failed, Video
from impressions_assets.sources.youtube.api import ApiLister, service_name
from impressions_assets.sources.youtube.captions import CaptionClient
from impressions_assets.sources.youtube.feed import Feed
from impressions_assets.sources.youtube.keyless import KeylessLister
from impressions_assets.sources.youtube.politeness import Pace
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.sources.youtube.session import Way
from impressions_assets.sources.youtube.source import YouTubeSource
from impressions_assets.sources.youtube.ytdlp import YtDlp
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.youtube import Answer, Request, YouTube
from impressions_assets_tests.servers.youtube_captions import ROUTES
from impressions_assets_tests.servers.youtube_world import Owner, World

KEY = "a-key-for-tests"
WATCH, PLAYER, TRACK = "/watch", "/youtubei/v1/player", "/api/timedtext"

Connect = Callable[..., CaptionClient]
"""Makes a client of captions."""


class NoCaptionsHere:
    """Nothing of these tests fetches captions."""

    asks = "nothing"
    concurrency = 1

    def offer(self, video_id):
        raise AssertionError(video_id)

    def fetch(self, video_id, track):
        raise AssertionError(video_id, track)


@dataclass
class Seen:
    """What one look brought."""

    videos: dict[str, Video] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)
    error: SourceError | None = None
    asked: list[str] = field(default_factory=list)
    units: int = 0


class Visitor:
    """Opens links as sources, each look as another process would."""

    def __init__(self, youtube: YouTube, home: Home, stack: ExitStack) -> None:
        self.youtube, self.home, self._stack = youtube, home, stack
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.limit: int | None = 10_000
        self.key = KEY
        self.slept: list[float] = []
        self.timeout_seconds = 5.0

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def opened(self, client):
        return self._stack.enter_context(closing(client))

    def close(self) -> None:
        self._stack.close()

    def retries(self) -> Retries:
        return Retries(sleep=self.slept.append)

    def lister(self) -> ApiLister:
        budget = Budget(self.home, service_name(self.key), self.limit, now=lambda: self.now)
        lister = ApiLister(
            self.key,
            self.opened(budget),
            base_url=self.youtube.url,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries(),
        )
        return self.opened(lister)

    def keyless(self, **more) -> KeylessLister:
        """The way without a key; it makes its requests to `budget`'s account."""
        budget = Budget(self.home, "youtube.com", None, now=lambda: self.now)
        options = {"base_url": self.youtube.url, "timeout_seconds": self.timeout_seconds}
        pages = YtDlp(budget, lambda: None, Way(**(options | more)), retries=self.retries())
        return KeylessLister(self.opened(pages))

    def feed(self) -> Feed:
        return self.opened(Feed(self.youtube.url, self.timeout_seconds, self.retries()))

    def source(self, kind: str, name: str, **options) -> YouTubeSource:
        return YouTubeSource(
            YouTubeLink(kind, name),
            options.pop("lister", None) or self.lister(),
            self.feed(),
            NoCaptionsHere(),
            Raw(self.home),
            readers={way.engine: way.read for way in (ApiLister, KeylessLister)},
            now=lambda: self.now,
            **options,
        )

    def look(self, kind: str, name: str, **options) -> Seen:
        """List once, and count what it cost."""
        seen = Seen()
        num_before, spent_before = len(self.youtube.requests), self.youtube.quota_spent
        source = self.source(kind, name, **options)
        try:
            for item in source.list_videos():
                kept = seen.videos if isinstance(item, Video) else seen.failed
                assert item.video_id not in kept
                kept[item.video_id] = item
        except SourceError as error:
            seen.error = error
        self.close()  # as a process that ends: what was set aside is given back
        seen.asked = [request.path for request in self.youtube.requests[num_before:]]
        seen.units = self.youtube.quota_spent - spent_before
        return seen


@pytest.fixture
def youtube() -> Iterator[YouTube]:
    with YouTube().running() as server:
        yield server


@pytest.fixture
def world(youtube: YouTube) -> World:
    return youtube.world


@pytest.fixture
def owner(world: World) -> Owner:
    return world.open_channel("talks", user="oldtalks", custom="TalksOfOld")


@pytest.fixture
def visitor(youtube: YouTube, home: Home) -> Iterator[Visitor]:
    with ExitStack() as stack:
        yield Visitor(youtube, home, stack)


@pytest.fixture
def look(visitor: Visitor, owner: Owner) -> Callable[..., Seen]:
    """Look at the channel."""
    return lambda **options: visitor.look("channel", owner.channel_id, **options)


@pytest.fixture
def slept() -> list[float]:
    """Seconds that clients of captions waited between two tries."""
    return []


@pytest.fixture
def connect(home: Home, youtube: YouTube, slept: list[float]) -> Iterator[Connect]:
    """Make clients of captions; they are closed at the end."""
    clients: list[CaptionClient] = []

    def made(
        translate_to: tuple[str, ...] = (),
        limit: int | None = None,
        concurrency: int = 1,
        tries: int = 3,
        **way: object,
    ) -> CaptionClient:
        budget = Budget(home, "youtube-captions", limit)
        settings = {"base_url": youtube.url, "timeout_seconds": 5.0, **way}
        client = CaptionClient(
            budget,
            Pace(0),
            Way(**settings),  # type: ignore[arg-type]
            translate_to,
            concurrency=concurrency,
            retries=Retries(tries, sleep=slept.append),
        )
        clients.append(client)
        return client

    yield made
    for client in clients:
        client.close()


def answer_with(monkeypatch: pytest.MonkeyPatch, path: str, body: bytes) -> None:
    """Have the server answer so, whatever it holds."""
    method = "POST" if path == PLAYER else "GET"

    def respond(youtube: YouTube, request: Request) -> Answer:
        return Answer(200, body)

    monkeypatch.setitem(ROUTES, (method, path), respond)  # type: ignore[arg-type]
