"""What interrupts a listing, or looks like its end, and how it goes on."""

import json
from datetime import timedelta

import pytest

from impressions_assets.errors import QuotaSpent
from impressions_assets.storage.forgetting import bury, remove_rows, traces_of
from impressions_assets.storage.records import SHARED
from impressions_assets_tests.servers.youtube import Answer

ITEMS = "/youtube/v3/playlistItems"
VIDEOS = "/youtube/v3/videos"


def ids(clips):
    return {clip.video_id for clip in clips}


def refused(reason):
    """Return how the Data API refuses."""
    error = {"code": 400, "message": reason, "errors": [{"reason": reason}]}
    return Answer(400, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})


def test_a_token_that_an_unchanged_page_gives_again_is_asked_for_without_its_etag(
    world, owner, look, youtube
):
    clips = world.uploads(owner, 120)
    look()
    youtube.fail(ITEMS, refused("invalidPageToken"), after=1)
    seen = look(sweep=True)
    assert seen.error is None
    assert seen.videos.keys() == ids(clips)
    assert seen.asked.count(ITEMS) == 5  # two in vain
    anew = youtube.asked(ITEMS)[-3]
    assert "if-none-match" not in anew.headers


def test_tokens_that_never_count_end_the_look_and_not_the_quota(world, owner, look, youtube):
    world.uploads(owner, 120)
    youtube.fail(ITEMS, *[None, refused("invalidPageToken")] * 20)
    seen = look()
    assert seen.error is not None
    assert seen.units < 10
    youtube.heal()
    assert len(look().videos) == 120


def test_a_token_of_the_shorts_that_counts_no_more_begins_them_anew(
    world, owner, look, visitor, youtube
):
    first = world.upload(owner, "The oldest", duration_seconds=30, is_short=True)
    for n in range(60):
        world.upload(owner, f"Short {n}", duration_seconds=30, is_short=True)
    visitor.limit = 5  # two pages, two batches, a page of Shorts
    assert isinstance(look().error, QuotaSpent)
    visitor.limit = 10_000
    youtube.fail(ITEMS, refused("invalidPageToken"))
    seen = look()
    assert seen.error is None
    assert seen.videos[first.video_id].is_short


def test_the_feed_is_looked_at_although_a_sweep_is_under_way(world, owner, look, visitor, youtube):
    world.uploads(owner, 200)
    look()
    visitor.limit = youtube.quota_spent + 6
    assert isinstance(look(sweep=True).error, QuotaSpent)
    visitor.limit = 10_000
    new = world.upload(owner, "New")
    seen = look()
    assert new.video_id in seen.videos
    assert seen.units == 1 + 3  # the new one, two batches, and the new one in its own


def test_a_video_told_of_in_an_unknown_way_stops_no_other(world, owner, look, visitor, youtube):
    clips = world.uploads(owner, 3)
    broken = clips[1].video_id
    item = {"id": broken, "snippet": {"title": None}}
    body = json.dumps({"kind": "youtube#videoListResponse", "items": [item]}).encode()
    youtube.fail(VIDEOS, Answer(200, body, {"Content-Type": "application/json"}))
    seen = look()
    assert seen.error is None
    assert broken in seen.failed
    visitor.wait(hours=2)
    assert look().videos.keys() == ids(clips)


def test_the_last_video_of_a_link_is_purged_too(world, owner, visitor):
    clip = world.upload(owner, "Alone")
    visitor.look("video", clip.video_id, gone="purge")
    world.edit(clip, privacy="deleted")
    seen = visitor.look("video", clip.video_id, gone="purge", sweep=True)
    assert (seen.videos, seen.error) == ({}, None)


@pytest.mark.parametrize("state", ["live", "upcoming"])
def test_a_stream_without_end_is_looked_at_ever_more_seldom_but_always(
    world, owner, look, visitor, state
):
    starts = visitor.now - timedelta(days=1)
    stream = world.upload(owner, "Live", live=state, starts=starts)
    waits = []
    for _ in range(8):
        seen = look()
        until = type(starts).fromisoformat(seen.failed[stream.video_id].not_before)
        waits.append(until - visitor.now)
        visitor.now = until
    assert waits[0] == timedelta(hours=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(days=1)


@pytest.mark.parametrize("way", ["lister", "keyless"])
def test_a_forgotten_video_is_not_kept_again_by_any_look(world, owner, visitor, home, way):
    clips = world.uploads(owner, 4)
    clip = world.upload(owner, "A title that is forgotten")
    link = ("channel", owner.channel_id)
    visitor.look(*link, lister=getattr(visitor, way)())
    bury(home, clip.video_id)
    remove_rows(home, clip.video_id)
    world.edit(clip, description="Words that come later")
    for sweep in (False, True):
        seen = visitor.look(*link, lister=getattr(visitor, way)(), sweep=sweep)
        assert seen.error is None
        assert seen.videos.keys() == ids(clips)
    assert traces_of(home, clip.video_id) == []
    kept = b"".join(capture.body for capture in home.table("captures").rows(SHARED))
    assert b"A title that is forgotten" not in kept


def test_a_link_whose_only_video_was_forgotten_is_no_failure(world, owner, visitor, home):
    clip = world.upload(owner, "Alone")
    visitor.look("video", clip.video_id)
    bury(home, clip.video_id)
    remove_rows(home, clip.video_id)
    for sweep in (False, True):
        seen = visitor.look("video", clip.video_id, sweep=sweep)
        assert (seen.videos, seen.error) == ({}, None)
