"""YouTube blocks in the middle: what came is kept, no video is marked, and it goes on later."""

import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from impressions_assets.errors import Blocked
from impressions_assets.storage.attempts import attempts, paused
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.servers.youtube_world import Clip, Owner
from impressions_assets_tests.sources.youtube.caption_source import (
    CHANNEL,
    list_clips,
    transcribe,
)
from impressions_assets_tests.sources.youtube.conftest import Connect


def in_order(clips: list[Clip]) -> list[Clip]:
    """Return them in the order of all work."""
    return sorted(clips, key=lambda clip: key_of(clip.video_id))


def lift(home: Home) -> None:
    """Let the pause be over."""
    table = home.table("allowances")
    table.remove(SHARED, table.digests(SHARED))


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["/watch", "/youtubei/v1/player", "/api/timedtext"],
)
def test_a_block_in_the_middle_loses_nothing_and_marks_no_video(
    home: Home, youtube: YouTube, owner: Owner, connect: Connect, path: str
) -> None:
    clips = in_order(youtube.world.uploads(owner, 200))
    list_clips(home, clips)
    client = connect(concurrency=4)
    youtube.fail(path, *["blocked"] * 100, after=120)
    report = transcribe(home, client)
    num_requests = len(youtube.requests)
    assert report.paused is not None
    assert "takes us for a robot" in report.paused.error
    done = home.table("transcripts").digests(CHANNEL)
    assert 116 <= len(done) <= 120  # four were under way
    kept = Counter(row.kind for row in home.table("captures").rows(SHARED))
    assert kept["captions/manual/timedtext"] == len(done)
    assert len(done) <= kept["captions/offer"] <= len(done) + 8
    assert attempts(home, CHANNEL, "transcripts") == {}
    waiting = paused(home, CHANNEL, "transcripts")
    assert waiting is not None
    assert waiting.next_try is not None
    wait = datetime.fromisoformat(waiting.next_try) - datetime.now(UTC)
    assert timedelta(minutes=50) < wait <= timedelta(hours=1)

    again = transcribe(home, connect(concurrency=4))
    assert (again.num_videos, again.num_computed) == (len(done), 0)
    assert again.paused is not None
    assert len(youtube.requests) == num_requests

    lift(home)
    youtube.heal()
    report = transcribe(home, connect(concurrency=4))
    assert (report.num_videos, report.failed, report.paused) == (200, (), None)
    origins = home.table("transcripts").columns(CHANNEL, "origin")
    assert {origin for (origin,) in origins} == {"manual"}
    asked = Counter(request.query["v"] for request in youtube.asked("/api/timedtext"))
    assert len(asked) == 200
    assert sum(asked.values()) <= 200 + 4  # but those that met the block


@pytest.mark.slow
def test_with_faults_of_all_kinds_every_video_comes_right_in_the_end(
    home: Home, youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    world = youtube.world
    clips = world.uploads(owner, 30)
    silent = [world.upload(owner, f"silent {n}", watch="disabled") for n in range(5)]
    gone = [world.upload(owner, f"gone {n}", privacy="deleted") for n in range(5)]
    list_clips(home, [*clips, *silent, *gone])
    passing = (500, 503, "cut", "empty") * 3
    youtube.fail_often("/.*", 0.3, *passing, 429, "blocked", "captcha")  # type: ignore[arg-type]
    runs = 0
    while runs < 200:
        runs += 1
        lift(home)
        table = home.table("attempts")
        table.remove(CHANNEL, [k for k, row in table.items(CHANNEL) if row.status == "retry"])
        with contextlib.suppress(Blocked):
            report = transcribe(home, connect(concurrency=4, tries=2))
            if report.num_videos == 35 and not report.paused:
                break
    assert runs > 1
    origins = {row.video_id: row.origin for row in home.table("transcripts").rows(CHANNEL)}
    assert origins == {clip.video_id: "manual" for clip in clips} | {
        clip.video_id: "none" for clip in silent
    }
    failed = attempts(home, CHANNEL, "transcripts").values()
    assert {row.video_id: row.status for row in failed} == {
        clip.video_id: "permanent" for clip in gone
    }
