"""The feed's client against a server."""

import pytest

from impressions_assets.errors import SourceMissing, SourceRefused, SourceUnreachable
from impressions_assets.sources.youtube.feed import News
from impressions_assets.sources.youtube.lister import Place
from impressions_assets_tests.servers.youtube import Answer

FEED = "/feeds/videos.xml"


@pytest.fixture
def feed(visitor):
    return visitor.feed()


@pytest.fixture
def place(owner):
    return Place("channel", owner.channel_id)


def test_it_holds_the_fifteen_newest_and_says_which_are_shorts(world, owner, feed, place):
    clips = world.uploads(owner, 20)
    short = world.upload(owner, "A <Short> & more", is_short=True)
    news = feed.news(place, News())
    shown = [entry.video_id for entry in news.entries]
    assert shown == [short.video_id, *[clip.video_id for clip in reversed(clips[6:])]]
    assert [entry.is_short for entry in news.entries] == [True] + [False] * 14


def test_it_is_asked_with_what_it_said_of_itself_and_answers_that_nothing_changed(
    world, owner, feed, place, youtube
):
    clip = world.upload(owner, "One")
    before = feed.news(place, News())
    assert feed.news(place, before) is None
    headers = youtube.requests[-1].headers
    assert headers["if-none-match"] == before.etag
    assert headers["if-modified-since"] == before.last_modified
    world.edit(clip, description="other words")
    (entry,) = feed.news(place, before).entries
    assert entry.digest != before.entries[0].digest


def test_a_playlist_has_a_feed_in_its_own_order(world, owner, feed):
    clips = world.uploads(owner, 3)
    playlist = world.make_playlist("Mixed", [clips[1], clips[2], clips[0], clips[1]])
    news = feed.news(Place("playlist", playlist.playlist_id), News())
    assert [e.video_id for e in news.entries] == [clips[n].video_id for n in (1, 2, 0)]


def test_a_channel_without_videos_has_an_empty_feed(feed, place):
    assert feed.news(place, News()).entries == ()


def test_no_feed_is_told_apart_from_no_answer(feed, place, youtube, visitor):
    with pytest.raises(SourceMissing, match="UCxxx"):
        feed.news(Place("channel", "UCxxx"), News())
    youtube.fail(FEED, *[500] * 4)
    with pytest.raises(SourceUnreachable, match="500"):
        feed.news(place, News())
    assert len(visitor.slept) == 3


def test_a_block_is_not_answered_with_more_requests(feed, place, youtube):
    youtube.fail(FEED, "blocked")
    with pytest.raises(SourceRefused, match="robot"):
        feed.news(place, News())
    assert len(youtube.requests) == 1


@pytest.mark.parametrize("fault", [500, "cut", "hang"])
def test_what_may_work_a_moment_later_is_tried_again(world, owner, place, youtube, visitor, fault):
    visitor.timeout_seconds = 0.2
    world.uploads(owner, 3)
    youtube.fail(FEED, fault)
    assert len(visitor.feed().news(place, News()).entries) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"<html>consent</html",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><feed>&b;</feed>',
    ],
)
def test_what_is_no_feed_is_no_empty_feed(place, youtube, visitor, body):
    youtube.fail(FEED, *[Answer(200, body)] * 4)
    with pytest.raises(SourceUnreachable, match="no feed"):
        visitor.feed().news(place, News())
