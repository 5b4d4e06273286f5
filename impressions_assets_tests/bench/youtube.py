"""How fast captions come from a YouTube on loopback that takes 50 ms for each answer."""

import argparse
import tempfile
from pathlib import Path

from impressions_assets.budget import Budget
from impressions_assets.home import Home
from impressions_assets.sources.youtube.captions import CaptionClient
from impressions_assets.sources.youtube.politeness import Pace
from impressions_assets.sources.youtube.session import Way
from impressions_assets_tests.bench.meter import Cost, Meter
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.sources.youtube.caption_source import list_clips, transcribe

CONCURRENCY = 8
_ANSWER_SECONDS = 0.05


def fetch_captions(folder: Path, num_videos: int) -> Cost:
    """List, fetch, keep and read the captions of new videos, as `transcripts` does.

    The server runs in this process: its CPU-seconds are counted as well.
    """
    home = Home(str(folder))
    with YouTube().running() as youtube:
        world = youtube.world
        list_clips(home, world.uploads(world.open_channel("talks"), num_videos))
        youtube.delay_seconds = _ANSWER_SECONDS
        budget = Budget(home, "youtube-captions", None)
        way = Way(base_url=youtube.url)
        with CaptionClient(budget, Pace(0), way, concurrency=CONCURRENCY) as client:
            meter = Meter()
            report = transcribe(home, client)
            cost = meter.read()
        assert (report.num_videos, report.failed) == (num_videos, ())
        assert len(youtube.requests) == 3 * num_videos
    return cost


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.bench.youtube")
    parser.add_argument("--videos", type=int, default=1000)
    videos = parser.parse_args().videos
    with tempfile.TemporaryDirectory() as place:
        found = fetch_captions(Path(place), videos)
    print(
        f"{videos} videos: {videos / found.wall_seconds:.1f} a second, "
        f"{found.cpu_seconds:.1f} CPU-seconds, peak {found.peak_mb:.0f} MB"
    )
