"""A channel of YouTube from the terminal, against the stand-in."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.storage.home import Home
from impressions_assets_tests.cli.conftest import Impressions
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.servers.youtube_world import START, Owner

DATA = "videos,transcripts"
SHARDS = "chapters,documents,tokenizer,token_shards"
LINK = "https://www.youtube.com/@talks"
LONG_AGO = START - timedelta(days=300)


@pytest.fixture
def youtube() -> Iterator[YouTube]:
    with YouTube().running() as youtube:
        yield youtube


@pytest.fixture
def owner(youtube: YouTube) -> Owner:
    owner = youtube.world.open_channel("talks")
    for number in range(5):
        published = LONG_AGO + timedelta(days=number)
        watch = "disabled" if number == 4 else "ok"
        title = f"Talk number {number}"
        youtube.world.upload(owner, title, published=published, watch=watch, duration_seconds=1800)
    return owner


@pytest.fixture
def talks(
    impressions: Impressions,
    youtube: YouTube,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Impressions:
    """Runs a command in a home with the channel, of which nothing was asked yet."""
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_URL", youtube.url)
    monkeypatch.setenv("DEVELOPER_KEY", "a-key-for-tests")
    home = Home(str(tmp_path / "home/storage"))
    home.store.write_text(CHANNELS_FILE, "youtube: {requests_per_second: 0, concurrency: 1}\n")
    assert impressions("add", "youtube.com/@talks", "--name", "talks").exit_code == 0
    return impressions


def test_a_plan_asks_nobody_and_says_what_would_be_asked(
    talks: Impressions, youtube: YouTube, owner: Owner
) -> None:
    before = talks("materialize", "talks", "--plan", "--select", DATA).stdout
    assert f"{LINK} was not listed to its end yet: 2 units of quota" in before
    assert "asks for captions: 3 requests for each video that is listed\n" in before
    assert "asks for news" not in before
    assert youtube.requests == []
    assert talks("materialize", "talks", "--select", "videos").exit_code == 0
    asked = len(youtube.requests)
    after = talks("materialize", "talks", "--plan", "--select", DATA).stdout
    assert "asks for news: 1 request, no quota while there is none" in after
    assert "so 15 for the 5 that are known and due (2.5 hours of talk)\n" in after
    assert len(youtube.requests) == asked


def test_a_plan_of_a_sweep_says_what_the_sweep_asks(talks: Impressions, youtube: YouTube) -> None:
    assert talks("materialize", "talks", "--select", "videos").exit_code == 0
    asked = len(youtube.requests)
    plan = talks("materialize", "talks", "--sweep", "--plan", "--select", DATA).stdout
    assert f"{LINK}: a sweep of 5 videos: 2 units of quota" in plan
    assert "asks for news" not in plan
    assert len(youtube.requests) == asked


@pytest.mark.slow
def test_status_tells_words_reasons_and_units(talks: Impressions, youtube: YouTube) -> None:
    assert talks("materialize", "talks", "--select", DATA).exit_code == 0
    said = talks("status", "talks").stdout
    assert "videos: 5 ok" in said
    assert "with words: 4 manual" in said
    assert "without words: 1 disabled" in said
    assert re.search(rf"youtube-data-api-\w+: {youtube.quota_spent} of 9,000 on ", said)
    assert "youtube-captions: 5 of 2,000 on " in said


@pytest.mark.slow
def test_a_block_stops_the_channel_with_what_it_has_and_says_until_when(
    talks: Impressions, youtube: YouTube, owner: Owner
) -> None:
    youtube.fail("/watch", "captcha", after=3)
    said = talks("materialize", "talks", "--select", DATA)
    status = talks("status", "talks").stdout
    assert said.exit_code == 0
    assert "no_source_is_paused did not pass" in said.stderr
    assert "takes us for a robot" in status
    (line,) = [line for line in status.splitlines() if line.startswith("transcripts ")]
    assert len(line.split()) == 2  # rows alone: no video failed
    assert re.search(r"transcripts waits until \d{4}-\d\d-\d\d \d\d:\d\d UTC", status)
    assert "given up" not in status
    asked = len(youtube.asked("/watch"))
    again = talks("materialize", "talks", "--select", DATA)
    assert again.exit_code == 0
    assert "takes us for a robot" in again.stderr
    assert len(youtube.asked("/watch")) == asked


@pytest.mark.slow
def test_a_channel_that_takes_days_ends_well_on_each_of_them(
    talks: Impressions, youtube: YouTube, tmp_path: Path
) -> None:
    store = Home(str(tmp_path / "home/storage")).store
    declared = store.read_text(CHANNELS_FILE) or ""
    few = declared.replace("requests_per_second: 0", "requests_per_second: 0, daily_videos: 2")
    store.write_text(CHANNELS_FILE, few)
    first = talks("materialize", "talks", "--select", f"{DATA},{SHARDS}")
    assert first.exit_code == 0, first.stderr
    assert "the check no_source_is_paused did not pass" in first.stderr
    assert "the check enough_is_known did not pass" in first.stderr
    assert "2 of 5 videos of 'talks' are decided" in first.stderr
    store.write_text(CHANNELS_FILE, declared)  # as if it were the third day
    last = talks("materialize", "talks", "--select", f"{DATA},{SHARDS}")
    assert last.exit_code == 0, last.stderr
    assert "did not pass" not in last.stderr
    assert "tokens to train on" in talks("status", "talks").stdout


@pytest.mark.slow
def test_a_video_done_again_is_asked_again_whether_it_has_captions_by_now(
    talks: Impressions, youtube: YouTube, owner: Owner
) -> None:
    assert talks("materialize", "talks", "--select", DATA).exit_code == 0
    (silent,) = [clip for clip in youtube.world.clips.values() if clip.watch == "disabled"]
    youtube.world.edit(silent, watch="ok")
    assert talks("materialize", "talks", "--select", DATA).exit_code == 0
    assert "without words: 1 disabled" in talks("status", "talks").stdout
    asked = len(youtube.asked("/watch"))
    talks("redo", silent.video_id)
    status = talks("status", "talks").stdout
    assert "with words: 5 manual" in status
    assert "without words" not in status
    assert len(youtube.asked("/watch")) == asked + 1


def test_a_wrong_key_is_told_without_it(
    talks: Impressions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVELOPER_KEY", "a-wrong-key-that-nobody-may-see")
    said = talks("materialize", "talks", "--select", "videos")
    assert said.exit_code == 1
    assert "the key is not valid: check DEVELOPER_KEY" in said.stderr
    assert "nobody-may-see" not in said.output


@pytest.mark.slow
def test_a_sweep_finds_an_old_title_that_the_feed_does_not_show(
    talks: Impressions, youtube: YouTube, owner: Owner
) -> None:
    youtube.world.uploads(owner, 20)
    talks("materialize", "talks", "--select", "videos")
    oldest = min(youtube.world.clips.values(), key=lambda clip: clip.published)
    youtube.world.edit(oldest, title="A better name")
    assert "nothing to compute" in talks("materialize", "talks", "--select", "videos").stderr
    swept = talks("materialize", "talks", "--select", "videos", "--sweep").stderr
    assert "25 rows, 1 computed" in swept
    assert talks("show", oldest.video_id).stdout.startswith("A better name")


@pytest.mark.slow
def test_a_block_of_this_address_does_not_hold_up_a_proxys(
    talks: Impressions, youtube: YouTube, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    youtube.fail("/watch", "captcha")
    assert "robot" in talks("materialize", "talks", "--select", DATA).stderr
    asked = len(youtube.asked("/watch"))
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_PROXY", youtube.url)
    assert talks("materialize", "talks", "--select", "transcripts").exit_code == 0
    assert len(youtube.asked("/watch")) > asked
    assert "with words: 4 manual" in talks("status", "talks").stdout
