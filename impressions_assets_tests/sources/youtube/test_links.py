"""What is listed of a playlist, a single video, a handle or a name."""

import pytest

from impressions_assets.errors import SourceMissing

FEED = "/feeds/videos.xml"
ITEMS = "/youtube/v3/playlistItems"
VIDEOS = "/youtube/v3/videos"


def ids(clips):
    return {clip.video_id for clip in clips}


def test_a_playlist_is_listed_in_whole_with_what_it_shows_no_more(world, owner, visitor):
    clips = world.uploads(owner, 20)
    world.edit(clips[3], privacy="private")
    world.edit(clips[4], privacy="deleted")
    playlist = world.make_playlist("Best of", clips)
    seen = visitor.look("playlist", playlist.playlist_id)
    assert seen.videos.keys() == ids(clips)
    assert seen.videos[clips[3].video_id].status == "private"
    assert seen.videos[clips[4].video_id].status == "deleted"
    assert visitor.look("playlist", playlist.playlist_id).asked == [FEED]


def test_a_playlist_is_walked_through_when_its_feed_shows_another_order(world, owner, visitor):
    clips = world.uploads(owner, 70)
    playlist = world.make_playlist("Best of", clips[:60])
    visitor.look("playlist", playlist.playlist_id)
    playlist.video_ids = [c.video_id for c in (clips[65], *clips[:5], *clips[6:60], clips[66])]
    seen = visitor.look("playlist", playlist.playlist_id)
    assert seen.videos.keys() == set(playlist.video_ids)
    assert seen.asked == [FEED, ITEMS, VIDEOS, ITEMS, VIDEOS]  # the last: a new one, and who left
    assert visitor.look("playlist", playlist.playlist_id).asked == [FEED]


def test_an_addition_below_what_the_feed_of_a_playlist_holds_is_found_by_the_sweep(
    world, owner, visitor
):
    clips = world.uploads(owner, 31)
    playlist = world.make_playlist("Best of", clips[:30])
    visitor.look("playlist", playlist.playlist_id)
    playlist.video_ids.append(clips[30].video_id)
    assert len(visitor.look("playlist", playlist.playlist_id).videos) == 30
    assert len(visitor.look("playlist", playlist.playlist_id, sweep=True).videos) == 31


def test_a_video_listed_twice_is_yielded_once(world, owner, visitor):
    clips = world.uploads(owner, 60)
    playlist = world.make_playlist("Twice", [*clips, *clips])
    seen = visitor.look("playlist", playlist.playlist_id)
    assert len(seen.videos) == 60
    assert seen.asked.count(VIDEOS) == 2


def test_a_second_link_to_the_same_videos_asks_only_for_the_list(world, owner, visitor):
    clips = world.uploads(owner, 40)
    visitor.look("channel", owner.channel_id)
    playlist = world.make_playlist("Some", clips[:10])
    seen = visitor.look("playlist", playlist.playlist_id)
    assert seen.videos.keys() == ids(clips[:10])
    assert seen.asked == [FEED, ITEMS]


def test_a_single_video_is_asked_for_once(world, owner, visitor):
    clip = world.upload(owner, "Alone")
    seen = visitor.look("video", clip.video_id)
    assert seen.videos[clip.video_id].title == "Alone"
    assert visitor.look("video", clip.video_id).asked == []
    world.edit(clip, title="Alone, edited")
    seen = visitor.look("video", clip.video_id, sweep=True)
    assert seen.videos[clip.video_id].title == "Alone, edited"


def test_a_single_video_that_was_private_is_asked_for_until_it_is_seen(world, owner, visitor):
    clip = world.upload(owner, "Alone", privacy="private")
    assert isinstance(visitor.look("video", clip.video_id).error, SourceMissing)
    world.edit(clip, privacy="public")
    assert visitor.look("video", clip.video_id).videos.keys() == {clip.video_id}
    assert visitor.look("video", clip.video_id).asked == []


@pytest.mark.parametrize(
    ("kind", "name"), [("handle", "talks"), ("user", "oldtalks"), ("custom", "talks")]
)
def test_a_handle_and_a_name_cost_a_unit_once(world, owner, visitor, kind, name):
    world.uploads(owner, 3)
    assert visitor.look(kind, name).units == 3
    assert visitor.look(kind, name).asked == [FEED]


def test_a_custom_name_that_is_no_handle_says_what_to_write(world, owner, visitor):
    seen = visitor.look("custom", "TalksOfOld")
    assert isinstance(seen.error, SourceMissing)
    assert "@handle" in str(seen.error)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("channel", "UC" + "x" * 22),
        ("playlist", "PL" + "x" * 32),
        ("video", "x" * 11),
        ("handle", "nobody"),
    ],
)
def test_what_is_not_there_is_an_error_and_never_an_empty_list(visitor, kind, name):
    seen = visitor.look(kind, name)
    assert isinstance(seen.error, SourceMissing)
    assert name in str(seen.error)


def test_a_channel_without_uploads_is_told_so_and_begins_when_one_comes(world, owner, look):
    assert "no public videos" in str(look().error)
    clip = world.upload(owner, "The first")
    assert look().videos.keys() == {clip.video_id}


def test_an_empty_or_private_playlist_is_an_error(world, owner, visitor):
    empty = world.make_playlist("Empty", [])
    hidden = world.make_playlist("Hidden", world.uploads(owner, 3), privacy="private")
    for playlist in (empty, hidden):
        assert isinstance(visitor.look("playlist", playlist.playlist_id).error, SourceMissing)


def test_a_playlist_that_turned_private_keeps_what_was_known_and_says_so(world, owner, visitor):
    playlist = world.make_playlist("Best of", world.uploads(owner, 3))
    visitor.look("playlist", playlist.playlist_id)
    playlist.privacy = "private"
    seen = visitor.look("playlist", playlist.playlist_id)
    assert len(seen.videos) == 3
    assert isinstance(seen.error, SourceMissing)
