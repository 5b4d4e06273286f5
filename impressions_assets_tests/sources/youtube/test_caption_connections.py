"""How captions are asked for: so many a day, so many at once, by a proxy, with a login."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from impressions_assets.errors import (
    Blocked,
    QuotaSpent,
    SourceRefused,
    SourceUnreachable,
)
from impressions_assets_tests.servers.youtube import Answer, Request, YouTube
from impressions_assets_tests.servers.youtube_captions import ROUTES, watch_page
from impressions_assets_tests.servers.youtube_world import Owner
from impressions_assets_tests.sources.youtube.conftest import WATCH, Connect


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
    clips = youtube.world.uploads(owner, 16)
    client = connect()
    for _ in range(2):  # as batches do, each with threads of its own
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
    full_log: pytest.LogCaptureFixture,
    fault: object,
) -> None:
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
    told += full_log.text + repr(client._way) + repr(vars(client)) + str(client._idle)
    assert "/watch" in full_log.text
    for secret in ("hush", "a-login", "c29tZW9uZTpodXNo"):
        assert secret not in told
