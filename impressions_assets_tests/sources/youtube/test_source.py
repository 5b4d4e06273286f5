"""What is listed of a link, first and later, and what it costs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from impressions_assets.errors import QuotaSpent
from impressions_assets_tests.servers.youtube import Answer

FEED = "/feeds/videos.xml"
ITEMS = "/youtube/v3/playlistItems"
VIDEOS = "/youtube/v3/videos"


def ids(clips):
    return {clip.video_id for clip in clips}


def test_the_first_look_lists_every_upload_and_asks_for_each_once(world, owner, look):
    clips = world.uploads(owner, 120)
    seen = look()
    assert seen.error is None
    assert seen.videos.keys() == ids(clips)
    assert seen.asked == [FEED, *[ITEMS, VIDEOS] * 3]
    assert seen.units == 6


def test_a_look_without_news_makes_one_request_and_spends_nothing(world, owner, look):
    world.uploads(owner, 30)
    first = look()
    later = look()
    assert later.videos == first.videos
    assert later.asked == [FEED]
    assert later.units == 0


def test_a_new_upload_is_asked_for_alone(world, owner, look, youtube):
    world.uploads(owner, 30)
    look()
    new = world.upload(owner, "Brand new")
    seen = look()
    assert new.video_id in seen.videos
    assert len(seen.videos) == 31
    assert seen.asked == [FEED, VIDEOS]
    assert youtube.requests[-1].query["id"] == new.video_id


def test_more_uploads_than_the_feed_holds_are_all_found(world, owner, look):
    world.uploads(owner, 30)
    look()
    new = world.uploads(owner, 130)
    seen = look()
    assert ids(new) <= seen.videos.keys()
    assert len(seen.videos) == 160
    assert seen.units == 3 + 3  # three pages down to a known one, 130 videos
    assert look().units == 0


def test_a_quota_spent_among_many_new_uploads_loses_none(world, owner, look, visitor):
    world.uploads(owner, 30)
    look()
    new = world.uploads(owner, 130)
    visitor.limit = visitor.youtube.quota_spent + 2
    assert isinstance(look().error, QuotaSpent)
    visitor.limit = 10_000
    assert ids(new) <= look().videos.keys()


@pytest.mark.parametrize("change", [{"title": "Better"}, {"description": "More words"}])
def test_an_edited_title_or_description_is_a_change_of_that_video_alone(
    world, owner, look, youtube, change
):
    clips = world.uploads(owner, 12)
    first = look()
    edited = world.edit(clips[4], **change)
    seen = look()
    assert seen.asked == [FEED, VIDEOS]
    assert youtube.requests[-1].query["id"] == edited.video_id
    ((name, value),) = change.items()
    assert getattr(seen.videos.pop(edited.video_id), name) == value
    first.videos.pop(edited.video_id)
    assert seen.videos == first.videos


@pytest.mark.parametrize("which", [25, 3])
@pytest.mark.parametrize(
    ("privacy", "status"), [("private", "deleted"), ("deleted", "deleted"), ("unlisted", "private")]
)
def test_a_video_that_is_gone_keeps_its_row_with_its_status(
    world, owner, look, which, privacy, status
):
    """An upload out of sight: the API does not say whether it is private or deleted."""
    clips = world.uploads(owner, 30)
    before = look().videos[clips[which].video_id]
    world.edit(clips[which], privacy=privacy)
    is_in_the_feed = which > 15
    seen = look(sweep=not is_in_the_feed)
    gone = seen.videos[clips[which].video_id]
    assert (gone.status, gone.title) == (status, before.title)
    assert len(seen.videos) == 30
    assert sum(video.status == "ok" for video in seen.videos.values()) == 29
    assert look().asked == [FEED]


def test_a_video_that_is_gone_is_not_yielded_where_the_policy_says_purge(world, owner, look):
    clips = world.uploads(owner, 5)
    look()
    world.edit(clips[2], privacy="deleted")
    assert look(gone="purge").videos.keys() == ids(clips) - {clips[2].video_id}


@pytest.mark.slow
def test_a_key_that_comes_later_loses_no_video_that_was_gone_by_then(world, owner, look, visitor):
    clips = world.uploads(owner, 6)
    titles = {clip.video_id: clip.title for clip in clips}
    assert look(lister=visitor.keyless()).videos.keys() == ids(clips)
    world.edit(clips[1], privacy="deleted")
    look(lister=visitor.keyless(), sweep=True)
    world.edit(clips[2], privacy="deleted")
    for _ in range(2):
        seen = look().videos
        assert {video_id: video.title for video_id, video in seen.items()} == titles
        gone = {video_id for video_id, video in seen.items() if video.status == "deleted"}
        assert gone == ids(clips[1:3])
    assert look(gone="purge").videos.keys() == ids([clips[0], *clips[3:]])


def test_an_upload_that_the_api_does_not_know_yet_is_asked_for_again_and_not_taken_for_deleted(
    world, owner, look, visitor, youtube
):
    world.uploads(owner, 5)
    look()
    new = world.upload(owner, "Just now")
    body = b'{"kind": "youtube#videoListResponse", "items": []}'
    nothing = Answer(200, body, {"Content-Type": "application/json"})
    youtube.fail(VIDEOS, nothing)
    seen = look()
    assert new.video_id not in seen.videos
    assert seen.failed[new.video_id].retry
    visitor.wait(hours=1)
    assert look().videos[new.video_id].status == "ok"


def test_a_private_video_that_is_public_again_is_ok_again(world, owner, look):
    clips = world.uploads(owner, 5)
    look()
    world.edit(clips[2], privacy="private")
    assert look().videos[clips[2].video_id].status == "deleted"
    world.edit(clips[2], privacy="public")
    assert look().videos[clips[2].video_id].status == "ok"


def test_the_sweep_finds_what_the_feed_missed_and_its_second_night_gets_304s(
    world, owner, look, youtube
):
    clips = world.uploads(owner, 120)
    look()
    world.edit(clips[3], title="An old one, edited")
    swept = look(sweep=True)
    assert swept.videos[clips[3].video_id].title == "An old one, edited"
    again = look(sweep=True)
    assert again.videos == swept.videos
    assert again.units == 6
    conditional = [r for r in youtube.requests[-6:] if "if-none-match" in r.headers]
    assert len(conditional) == 6


def test_a_live_stream_is_looked_at_when_it_should_begin_and_until_it_ended(
    world, owner, look, visitor
):
    world.uploads(owner, 3)
    starts = visitor.now + timedelta(hours=5)
    stream = world.upload(owner, "Live", live="upcoming", starts=starts, duration_seconds=5400)
    seen = look()
    video = seen.videos[stream.video_id]
    assert (video.status, video.live, video.duration_seconds) == ("live", "upcoming", None)
    assert seen.failed[stream.video_id].retry
    assert seen.failed[stream.video_id].not_before == starts.isoformat()
    assert look().units == 0
    visitor.now = starts
    world.clips[stream.video_id] = _silently(world.clips[stream.video_id], live="live")
    assert look().videos[stream.video_id].live == "live"
    assert look().units == 0
    visitor.wait(hours=1)
    world.clips[stream.video_id] = _silently(world.clips[stream.video_id], live="ended")
    seen = look()
    video = seen.videos[stream.video_id]
    assert (video.status, video.live, video.duration_seconds) == ("ok", "ended", 5400)
    assert not seen.failed


def _silently(clip, **changes):
    """Changed as a stream changes: the feed does not tell."""
    return replace(clip, **changes)


def test_shorts_are_known_by_the_feed_and_by_their_playlist(world, owner, look, youtube):
    old = world.upload(owner, "Old Short", duration_seconds=40, is_short=True)
    plain = world.upload(owner, "Old and brief, but no Short", duration_seconds=40)
    world.uploads(owner, 20)
    new = world.upload(owner, "New Short", duration_seconds=170, is_short=True)
    seen = look()
    assert {v.video_id for v in seen.videos.values() if v.is_short} == ids([old, new])
    assert not seen.videos[plain.video_id].is_short
    assert seen.units == 3  # a page of uploads, a batch of videos, a page of Shorts
    another = world.upload(owner, "Another Short", duration_seconds=60, is_short=True)
    seen = look()
    assert seen.videos[another.video_id].is_short
    assert seen.units == 1


def test_a_video_with_a_brief_length_costs_one_page_of_shorts_however_many_there_are(
    world, owner, look, youtube
):
    for n in range(120):
        world.upload(owner, f"Short {n}", duration_seconds=30, is_short=True)
    look()
    clips = [world.upload(owner, f"Brief {n}", duration_seconds=90) for n in range(20)]
    seen = look()
    assert not any(seen.videos[clip.video_id].is_short for clip in clips)
    assert seen.units == 3


def test_without_a_feed_the_top_of_the_playlist_tells_what_is_new(world, owner, look, youtube):
    world.uploads(owner, 70)
    look()
    new = world.upload(owner, "New while the feed is away")
    youtube.fail(FEED, *[500] * 4)
    seen = look()
    assert new.video_id in seen.videos
    assert seen.error is None
    assert seen.units == 2


def test_a_description_of_five_thousand_emoji_survives(world, owner, look):
    clip = world.upload(owner, "😀", description="🦆" * 5000, tags=("🦆", "ente"))
    video = look().videos[clip.video_id]
    assert video.description == "🦆" * 5000
    assert video.tags == ("🦆", "ente")
    assert look().units == 0


@pytest.mark.slow
def test_five_thousand_videos_cost_two_hundred_units_and_later_nothing(world, owner, look):
    """A page and a batch for each 50; a unit more for each 50 Shorts among them."""
    clips = world.uploads(owner, 4900, tracks=())
    clips += world.uploads(owner, 100, tracks=(), is_short=True, duration_seconds=30)
    seen = look()
    assert seen.videos.keys() == ids(clips)
    assert seen.units == 100 + 100 + 2
    assert look().asked == [FEED]
