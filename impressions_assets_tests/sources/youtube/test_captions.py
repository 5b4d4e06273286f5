"""Captions through the real library: every outcome has its own error, and a block says nothing."""

import json
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from impressions_assets.errors import (
    Blocked,
    NoCaptions,
    NotYet,
    QuotaSpent,
    SourceMissing,
    SourceRefused,
    SourceUnreachable,
    VideoUnavailable,
)
from impressions_assets.home import Home
from impressions_assets.rows import Track
from impressions_assets.speech.captions import parse_track
from impressions_assets_tests.servers.youtube import Answer, Request, YouTube
from impressions_assets_tests.servers.youtube_captions import ROUTES, watch_page
from impressions_assets_tests.servers.youtube_world import CaptionTrack, Owner, cues_of
from impressions_assets_tests.sources.youtube.conftest import Connect

WATCH, PLAYER, TRACK = "/watch", "/youtubei/v1/player", "/api/timedtext"


def tracks(*languages: str) -> tuple[CaptionTrack, ...]:
    """Make tracks; `~en` is automatic."""
    return tuple(
        CaptionTrack(name.lstrip("~"), name.startswith("~"), cues_of(name)) for name in languages
    )


def places(offered: tuple[Track, ...]) -> list[str]:
    return [track.location for track in offered]


# What is on offer


def test_an_offer_and_a_track_cost_three_requests(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "attention")
    client = connect()
    (track,) = client.offer(clip.video_id)
    assert track == Track(
        language="en", kind="manual", format="timedtext", location="timedtext/en/manual"
    )
    body = client.fetch(clip.video_id, track)
    assert [request.path for request in youtube.requests] == [WATCH, PLAYER, TRACK]
    segments = parse_track(body, track.format).segments
    assert segments[0].text == "This is sentence 0 of attention, and it says what comes after 0."


