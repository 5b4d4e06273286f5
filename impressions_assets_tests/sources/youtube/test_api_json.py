"""One video resource of the Data API as a row."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import SourceBroken
from impressions_assets.sources.youtube.api_json import duration_seconds, read_resource
from impressions_assets_tests.servers.youtube_api import iso_duration

ITEM = {
    "id": "abcdefghijk",
    "snippet": {
        "publishedAt": "2019-03-21T20:37:49.000Z",
        "channelId": "UCx",
        "title": " A  talk ",
        "channelTitle": "Talks",
        "description": "Said\0 so",
        "tags": ["one", "two"],
        "defaultAudioLanguage": "en-GB",
    },
    "contentDetails": {"duration": "PT1H2M3S"},
    "status": {"privacyStatus": "public", "license": "creativeCommon"},
}


def read(**changes):
    return read_resource(json.dumps(ITEM | changes).encode())


def test_every_field_of_a_row_comes_from_the_resource():
    video = read().video
    assert video.video_id == "abcdefghijk"
    assert video.source == "youtube"
    assert (video.title, video.channel_title, video.description) == ("A talk", "Talks", "Said so")
    assert video.published == "2019-03-21T20:37:49Z"
    assert video.duration_seconds == 3723
    assert video.tags == ("one", "two")
    assert video.language == "en-GB"
    assert video.license == "Creative Commons Attribution license (reuse allowed)"
    assert video.url == "https://www.youtube.com/watch?v=abcdefghijk"
    assert (video.status, video.live) == ("ok", "none")


@pytest.mark.parametrize(
    ("now", "details", "live", "status"),
    [
        ("none", None, "none", "ok"),
        ("upcoming", {"scheduledStartTime": "2027-01-01T10:00:00Z"}, "upcoming", "live"),
        ("live", {"actualStartTime": "2027-01-01T10:00:00Z"}, "live", "live"),
        ("none", {"actualEndTime": "2027-01-01T12:00:00Z"}, "ended", "ok"),
    ],
)
def test_live_streams_are_known_before_during_and_after(now, details, live, status):
    snippet = {**ITEM["snippet"], "liveBroadcastContent": now}
    more = {"liveStreamingDetails": details} if details else {}
    told = read(snippet=snippet, **more)
    assert (told.video.live, told.video.status) == (live, status)
    assert (told.starts is not None) == (live == "upcoming")


def test_the_standard_licence_has_no_name_and_a_bare_resource_is_enough():
    assert read(status={"license": "youtube"}).video.license is None
    assert read_resource(b'{"id": "abcdefghijk"}').video.title == ""


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 3}', b'{"id": "../etc"}'])
def test_what_is_no_video_is_an_error(body):
    with pytest.raises(SourceBroken):
        read_resource(body)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H2M3S", 3723), ("P1DT2H", 93600), ("P0D", None), ("PT15M", 900), ("P1W", 604800),
     ("", None), ("1:02", None)],
)  # fmt: skip
def test_durations_are_read_and_an_endless_one_is_none(text, seconds):
    assert duration_seconds(text) == seconds


@given(st.integers(min_value=1, max_value=10**6))
def test_every_duration_comes_back_as_it_was_written(seconds):
    assert duration_seconds(iso_duration(seconds)) == seconds
