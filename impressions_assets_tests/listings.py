"""Small listings of a channel at fixed times, and a first stage that reads them."""

from datetime import UTC, datetime, timedelta

from impressions_assets.rows import Chapters, Failed, Video
from impressions_assets.storage.ledger import Stage

CHANNEL = "talks"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=1)
CHAPTERS = Stage("chapters", 1, ("videos",))


def videos(count: int, **titles: str) -> list[Video | Failed]:
    ids = [f"v{number}" for number in range(count)]
    return [Video(video_id=i, source="archive", title=titles.get(i, i)) for i in ids]


def no_chapters(video: Video) -> Chapters:
    return Chapters(video_id=video.video_id)
