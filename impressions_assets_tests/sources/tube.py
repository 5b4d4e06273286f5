"""A source that offers what a test tells it, and counts who asks."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from impressions_assets.errors import (
    Blocked,
    NoCaptions,
)
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.offers import Offer
from impressions_assets.sources.source import Source
from impressions_assets.storage.home import Home

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


MANUAL = Track(language="en", kind="manual", format="timedtext", location="timedtext/en/manual")


AUTOMATIC = Track(
    language="en", kind="automatic", format="timedtext", location="timedtext/en/automatic"
)


class Tube(Source):
    """A source that must be asked; it answers with one manual track, or as it is told."""

    kind = "youtube"

    def __init__(self, asks: str = "timedtext", concurrency: int = 1) -> None:
        self.name, self.asks, self.concurrency = "tube", asks, concurrency
        self.answers: dict[str, Offer | Exception] = {}
        self.bodies: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.fetched: list[str] = []

    def list_videos(self) -> Iterator[Video | Failed]:
        raise AssertionError("nothing is listed here")

    def offer(self, video: Video) -> tuple[Track, ...]:
        self.asked.append(video.video_id)
        answer = self.answers.get(video.video_id, (MANUAL,))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, video: Video, track: Track) -> bytes:
        self.fetched.append(video.video_id)
        if video.video_id in self.bodies:
            raise self.bodies[video.video_id]
        return f"{video.video_id} {track.location}".encode()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def clip(video_id: str, days_old: float | None = 100, **more: object) -> Video:
    published = None if days_old is None else (NOW - timedelta(days=days_old)).isoformat()
    return Video(video_id=video_id, source="youtube", published=published, **more)  # type: ignore[arg-type]


def captures(home: Home, *sources: Source, clock: Clock | None = None) -> Captures:
    """Open a home as a new run does."""
    return Captures(Home(home.root), sources, timedelta(days=14), clock or Clock())


def none_of(reason: str = "disabled") -> NoCaptions:
    return NoCaptions("no captions", reason)


def blocked() -> Blocked:
    return Blocked("a robot", NOW + timedelta(hours=1), "youtube-captions")


def only_manual(video: Video, tracks: Sequence[Track]) -> Track | None:
    return MANUAL if MANUAL in tracks else None


def nothing(video: Video, tracks: Sequence[Track]) -> None:
    """Choose no track, so that nothing is fetched."""
