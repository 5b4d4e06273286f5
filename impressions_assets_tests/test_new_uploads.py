"""Looking at YouTube's feeds: what is new starts its channel, once, and nothing else costs more."""

import json
from collections.abc import Iterator

import pytest

from impressions_assets import freshness
from impressions_assets_tests.houses import House
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.servers.youtube_world import Owner
from impressions_assets_tests.test_sensors import call, keys

FEED = "/feeds/videos.xml"
SETTINGS = "youtube: {requests_per_second: 0, check_every_minutes: 10}\n"


@pytest.fixture
def youtube(monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    with YouTube().running() as youtube:
        monkeypatch.setenv("IMPRESSIONS_YOUTUBE_URL", youtube.url)
        monkeypatch.setenv("DEVELOPER_KEY", "a-key-for-tests")
        yield youtube


@pytest.fixture
def owner(youtube: YouTube, house: House) -> Owner:
    """A channel of three videos that was listed once."""
    house.home.store.write_text("channels.yaml", SETTINGS)
    owner = youtube.world.open_channel("talks")
    youtube.world.uploads(owner, 3)
    house.declare("talks", {"youtube": f"https://www.youtube.com/channel/{owner.channel_id}"})
    assert house.data("talks", "videos").ok
    return owner


def look(house: House, cursor: str | None = None) -> tuple[list[tuple[str, str | None]], str]:
    found = call(freshness.new_uploads, house, cursor)
    return keys(found.run_requests), str(found.cursor)


def later(cursor: str) -> str:
    """The cursor as if eleven minutes had passed."""
    return json.dumps({key: when - 660 for key, when in json.loads(cursor).items()})


def test_while_nothing_is_new_a_look_is_one_request_and_no_quota(
    house: House, youtube: YouTube, owner: Owner
) -> None:
    asked, spent = len(youtube.requests), youtube.quota_spent
    assert look(house)[0] == []
    assert [r.path for r in youtube.requests[asked:]] == [FEED]
    assert youtube.quota_spent == spent


def test_between_two_looks_nothing_is_asked(house: House, youtube: YouTube, owner: Owner) -> None:
    _, cursor = look(house)
    asked = len(youtube.requests)
    assert look(house, cursor) == ([], cursor)
    assert len(youtube.requests) == asked
    look(house, later(cursor))
    assert len(youtube.requests) == asked + 1


def test_an_upload_starts_its_channel_under_one_key_until_it_was_listed(
    house: House, youtube: YouTube, owner: Owner
) -> None:
    _, cursor = look(house)
    youtube.world.upload(owner, "A new talk")
    started, cursor = look(house, later(cursor))
    assert [channel for _, channel in started] == ["talks"]
    again, cursor = look(house, later(cursor))
    assert again == started  # Dagster starts it once
    assert house.data("talks", "videos").computed() == {"videos": 1}
    assert look(house, later(cursor))[0] == []


def test_an_edited_title_starts_its_channel(house: House, youtube: YouTube, owner: Owner) -> None:
    _, cursor = look(house)
    clip = next(iter(youtube.world.clips.values()))
    youtube.world.edit(clip, title="A better name")
    assert [channel for _, channel in look(house, later(cursor))[0]] == ["talks"]


@pytest.mark.slow
def test_a_feed_that_fails_stops_no_other_and_is_asked_once(
    house: House, youtube: YouTube, owner: Owner
) -> None:
    other = youtube.world.open_channel("other")
    youtube.world.uploads(other, 2)
    house.declare("other", {"youtube": f"https://www.youtube.com/channel/{other.channel_id}"})
    assert house.data("other", "videos").ok
    _, cursor = look(house)
    for each in (owner, other):
        youtube.world.upload(each, "A new talk")
    asked = len(youtube.asked(FEED))
    youtube.fail(FEED, 500)
    started, cursor = look(house, later(cursor))
    assert len(started) == 1
    assert len(youtube.asked(FEED)) == asked + 2
    assert len(look(house, later(cursor))[0]) == 2


def test_a_link_that_was_never_listed_is_not_asked_for(house: House, youtube: YouTube) -> None:
    house.home.store.write_text("channels.yaml", SETTINGS)
    house.declare("talks", {"youtube": "https://www.youtube.com/@talks"})
    assert look(house)[0] == []
    assert youtube.requests == []


def test_without_youtube_its_settings_are_not_read(
    house: House, archive: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_PROXY", "no address")
    house.declare("talks", archive.folder)  # type: ignore[attr-defined]
    assert look(house)[0] == []
