"""Listing without a key, through yt-dlp against a server: the same rows, at another price."""

import json
import logging
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from impressions_assets.errors import Blocked, SourceMissing, SourceRefused, SourceUnreachable
from impressions_assets.sources.youtube.keyless import KeylessLister
from impressions_assets.sources.youtube.session import Way
from impressions_assets.sources.youtube.ytdlp import YtDlp
from impressions_assets.storage.budget import Budget
from impressions_assets_tests.servers.youtube import Answer
from impressions_assets_tests.servers.youtube_world import CaptionTrack

FEED = "/feeds/videos.xml"
PLAYLIST = "/playlist"
BROWSE = "/youtubei/v1/browse"
WATCH = "/watch"
NEXT = "/youtubei/v1/next"
PLAYER = "/youtubei/v1/player"
SPOKEN = (CaptionTrack("en", is_automatic=True),)


def ids(clips):
    return {clip.video_id for clip in clips}


@pytest.fixture
def keyless(visitor, owner):
    """Look at the channel."""

    def look(**options):
        return visitor.look("channel", owner.channel_id, lister=visitor.keyless(), **options)

    return look


def test_both_ways_to_list_yield_the_same_rows_field_by_field(world, owner, visitor):
    world.upload(owner, "Plain", tracks=SPOKEN)
    world.upload(
        owner, "  Spaces   and 🦆 ", description="a\n\nb 🦆", tags=("x", "y z"), tracks=SPOKEN
    )
    world.upload(owner, "Free", license="creativeCommon", language="de",
                 tracks=(CaptionTrack("de", is_automatic=True),))  # fmt: skip
    world.upload(owner, "Silent", language=None, tracks=())
    world.upload(owner, "Short", is_short=True, duration_seconds=50, tracks=SPOKEN)
    world.upload(owner, "Brief", duration_seconds=50, tracks=SPOKEN)
    world.upload(owner, "Grown-up", watch="age", language=None)
    world.upload(owner, "Soon", live="upcoming", starts=visitor.now + timedelta(hours=5),
                 language=None)  # fmt: skip
    world.upload(owner, "Now", live="live", language=None)
    world.upload(owner, "Over", live="ended", tracks=SPOKEN)
    listed = world.upload(owner, "By link only", privacy="unlisted", tracks=SPOKEN)
    hidden = world.upload(owner, "Hidden", privacy="private")
    removed = world.upload(owner, "Removed", privacy="deleted")
    playlist = world.make_playlist("All", world.clips.values())
    by_key = visitor.look("playlist", playlist.playlist_id)
    without = visitor.look("playlist", playlist.playlist_id, lister=visitor.keyless())
    assert by_key.error is without.error is None
    assert by_key.videos.keys() == world.clips.keys()
    for video_id, video in by_key.videos.items():
        assert msgspec.to_builtins(video) == msgspec.to_builtins(without.videos[video_id])
    assert by_key.failed == without.failed
    assert by_key.videos[listed.video_id].status == "ok"
    assert by_key.videos[hidden.video_id].status == "private"
    assert by_key.videos[removed.video_id].status == "deleted"


def test_chapters_come_without_a_key_alone_and_only_those_of_youtube(world, owner, keyless):
    """The API tells none; what a description lists is read from the description, later."""
    shown = ((0.0, "Hello"), (100.0, "Middle"), (300.0, "End"))
    chapters = world.upload(owner, "With", chapters=shown)
    listed = world.upload(owner, "Without", description="0:00 A\n1:00 B\n2:00 C")
    seen = keyless()
    found = seen.videos[chapters.video_id].chapters
    assert [(chapter.start_seconds, chapter.title) for chapter in found] == list(shown)
    assert seen.videos[listed.video_id].chapters == ()


@pytest.mark.slow
def test_a_channel_is_paged_by_a_hundred_and_each_video_is_asked_for_once(world, owner, keyless):
    clips = world.uploads(owner, 130)
    seen = keyless()
    assert seen.videos.keys() == ids(clips)
    assert [path for path in seen.asked if path not in (WATCH, NEXT)] == [
        FEED, PLAYLIST, BROWSE, BROWSE,
    ]  # fmt: skip
    assert seen.asked.count(WATCH) == 130
    assert seen.units == 0
    assert keyless().asked == [FEED]


