"""What a channel costs on a YouTube on loopback that takes 50 ms for each answer.

`python -m impressions_assets_tests.bench.youtube --videos 5000` for one of any size.
"""

import argparse
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from impressions_assets.assets.transcripts import STAGE
from impressions_assets.channels.channel import Channel, YouTubeSource
from impressions_assets.channels.stages import YouTubeSettings
from impressions_assets.resources.youtube import YouTubeClients
from impressions_assets.settings import YouTubeAccess
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.listing import Listing
from impressions_assets.speech.transcribe import transcripts_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Report, refresh
from impressions_assets.storage.listing import reconcile
from impressions_assets_tests.bench.meter import Cost, Meter
from impressions_assets_tests.servers.youtube import YouTube

_KEY = "a-key-for-tests"
_LIMITS = YouTubeSettings(
    requests_per_second=0, daily_videos=None, daily_quota_units=10_000, concurrency=8
)


class Asked(NamedTuple):
    """What a refresh took, and what it asked of YouTube."""

    cost: Cost
    requests: int
    units: int
    computed: int


def measure_youtube(
    folder: Path, num_videos: int, answer_seconds: float = 0.05
) -> tuple[Asked, Asked]:
    """List a channel and fetch its captions, then once more with nothing new.

    The server runs in this process: its CPU-seconds and its memory are counted as well.
    """
    with YouTube().running() as youtube:
        owner = youtube.world.open_channel("talks")
        youtube.world.uploads(owner, num_videos)
        youtube.delay_seconds = answer_seconds
        first, again = (_asked(Home(str(folder)), youtube) for _ in range(2))
    assert (first.computed, again.computed) == (2 * num_videos, 0)
    return first, again


def _asked(home: Home, youtube: YouTube) -> Asked:
    requests, units, meter = len(youtube.requests), youtube.quota_spent, Meter()
    computed = _refresh(home, youtube.url)
    cost = meter.read()
    return Asked(cost, len(youtube.requests) - requests, youtube.quota_spent - units, computed)


def _refresh(home: Home, url: str) -> int:
    """Do what `videos` and `transcripts` do; return how many rows were made."""
    channel = Channel(name="talks", sources=(YouTubeSource(youtube="@talks"),))
    with ExitStack() as stack:
        clients = YouTubeClients(home, YouTubeAccess(api_key=_KEY, base_url=url), _LIMITS, stack)
        source = clients.source(channel, "@talks")
        listing = Listing([source], channel.filters)
        videos = reconcile(home, "talks", listing, complete=listing.is_complete)
        captures = Captures(home, [source], timedelta(0))
        transcripts: Report = refresh(
            home,
            STAGE,
            "talks",
            lambda inputs: transcripts_of(
                (video for (video,) in inputs),
                captures.offers,
                captures.fetch_all,
                capture_key_of,
                channel.languages,
                channel.transcripts.policy,
            ),
        )
    assert (videos.failed, transcripts.failed) == ((), ())
    return videos.num_computed + transcripts.num_computed


def main() -> None:
    """Measure one channel, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.youtube")
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--answer-seconds", type=float, default=0.05)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, again = measure_youtube(Path(folder), chosen.videos, chosen.answer_seconds)
    for name, asked in (("first", first), ("nothing new", again)):
        print(
            f"{name}: {asked.requests:,} requests, {asked.units:,} units of quota, "
            f"{asked.cost.wall_seconds:.1f} s ({chosen.videos / asked.cost.wall_seconds:.1f} "
            f"videos/s), {asked.cost.cpu_seconds:.1f} CPU-s, peak {asked.cost.peak_mb:.0f} MB"
        )


if __name__ == "__main__":
    main()