def test_the_bytes_are_what_was_received(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = '<?xml version="1.0"?>\n<transcript>\n <text start="1">ä &amp;amp; ß</text> </transcript>'
    answer_with(monkeypatch, TRACK, odd.encode())
    clip = youtube.world.upload(owner, "odd")
    client = connect()
    assert client.fetch(clip.video_id, client.offer(clip.video_id)[0]) == odd.encode()


def test_manual_comes_before_automatic_before_translated(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x", tracks=tracks("~de", "hi", "de"))
    client = connect(translate_to=("fr", "en"))
    offered = client.offer(clip.video_id)
    assert [(t.language, t.kind) for t in offered] == [
        ("hi", "manual"),
        ("de", "manual"),
        ("de", "automatic"),
        ("fr", "translated"),
        ("en", "translated"),
    ]
    assert places(offered)[3:] == ["timedtext/de/manual/to/fr", "timedtext/de/manual/to/en"]
    body = client.fetch(clip.video_id, offered[3])
    assert b"[fr] This is sentence 0 of de" in body
    assert youtube.asked(TRACK)[0].query["tlang"] == "fr"
    assert "fmt" not in youtube.asked(TRACK)[0].query


def test_nothing_is_translated_unless_it_is_asked_for(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x", tracks=tracks("~de"))
    assert places(connect().offer(clip.video_id)) == ["timedtext/de/automatic"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("de", "en"), ["timedtext/de/automatic"]),  # both are there, one as a variant
        (("xx",), ["timedtext/de/automatic"]),  # nobody translates into it
        (("fr-CA",), ["timedtext/de/automatic", "timedtext/de/automatic/to/fr"]),
    ],
)
def test_what_is_there_or_cannot_be_translated_is_not(
    youtube: YouTube, owner: Owner, connect: Connect, wanted: tuple[str, ...], found: list[str]
) -> None:
    clip = youtube.world.upload(owner, "x", tracks=tracks("en-GB", "~de"))
    offered = places(connect(translate_to=wanted).offer(clip.video_id))
    assert offered == ["timedtext/en-GB/manual", *found]


def test_tracks_that_cannot_be_translated_are_offered_as_they_are(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x", tracks=tracks("de"), translatable=False)
    assert places(connect(translate_to=("en",)).offer(clip.video_id)) == ["timedtext/de/manual"]


def test_a_track_that_an_earlier_run_was_offered_is_listed_again(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x", tracks=tracks("~de"))
    offered = connect(translate_to=("en",)).offer(clip.video_id)
    later = connect()
    assert b"[en] This is" in later.fetch(clip.video_id, offered[1])
    assert b">This is" in later.fetch(clip.video_id, offered[0])


def test_a_track_that_is_there_no_more_is_missing_and_not_the_video(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x", tracks=tracks("en", "de"))
    offered = connect().offer(clip.video_id)
    youtube.world.edit(clip, tracks=tracks("de"))
    with pytest.raises(SourceMissing, match="there no more"):
        connect().fetch(clip.video_id, offered[0])


def test_a_track_of_twelve_hours_comes_whole(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    cues = cues_of("a very long stream", 12 * 3600 // 4)
    clip = youtube.world.upload(
        owner, "long", duration_seconds=12 * 3600, tracks=(CaptionTrack("en", True, cues),)
    )
    client = connect()
    (track,) = client.offer(clip.video_id)
    root = fromstring(client.fetch(clip.video_id, track))
    assert len(root) == 10_800
    assert float(root[-1].attrib["start"]) == 43_196


# What says something of the video


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"watch": "age"}, "age", "login"),
        ({"watch": "unplayable"}, "region", "not available in your country"),
        ({"privacy": "private"}, "private", "This is a private video"),
        ({"privacy": "deleted"}, "gone", "does not have it"),
    ],
)
def test_a_video_that_is_not_shown_is_unavailable_for_good(
    youtube: YouTube,
    owner: Owner,
    connect: Connect,
    changes: dict[str, object],
    reason: str,
    words: str,
) -> None:
    clip = youtube.world.upload(owner, "x", **changes)
    with pytest.raises(VideoUnavailable, match=words) as raised:
        connect().offer(clip.video_id)
    assert (raised.value.reason, raised.value.retry) == (reason, False)
    assert clip.video_id in str(raised.value)
    assert len(str(raised.value)) < 300


def test_an_id_that_youtube_cannot_have_is_not_asked_for(
    youtube: YouTube, connect: Connect
) -> None:
    with pytest.raises(VideoUnavailable, match="no id of YouTube's"):
        connect().offer("https://youtu.be/x")
    assert youtube.requests == []


def test_a_video_without_captions_has_none(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    disabled = youtube.world.upload(owner, "x", watch="disabled")
    none = youtube.world.upload(owner, "y", tracks=())
    for clip in (disabled, none):
        with pytest.raises(NoCaptions) as raised:
            connect().offer(clip.video_id)
        assert (raised.value.reason, raised.value.retry) == ("disabled", False)


def test_an_empty_list_of_tracks_is_none(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        b'{"playabilityStatus": {"status": "OK"},'
        b' "captions": {"playerCaptionsTracklistRenderer": {"captionTracks": []}}}'
    )
    answer_with(monkeypatch, PLAYER, body)
    with pytest.raises(NoCaptions) as raised:
        connect().offer(youtube.world.upload(owner, "x").video_id)
    assert raised.value.reason == "none"


def test_captions_behind_a_token_are_unavailable_without_a_blind_try(
    youtube: YouTube, owner: Owner, connect: Connect, slept: list[float]
) -> None:
    clip = youtube.world.upload(owner, "x", watch="po_token")
    client = connect()
    (track,) = client.offer(clip.video_id)
    with pytest.raises(VideoUnavailable, match="PO token") as raised:
        client.fetch(clip.video_id, track)
    assert (raised.value.reason, raised.value.retry) == ("po_token", False)
    assert youtube.asked(TRACK) == []
    assert slept == []


@pytest.mark.parametrize("live", ["upcoming", "live"])
def test_a_stream_that_comes_or_runs_has_captions_later(
    youtube: YouTube, owner: Owner, connect: Connect, live: str
) -> None:
    starts = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    is_coming = live == "upcoming"
    clip = youtube.world.upload(owner, "x", live=live, starts=starts if is_coming else None)
    with pytest.raises(NotYet, match="begins at" if is_coming else "is live") as raised:
        connect().offer(clip.video_id)
    wait = raised.value.until - (starts if is_coming else datetime.now(UTC))
    assert timedelta(hours=1) < wait <= timedelta(hours=2)


def test_a_running_stream_with_captions_is_not_taken_for_all_that_was_said(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (
        b'{"playabilityStatus": {"status": "OK"}, "videoDetails": {"isLive": true},'
        b' "captions": {"playerCaptionsTracklistRenderer": {"captionTracks": []}}}'
    )
    answer_with(monkeypatch, PLAYER, body)
    with pytest.raises(NotYet):
        connect().offer(youtube.world.upload(owner, "x").video_id)


def test_a_stream_that_ended_is_a_video(youtube: YouTube, owner: Owner, connect: Connect) -> None:
    clip = youtube.world.upload(owner, "x", live="ended")
    assert len(connect().offer(clip.video_id)) == 1


# What says nothing of the video


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (WATCH, 429),
        (PLAYER, 429),
        (TRACK, 429),
        (WATCH, "blocked"),
        (WATCH, "captcha"),
        (PLAYER, "captcha"),
        (TRACK, "captcha"),
        (PLAYER, "bot"),
    ],
)
def test_a_block_pauses_everybody_and_says_nothing_of_the_video(
    youtube: YouTube, owner: Owner, connect: Connect, home: Home, path: str, fault: object
) -> None:
    clip = youtube.world.upload(owner, "x")
    client = connect()
    youtube.fail(path, fault)  # type: ignore[arg-type]
    with pytest.raises(Blocked, match="takes us for a robot") as raised:
        client.fetch(clip.video_id, client.offer(clip.video_id)[0])
    assert "nothing is asked of it until" in str(raised.value)
    assert len(str(raised.value)) < 300
    num_requests = len(youtube.requests)
    for another in (client, connect()):
        with pytest.raises(Blocked):
            another.offer(clip.video_id)
    assert len(youtube.requests) == num_requests
    wait = raised.value.until - datetime.now(UTC)
    assert timedelta(minutes=50) < wait <= timedelta(hours=1)


@pytest.mark.parametrize(
    "reason",
    ["Sign in to confirm you're not a bot", "This content isn’t available, try again later."],
)
def test_a_robots_refusal_in_other_words_is_a_block_too(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    body = f'{{"playabilityStatus": {{"status": "LOGIN_REQUIRED", "reason": "{reason}"}}}}'
    answer_with(monkeypatch, PLAYER, body.encode())
    with pytest.raises(Blocked):
        connect().offer(youtube.world.upload(owner, "x").video_id)


def test_consent_is_given_once_for_a_connection(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    youtube.consent = "asked"
    client = connect()
    for clip in youtube.world.uploads(owner, 3):
        assert client.offer(clip.video_id)
    assert len(youtube.asked(WATCH)) == 4


def test_a_consent_page_without_end_is_a_block(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    youtube.consent = "endless"
    with pytest.raises(Blocked, match="asks for consent again and again"):
        connect().offer(youtube.world.upload(owner, "x").video_id)


@pytest.mark.parametrize("path", [WATCH, PLAYER, TRACK])
@pytest.mark.parametrize("fault", [500, 503, "cut", "empty"])
def test_a_broken_answer_is_tried_again_and_is_no_answer_in_the_end(
    youtube: YouTube, owner: Owner, connect: Connect, slept: list[float], path: str, fault: object
) -> None:
    clip = youtube.world.upload(owner, "x")
    youtube.fail(path, *[fault] * 3)  # type: ignore[list-item]
    client = connect()
    with pytest.raises(SourceUnreachable, match=clip.video_id) as raised:
        client.fetch(clip.video_id, client.offer(clip.video_id)[0])
    assert raised.value.retry
    assert len(slept) == (0 if fault == "empty" else 2)  # what is empty came whole
    youtube.heal()
    assert client.fetch(clip.video_id, client.offer(clip.video_id)[0])


@pytest.mark.parametrize("path", [WATCH, PLAYER, TRACK])
def test_what_passes_is_tried_again_and_nobody_notices(
    youtube: YouTube, owner: Owner, connect: Connect, slept: list[float], path: str
) -> None:
    clip = youtube.world.upload(owner, "x")
    youtube.fail(path, "cut", 502)
    client = connect()
    assert client.fetch(clip.video_id, client.offer(clip.video_id)[0])
    assert len(slept) == 2


def test_a_server_that_hangs_is_given_up_after_the_time_limit(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x")
    youtube.fail(PLAYER, "hang", "hang")
    with pytest.raises(SourceUnreachable, match="ReadTimeout"):
        connect(timeout_seconds=0.2, tries=2).offer(clip.video_id)


def test_a_proxy_that_is_down_is_no_answer(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x")
    with pytest.raises(SourceUnreachable, match="is the proxy up"):
        connect(proxy="http://someone:hush@127.0.0.1:9").offer(clip.video_id)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"playabilityStatus": null}',
        b'{"playabilityStatus": {"status": "OK"}, "captions": 1}',
    ],
)
def test_a_player_that_talks_nonsense_is_no_answer(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    answer_with(monkeypatch, PLAYER, body)
    with pytest.raises(SourceUnreachable, match="Error"):
        connect().offer(youtube.world.upload(owner, "x").video_id)


@pytest.mark.parametrize(
    "playability",
    [
        {},
        {"status": "ERROR", "reason": "An error occurred. Please try again later."},
        {"status": "ERROR", "reason": "Something went wrong"},
        {"status": "UNPLAYABLE", "reason": "We're processing this video. Check back later."},
    ],
)
def test_what_holds_for_the_moment_alone_is_neither_no_captions_nor_for_good(
    youtube: YouTube,
    owner: Owner,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    playability: dict[str, str],
) -> None:
    answer_with(monkeypatch, PLAYER, json.dumps({"playabilityStatus": playability}).encode())
    with pytest.raises(SourceUnreachable, match="tried again"):
        connect().offer(youtube.world.upload(owner, "x").video_id)


def test_a_page_in_the_place_of_captions_is_no_answer_and_is_not_kept(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = youtube.world.upload(owner, "x")
    for body in (
        b"<html><body>Sorry</body></html>",
        b"<html><body><p>Sorry</p></body></html>",
        b"<transcript><text>no time</text></transcript>",
    ):
        answer_with(monkeypatch, TRACK, body)
        client = connect()
        with pytest.raises(SourceUnreachable):
            client.fetch(clip.video_id, client.offer(clip.video_id)[0])


# Politeness


def test_a_day_has_so_many_videos_and_what_was_offered_is_still_fetched(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clips = youtube.world.uploads(owner, 3)
    client = connect(limit=2)
    offered = [client.offer(clip.video_id)[0] for clip in clips[:2]]
    with pytest.raises(QuotaSpent):
        client.offer(clips[2].video_id)
    for clip, track in zip(clips, offered, strict=False):
        assert client.fetch(clip.video_id, track)
    assert len(youtube.asked(WATCH)) == 2


def test_a_block_stops_the_requests_that_threads_were_about_to_make(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clips = youtube.world.uploads(owner, 60)
    youtube.delay_seconds = 0.02
    client = connect()
    for clip in clips[:5]:
        client.offer(clip.video_id)
    youtube.fail(WATCH, *["blocked"] * 100)

    def offer(video_id: str) -> str:
        try:
            return str(len(client.offer(video_id)))
        except Blocked:
            return "blocked"

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(offer, [clip.video_id for clip in clips[5:]])) == {"blocked"}
    assert len(youtube.asked(WATCH)) <= 5 + 6  # those that were under way
    (allowance,) = client._budget._table.rows("_shared")
    assert allowance.pauses == 1


def test_a_block_that_another_thread_met_stops_a_listing_between_two_requests(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = youtube.world.upload(owner, "x")
    client = connect()

    def watch(youtube: YouTube, request: Request) -> Answer:
        client._pause = client._budget.pause("another thread met it")
        return watch_page(youtube, request)

    monkeypatch.setitem(ROUTES, ("GET", WATCH), watch)  # type: ignore[arg-type]
    with pytest.raises(Blocked, match="another thread met it"):
        client.offer(clip.video_id)
    assert [request.path for request in youtube.requests] == [WATCH]


def test_connections_are_as_many_as_are_used_at_once(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clips = youtube.world.uploads(owner, 40)
    client = connect()
    for _ in range(3):  # as batches do, each with threads of its own
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(client.offer, [clip.video_id for clip in clips]))
    assert len(client._idle) <= 4


def test_what_is_remembered_between_offer_and_fetch_is_bounded(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    client = connect()
    for clip in youtube.world.uploads(owner, 300):
        client.offer(clip.video_id)
    assert len(client._lists) == 256


# Ways


def test_requests_go_through_the_proxy_with_its_password(
    youtube: YouTube, owner: Owner, connect: Connect
) -> None:
    clip = youtube.world.upload(owner, "x")
    host = youtube.url.removeprefix("http://")
    client = connect(proxy=f"http://someone:hush@{host}", base_url="http://gateway.invalid")
    assert client.fetch(clip.video_id, client.offer(clip.video_id)[0])
    for request in youtube.requests:
        assert request.headers["proxy-authorization"].startswith("Basic ")
        assert request.headers["host"] == "gateway.invalid"


def test_cookies_of_a_login_are_sent(
    youtube: YouTube, owner: Owner, connect: Connect, tmp_path: Path
) -> None:
    file = tmp_path / "cookies.txt"
    later = int(datetime.now(UTC).timestamp()) + 3600
    file.write_text(
        "# Netscape HTTP Cookie File\n\n"
        f".youtube.com\tTRUE\t/\tTRUE\t{later}\tSID\ta-login\n"
        f".example.org\tTRUE\t/\tTRUE\t{later}\tSID\tof-others\n"
        ".youtube.com\tTRUE\t/\tTRUE\t0\tYSC\tof-a-session\n"
    )
    clip = youtube.world.upload(owner, "x")
    client = connect(cookies_file=file)
    client.fetch(clip.video_id, client.offer(clip.video_id)[0])
    sent = [request.headers["cookie"] for request in youtube.requests]
    assert sent == ["SID=a-login; YSC=of-a-session"] * 3


@pytest.mark.parametrize(
    "text", ["SID=a-login", "# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\ta-login\n"]
)
def test_a_cookies_file_that_cannot_be_read_is_refused_without_a_word_of_it(
    connect: Connect, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(text)
    for path in (file, tmp_path / "nowhere.txt"):
        with pytest.raises(SourceRefused, match=path.name) as raised:
            connect(cookies_file=path).offer("a" * 11)
        assert "a-login" not in "".join(traceback.format_exception(raised.value))


def test_a_gateway_sees_no_request_of_anybody_else(
    youtube: YouTube, owner: Owner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert connect().offer(youtube.world.upload(owner, "x").video_id)


@pytest.mark.parametrize("fault", [503, "cut", "blocked", "captcha", "empty", None])
def test_no_secret_shows_in_an_error_or_in_a_log_at_any_level(
    youtube: YouTube,
    owner: Owner,
    connect: Connect,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: object,
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "cookies.txt"
    later = int(datetime.now(UTC).timestamp()) + 3600
    file.write_text(
        f"# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t{later}\tSID\ta-login\n"
    )
    host = youtube.url.removeprefix("http://")
    clip = youtube.world.upload(owner, "x")
    client = connect(proxy=f"http://someone:hush@{host}", cookies_file=file)
    if fault:
        youtube.fail("/.*", *[fault] * 9)  # type: ignore[list-item]
    try:
        told = str(client.fetch(clip.video_id, client.offer(clip.video_id)[0]))
    except (SourceUnreachable, Blocked) as error:
        told = "".join(traceback.format_exception(error))
    told += caplog.text + repr(client._way) + repr(vars(client)) + str(client._idle)
    assert "/watch" in caplog.text
    for secret in ("hush", "a-login", "c29tZW9uZTpodXNo"):
        assert secret not in told


def answer_with(monkeypatch: pytest.MonkeyPatch, path: str, body: bytes) -> None:
    """Have the server answer so, whatever it holds."""
    method = "POST" if path == PLAYER else "GET"

    def respond(youtube: YouTube, request: Request) -> Answer:
        return Answer(200, body)

    monkeypatch.setitem(ROUTES, (method, path), respond)  # type: ignore[arg-type]