@pytest.mark.slow
def test_a_new_upload_and_an_edit_are_asked_for_alone(world, owner, keyless):
    clips = world.uploads(owner, 20)
    keyless()
    new = world.upload(owner, "New")
    edited = world.edit(clips[10], title="Edited")
    seen = keyless()
    assert seen.asked == [FEED, WATCH, NEXT, WATCH, NEXT]
    assert new.video_id in seen.videos
    assert seen.videos[edited.video_id].title == "Edited"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("privacy", "status"), [("private", "private"), ("deleted", "deleted"), ("unlisted", "private")]
)
def test_a_video_that_is_gone_keeps_its_row_with_its_status(world, owner, keyless, privacy, status):
    clips = world.uploads(owner, 20)
    keyless()
    world.edit(clips[18], privacy=privacy)
    gone = keyless().videos[clips[18].video_id]
    assert (gone.status, gone.title) == (status, clips[18].title)


@pytest.mark.slow
def test_the_sweep_asks_for_those_whose_title_changed_and_who_are_missing(world, owner, keyless):
    clips = world.uploads(owner, 40)
    keyless()
    world.edit(clips[3], title="An old one, edited")
    world.edit(clips[4], privacy="deleted")
    seen = keyless(sweep=True)
    assert seen.asked.count(WATCH) == 2
    assert seen.videos[clips[3].video_id].title == "An old one, edited"
    assert seen.videos[clips[4].video_id].status == "deleted"
    assert len(seen.videos) == 40


@pytest.mark.parametrize(
    ("path", "fault"),
    [(WATCH, "blocked"), (WATCH, "captcha"), (PLAYLIST, "captcha"), (BROWSE, "blocked")],
)
def test_a_block_pauses_and_then_it_goes_on_where_it_stopped(
    world, owner, keyless, visitor, youtube, fault, path
):
    clips = world.uploads(owner, 4)
    youtube.fail(path, fault)
    first = keyless()
    assert isinstance(first.error, Blocked)
    assert set(keyless().asked) <= {FEED}
    youtube.heal()
    visitor.now = first.error.until
    assert keyless().videos.keys() == ids(clips)
    assert {r.query["v"] for r in youtube.asked(WATCH)} == ids(clips)
    assert len(youtube.asked(WATCH)) <= len(clips) + 1


def test_a_player_that_wants_a_login_from_a_robot_is_a_block_and_no_missing_video(
    world, owner, keyless, visitor, youtube
):
    clip = world.upload(owner, "Fine")
    youtube.fail(WATCH, "bot")
    youtube.fail(PLAYER, *["bot"] * 9)
    assert isinstance(keyless().error, Blocked)
    youtube.heal()
    visitor.wait(hours=2)
    assert keyless().videos[clip.video_id].status == "ok"


def test_a_block_whose_page_shows_the_title_is_a_block_each_time_for_longer(
    world, owner, visitor, youtube
):
    clip = world.upload(owner, "Fine")
    refusal = {"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm you\u2019re not a bot"}
    page = (
        '<html><head><meta property="og:title" content="Fine"></head><body>'
        f"<script>ytcfg.set({json.dumps({'INNERTUBE_CONTEXT_CLIENT_NAME': 1})});</script><script>"
        f"var ytInitialPlayerResponse = {json.dumps({'playabilityStatus': refusal})};</script>"
    )
    youtube.fail_often(WATCH, 1, Answer(200, page.encode(), {"Content-Type": "text/html"}))
    youtube.fail_often(PLAYER, 1, "bot")
    pauses = []
    for _ in range(3):
        with pytest.raises(Blocked) as raised:
            visitor.keyless().videos([clip.video_id])
        pauses.append(raised.value.until - visitor.now)
        visitor.now = raised.value.until
    assert timedelta(hours=3.5) < pauses[2] <= timedelta(hours=4)


def test_a_list_that_breaks_off_is_no_whole_list(world, owner, visitor, youtube):
    world.uploads(owner, 120)
    lister = visitor.keyless()
    page = lister.page(owner.uploads)
    youtube.fail_often(BROWSE, 1, Answer(200, b"{}", {"Content-Type": "application/json"}))
    with pytest.raises(SourceUnreachable):
        lister.page(owner.uploads, page.next_token)


class _Closed(BaseHTTPRequestHandler):
    """A proxy that reaches nobody."""

    def do_CONNECT(self):
        self.send_error(503, "Service Unavailable")

    def log_message(self, format, *args):
        """Say nothing."""


def test_what_a_proxy_says_of_itself_is_not_taken_for_a_deleted_video(visitor):
    with HTTPServer(("127.0.0.1", 0), _Closed) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        lister = visitor.keyless(base_url="", proxy=f"http://127.0.0.1:{proxy.server_port}")
        answer = lister.videos(["x" * 11])
        proxy.shutdown()
        thread.join()
    assert answer.gone == {}
    assert isinstance(answer.errors["x" * 11], SourceUnreachable)


