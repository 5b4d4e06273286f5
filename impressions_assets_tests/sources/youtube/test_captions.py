"""Captions through the real library: every outcome has its own error, and a block says nothing."""

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import fromstring

import pytest

from impressions_assets.errors import (
    NoCaptions,
    NotYet,
    SourceMissing,
    VideoUnavailable,
)
from impressions_assets.rows import Track
from impressions_assets.speech.captions import parse_track
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.servers.youtube_world import CaptionTrack, Owner, cues_of
from impressions_assets_tests.sources.youtube.conftest import (
    PLAYER,
    TRACK,
    WATCH,
    Connect,
    answer_with,
)


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
