"""A thousand videos, and a YouTube of which nearly a third of all answers are wrong.

However often it takes, in the end every video is right: none lost, none twice, and none without
captions that has some. The clock is the test's, so that no pause is waited for; looks begin when
the sensors would begin them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from impressions_assets.assets.transcripts import STAGE, settings_of
from impressions_assets.channels.channel import Channel, YouTubeSource
from impressions_assets.channels.stages import YouTubeSettings
from impressions_assets.errors import SourcePaused, SourceUnreachable
from impressions_assets.resources.youtube import YouTubeClients
from impressions_assets.rows import Transcript, Video
from impressions_assets.sensors import first_due_retry
from impressions_assets.settings import YouTubeAccess
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.listing import Listing
from impressions_assets.sources.source import Source
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.speech.transcribe import transcripts_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import refresh
from impressions_assets.storage.listing import reconcile
from impressions_assets_tests.servers.youtube import Fault, YouTube
from impressions_assets_tests.servers.youtube_world import START, CaptionTrack, Clip, cues_of

pytestmark = pytest.mark.slow

NUM_VIDEOS = 1000
SILENT_EVERY = 25  # every so many videos have no captions indeed
MOST_LOOKS = 300
KEY = "a-key-for-tests"
PACIFIC = ZoneInfo("America/Los_Angeles")
DAILY_VIDEOS = 400
LIMITS = YouTubeSettings(
    daily_quota_units=30,  # without a single fault, listing takes 41
    daily_videos=DAILY_VIDEOS,
    requests_per_second=0,
    concurrency=8,
    timeout_seconds=0.3,
)

_PASSING: tuple[Fault, ...] = (500, 502, 503, "cut", "empty", "hang")
_ROBOT: tuple[Fault, ...] = (429, "blocked", "captcha", "bot")
# One of the second kind ends a look at captions: more of them would but make more looks.
FAULTS = (*_PASSING * 30, *_ROBOT)


class Talks:
    """A channel that is looked at again and again, each time as by another process."""

    def __init__(self, home: Home, youtube: YouTube) -> None:
        self.home, self.youtube = home, youtube
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.num_looks = 0
        self.requests: Counter[date] = Counter()
        """To the Data API, by the day in California."""
        self.videos_asked: Counter[date] = Counter()
        owner = youtube.world.open_channel("talks")
        self.clips = {clip.video_id: clip for clip in map(self._upload, range(NUM_VIDEOS))}
        link = f"https://www.youtube.com/@{owner.handle}"
        self.channel = Channel(name="talks", sources=(YouTubeSource(youtube=link),))

    def _upload(self, number: int) -> Clip:
        title = f"Talk number {number}"
        tracks = (CaptionTrack(cues=cues_of(title, 1 + number % 5)),)
        (owner,) = self.youtube.world.owners.values()
        return self.youtube.world.upload(
            owner,
            title,
            published=START - timedelta(days=900) + timedelta(minutes=number),
            tracks=tracks if number % SILENT_EVERY else (),
        )

    def look(self) -> bool:
        """Do what the assets `videos` and `transcripts` do; say whether all is done."""
        self.num_looks += 1
        with self._sources() as sources:
            listing = Listing(sources, self.channel.filters)
            is_done = self._list(listing) and self._transcribe(sources) and listing.is_complete()
        self._count()
        return is_done

    def wait(self) -> None:
        """Let it be the time at which a sensor starts the channel, or a night later."""
        due = first_due_retry(self.home, "talks")
        after = datetime.fromisoformat(due) if due else self.now + timedelta(days=1)
        self.now = max(after, self.now + timedelta(hours=1))  # what stays due starts hourly

    def videos(self) -> list[Video]:
        return list(self.home.table("videos").rows("talks"))

    def without_words(self) -> set[str]:
        found = self.home.table("transcripts").columns("talks", "video_id", "origin")
        return {video_id for video_id, origin in found if origin == "none"}

    def transcripts(self) -> list[Transcript]:
        return list(self.home.table("transcripts").rows("talks"))

    @contextmanager
    def _sources(self) -> Iterator[list[Source]]:
        access = YouTubeAccess(api_key=KEY, base_url=self.youtube.url)
        retries = Retries(sleep=lambda seconds: None)
        with ExitStack() as stack:
            clients = YouTubeClients(
                self.home, access, LIMITS, stack, retries=retries, now=lambda: self.now
            )
            (spec,) = self.channel.sources
            yield [clients.source(self.channel, spec.youtube)]

    def _list(self, listing: Listing) -> bool:
        """Return whether the asset would succeed, and transcripts would follow."""
        report = reconcile(
            self.home,
            "talks",
            listing,
            complete=listing.is_complete,
            pause=listing.pause,
            now=self.now,
        )
        if listing.pause():
            return report.num_videos > 0
        return listing.is_complete() or report.num_computed > 0

    def _transcribe(self, sources: list[Source]) -> bool:
        policy = self.channel.transcripts
        look_again = timedelta(days=policy.look_again_days)
        captures = Captures(self.home, sources, look_again, lambda: self.now)
        try:
            report = refresh(
                self.home,
                STAGE,
                "talks",
                lambda inputs: transcripts_of(
                    (video for (video,) in inputs),
                    captures.offers,
                    captures.fetch_all,
                    capture_key_of,
                    self.channel.languages,
                    policy.policy,
                ),
                settings_of(self.channel),
                now=self.now,
            )
        except (SourcePaused, SourceUnreachable):
            return False
        return not report.failed and report.paused is None

    def _count(self) -> None:
        """Book what was asked in this look on its day, which holds all of it: the clock stood."""
        today = self.now.astimezone(PACIFIC).date()
        self.requests[today] += len(self.youtube.asked("/youtube/v3/.*"))
        asked = {request.query["v"] for request in self.youtube.asked("/watch")}
        self.videos_asked[today] += len(asked)
        self.youtube.requests.clear()


@pytest.fixture
def talks(home: Home) -> Iterator[Talks]:
    with YouTube().running() as youtube:
        yield Talks(home, youtube)


def test_every_video_is_right_in_the_end_whatever_youtube_answers_meanwhile(talks: Talks) -> None:
    silent = {clip.video_id for clip in talks.clips.values() if not clip.tracks}
    talks.youtube.fail_often(".*", 0.3, *FAULTS)

    while not talks.look():
        assert talks.without_words() <= silent
        assert talks.num_looks < MOST_LOOKS
        talks.wait()

    assert talks.home.table("attempts").count("talks") == 0
    videos = Counter(video.video_id for video in talks.videos())
    assert videos == Counter(talks.clips.keys())
    assert {v.video_id: (v.title, v.status) for v in talks.videos()} == {
        clip.video_id: (clip.title, "ok") for clip in talks.clips.values()
    }
    transcripts = talks.transcripts()
    assert Counter(row.video_id for row in transcripts) == videos
    for row in transcripts:
        cues = [cue for track in talks.clips[row.video_id].tracks for cue in track.cues]
        said = [(s.start_seconds, s.end_seconds - s.start_seconds, s.text) for s in row.segments]
        assert said == cues
        assert (row.origin, row.reason) == (("manual", "") if cues else ("none", "disabled"))
    assert max(talks.requests.values()) <= LIMITS.daily_quota_units < talks.requests.total()
    assert max(talks.videos_asked.values()) <= DAILY_VIDEOS < talks.videos_asked.total()