@pytest.mark.parametrize("fault", [500, "cut", "empty"])
@pytest.mark.parametrize("path", [WATCH, NEXT, PLAYLIST, BROWSE])
def test_what_may_work_a_moment_later_is_tried_again(world, owner, keyless, youtube, path, fault):
    clips = world.uploads(owner, 3)
    youtube.fail(path, fault)
    seen = keyless()
    while seen.error or seen.failed:
        assert isinstance(seen.error, SourceUnreachable | None)
        seen = keyless(sweep=True)
    assert seen.videos.keys() == ids(clips)
    assert all(video.status == "ok" for video in seen.videos.values())
    assert youtube.asked(path)


@pytest.mark.slow
def test_a_video_that_fails_again_and_again_stops_no_other_and_is_tried_later(
    world, owner, keyless, visitor, youtube
):
    clips = world.uploads(owner, 12)
    youtube.fail(WATCH, *[500] * 4)
    youtube.fail(PLAYER, *[500] * 4)
    seen = keyless()
    ((video_id, failed),) = seen.failed.items()
    assert seen.videos.keys() == ids(clips) - {video_id}
    assert failed.retry
    visitor.wait(hours=1)
    assert keyless().videos.keys() == ids(clips)


def test_a_live_stream_is_looked_at_until_it_ended(world, owner, keyless, visitor):
    starts = visitor.now + timedelta(hours=3)
    stream = world.upload(owner, "Live", live="upcoming", starts=starts)
    seen = keyless()
    assert seen.videos[stream.video_id].live == "upcoming"
    assert seen.failed[stream.video_id].not_before == starts.isoformat()
    world.clips[stream.video_id] = replace(world.clips[stream.video_id], live="ended")
    assert keyless().videos[stream.video_id].live == "upcoming"
    visitor.now = starts
    assert keyless().videos[stream.video_id].live == "ended"


@pytest.mark.parametrize(
    ("kind", "name"), [("handle", "talks"), ("user", "oldtalks"), ("custom", "TalksOfOld")]
)
def test_handles_and_names_lead_to_the_channel(world, owner, visitor, kind, name):
    world.uploads(owner, 2)
    assert len(visitor.look(kind, name, lister=visitor.keyless()).videos) == 2


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
    seen = visitor.look(kind, name, lister=visitor.keyless())
    assert isinstance(seen.error, SourceMissing)
    assert name in str(seen.error)


def test_the_cookies_file_is_sent_and_left_as_it_is(world, owner, visitor, youtube, tmp_path):
    clip = world.upload(owner, "One")
    cookies = tmp_path / "cookies.txt"
    text = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t2147483647\tLOGIN\tme\n"
    cookies.write_text(text)
    visitor.look("video", clip.video_id, lister=visitor.keyless(cookies_file=cookies))
    assert "LOGIN=me" in youtube.asked(WATCH)[0].headers["cookie"]
    visitor.close()
    assert cookies.read_text() == text


@pytest.mark.parametrize("text", ["[]", "# Netscape HTTP Cookie File\n.youtube.com\ta-login\n"])
def test_a_cookies_file_that_is_none_is_the_users_to_mend(visitor, tmp_path, capfd, text):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(text)
    with pytest.raises(SourceRefused, match=r"cookies\.txt"):
        visitor.keyless(cookies_file=cookies)
    assert "a-login" not in "".join(capfd.readouterr())  # yt-dlp prints lines that it skips


def test_a_proxys_password_is_in_no_message_and_no_log_and_nothing_is_printed(
    world, owner, visitor, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    clip = world.upload(owner, "One")
    lister = visitor.keyless(proxy="http://me:very-secret@127.0.0.1:9")
    seen = visitor.look("video", clip.video_id, lister=lister)
    ((_, failed),) = seen.failed.items()
    assert failed.retry
    said = capfd.readouterr()
    assert said.out == said.err == ""
    assert "very-secret" not in caplog.text + str(seen)


def test_every_request_waits_for_its_turn(world, owner, visitor, youtube):
    world.uploads(owner, 3)
    turns = []
    budget = Budget(visitor.home, "youtube.com", None)
    way = Way(base_url=youtube.url)
    pages = visitor.opened(YtDlp(budget, lambda: turns.append(1), way))
    seen = visitor.look("channel", owner.channel_id, lister=KeylessLister(pages))
    assert len(turns) == len(seen.asked) - seen.asked.count(FEED)
