"""What goes wrong on the way to captions: blocks, broken answers, consent. It tells of no video."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from impressions_assets.errors import (
    Blocked,
    SourceUnreachable,
)
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.servers.youtube_world import Owner
from impressions_assets_tests.sources.youtube.conftest import (
    PLAYER,
    TRACK,
    WATCH,
    Connect,
    answer_with,
)


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
