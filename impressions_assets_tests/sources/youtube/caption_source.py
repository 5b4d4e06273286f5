"""The captions of YouTube as a source, without a listing: the rows of the videos are made here."""

from collections.abc import Iterable, Iterator

from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.source import Source
from impressions_assets.sources.youtube.captions import CaptionClient
from impressions_assets.speech.transcribe import transcripts_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Report, Stage, refresh
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.servers.youtube_world import Clip

CHANNEL = "talks"
STAGE = Stage("transcripts", 1, ("videos",))


class CaptionSource(Source):
    """Offers and fetches through a client."""

    kind = "youtube"
    name = "youtube.com/@talks"

    def __init__(self, client: CaptionClient) -> None:
        self._client = client
        self.asks, self.concurrency = client.asks, client.concurrency

    def list_videos(self) -> Iterator[Video | Failed]:
        raise AssertionError("the rows are made by hand")

    def offer(self, video: Video) -> tuple[Track, ...]:
        return self._client.offer(video.video_id)

    def fetch(self, video: Video, track: Track) -> bytes:
        return self._client.fetch(video.video_id, track)


def list_clips(home: Home, clips: Iterable[Clip]) -> None:
    """Write the videos of the channel, as a listing does."""
    videos = [
        Video(
            video_id=clip.video_id,
            source="youtube",
            title=clip.title,
            published=clip.published.isoformat(),
        )
        for clip in clips
    ]
    for start in range(0, len(videos), 500):
        home.table("videos").put(CHANNEL, [Entry(v) for v in videos[start : start + 500]])


def transcribe(home: Home, client: CaptionClient) -> Report:
    """Bring the channel's transcripts up to date, as its asset does."""
    captures = Captures(home, [CaptionSource(client)])
    return refresh(
        home,
        STAGE,
        CHANNEL,
        lambda inputs: transcripts_of(
            (video for (video,) in inputs),
            captures.offers,
            captures.fetch_all,
            capture_key_of,
            ["en"],
            "manual_first",
        ),
    )
