"""A listing that is cut short: by the quota, a kill, faults. What came is paid for once."""

import subprocess
import sys
import time
from datetime import timedelta

import msgspec
import pytest

from impressions_assets.errors import QuotaSpent, SourceUnreachable
from impressions_assets.sources.youtube.lister import Place
from impressions_assets.sources.youtube.memory import Memory
from impressions_assets.storage.captures import Raw
from impressions_assets_tests.servers.youtube_world import START

FEED = "/feeds/videos.xml"
ITEMS = "/youtube/v3/playlistItems"
VIDEOS = "/youtube/v3/videos"


def ids(clips):
    return {clip.video_id for clip in clips}


def test_a_quota_spent_in_the_middle_goes_on_the_next_day_where_it_stopped(
    world, owner, look, visitor, youtube
):
    clips = world.uploads(owner, 300)  # 6 pages and 6 batches
    visitor.limit = 5
    first = look()
    assert isinstance(first.error, QuotaSpent)
    assert youtube.quota_spent == 5
    assert len(first.videos) == 100  # the third page is read, its videos are not
    assert isinstance(look().error, QuotaSpent)
    assert youtube.quota_spent == 5
    days = 0
    while (seen := look()).error:
        assert seen.error.until - visitor.now <= timedelta(days=1)
        visitor.now = seen.error.until
        days += 1
        assert days < 5
    assert seen.videos.keys() == ids(clips)
    assert youtube.quota_spent == 12
    asked = [v for r in youtube.asked(VIDEOS) for v in r.query["id"].split(",")]
    assert sorted(asked) == sorted(ids(clips))


def test_google_itself_saying_that_the_quota_is_spent_pauses_until_its_midnight(
    world, owner, look, visitor, youtube
):
    world.uploads(owner, 300)
    youtube.quota_limit = 5
    first = look()
    assert isinstance(first.error, QuotaSpent)
    assert first.error.until.isoformat() == "2026-11-22T08:00:00+00:00"
    assert look().asked == []
    visitor.now, youtube.quota_spent = first.error.until, 0
    youtube.quota_limit = 10_000
    seen = look()
    assert seen.error is None
    assert len(seen.videos) == 300
    assert seen.units == 7


def test_a_sweep_that_the_quota_stops_goes_on_the_next_day(world, owner, look, visitor, youtube):
    clips = world.uploads(owner, 200)
    look()
    world.edit(clips[150], title="Edited")
    visitor.limit = youtube.quota_spent + 6  # four pages and two of four batches
    assert isinstance(look(sweep=True).error, QuotaSpent)
    visitor.limit = 10_000
    seen = look()
    assert seen.units == 2
    assert seen.videos[clips[150].video_id].title == "Edited"
    assert look().asked == [FEED]


def test_a_walk_that_is_told_its_token_counts_no_more_begins_anew(
    world, owner, look, visitor, home
):
    clips = world.uploads(owner, 120)
    visitor.limit = 2
    look()
    place = Place("channel", owner.channel_id)
    memory = Memory(Raw(home), "youtube-data-api", place, lambda: START)
    (walked,) = memory.state.walk
    page = msgspec.structs.replace(walked.page, next_token="old")
    memory.state.walk[0] = msgspec.structs.replace(walked, page=page)
    memory.flush()
    visitor.limit = 10_000
    assert look().videos.keys() == ids(clips)


_LIST = """
import sys
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home
from impressions_assets.sources.youtube.api import ApiLister
from impressions_assets.sources.youtube.feed import Feed
from impressions_assets.sources.youtube.source import YouTubeSource
from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets_tests.sources.youtube.conftest import KEY, NoCaptionsHere
url, root, channel = sys.argv[1:]
home = Home(root)
lister = ApiLister(KEY, Budget(home, "youtube", None), base_url=url)
link = YouTubeLink("channel", channel)
source = YouTubeSource(link, lister, Feed(url), NoCaptionsHere(), Raw(home), readers={})
list(source.list_videos())
"""


@pytest.mark.slow
def test_a_kill_between_two_answers_pays_for_no_more_than_one_page_again(
    world, owner, look, youtube, home
):
    clips = world.uploads(owner, 200)
    process = subprocess.Popen(
        [sys.executable, "-c", _LIST, youtube.url, home.root, owner.channel_id]
    )
    while len(youtube.asked(VIDEOS)) < 2 and process.poll() is None:
        time.sleep(0.01)
    youtube.fail(VIDEOS, "hang")
    while len(youtube.asked(VIDEOS)) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    spent = youtube.quota_spent
    assert spent < 8
    seen = look()
    assert seen.videos.keys() == ids(clips)
    assert youtube.quota_spent <= 8 + 2


def test_faults_in_every_fourth_answer_end_with_every_video_right(world, owner, look, visitor):
    visitor.timeout_seconds = 0.3
    clips = world.uploads(owner, 200)
    visitor.youtube.fail_often(".*", 0.25, 500, 429, 503, "cut")
    seen = look()
    while seen.error:
        assert isinstance(seen.error, SourceUnreachable)
        seen = look()
    visitor.youtube.heal()
    assert seen.videos.keys() == ids(clips)
    assert all(v.title == world.clips[v.video_id].title for v in seen.videos.values())
