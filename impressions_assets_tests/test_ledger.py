"""The ledger: what is due, and that nothing but it is computed."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.home import Home
from impressions_assets.ledger import Stage, each, plan, reconcile, refresh
from impressions_assets.rows import Article, Chapters, Failed, Video
from impressions_assets.tables import key_of

CHANNEL = "talks"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHAPTERS = Stage("chapters", 1, ("videos",))
ARTICLES = Stage("articles", 1, ("videos", "chapters"))


def videos(count: int, **titles: str) -> list[Video | Failed]:
    ids = [f"v{number}" for number in range(count)]
    return [Video(video_id=i, source="archive", title=titles.get(i, i)) for i in ids]


def no_chapters(video: Video) -> Chapters:
    return Chapters(video_id=video.video_id)


def article(video: Video, chapters: Chapters) -> Article:
    assert video.video_id == chapters.video_id
    return Article(video_id=video.video_id, title=video.title, markdown="x", num_words=1)


def run(home: Home, seen: list[str] | None = None, settings: object = None) -> list[Any]:
    def work(inputs: Iterator[Any]) -> Iterator[Any]:
        for rows in inputs:
            if seen is not None:
                seen.append(rows[0].video_id)
            yield article(*rows)

    first = refresh(home, CHAPTERS, CHANNEL, each(no_chapters))
    return [first, refresh(home, ARTICLES, CHANNEL, work, settings)]


def test_a_second_refresh_computes_nothing(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    assert [report.num_computed for report in run(home)] == [5, 5]
    assert [report.num_computed for report in run(home)] == [0, 0]


def test_a_changed_video_is_computed_alone(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    run(home)
    reconcile(home, CHANNEL, videos(5, v3="changed"))
    seen: list[str] = []
    run(home, seen)
    assert seen == ["v3"]


def test_a_change_upstream_that_changes_no_content_stops_there(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    before = run(home)
    reconcile(home, CHANNEL, videos(5, v3="changed"))
    chapters, _ = run(home)
    assert chapters.num_computed == 1
    assert chapters.data_version == before[0].data_version


def test_changed_settings_or_version_compute_every_row(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    run(home)
    seen: list[str] = []
    run(home, seen, settings={"words": 3})
    assert len(seen) == 5
    newer = Stage("articles", 2, ARTICLES.reads)
    assert len(plan(home, newer, CHANNEL, {"words": 3}, NOW).due) == 5


def test_a_video_that_is_gone_leaves_every_table(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    run(home)
    report = reconcile(home, CHANNEL, videos(4))
    assert report.num_removed == 1
    assert [r.num_videos for r in run(home)] == [4, 4]


def test_an_incomplete_listing_removes_nothing(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    reconcile(home, CHANNEL, videos(2), complete=lambda: False)
    assert home.table("videos").count(CHANNEL) == 5


def test_a_video_that_cannot_be_read_keeps_its_row_and_is_named(home: Home) -> None:
    reconcile(home, CHANNEL, videos(3))
    broken = [*videos(2), Failed(video_id="v2", error="v2.info.json is cut short")]
    report = reconcile(home, CHANNEL, broken)
    assert report.num_videos == 3
    assert [(a.video_id, a.status) for a in report.failed] == [("v2", "permanent")]
    assert reconcile(home, CHANNEL, videos(3)).failed == ()


def test_a_failure_waits_for_its_time_and_the_others_go_on(home: Home) -> None:
    reconcile(home, CHANNEL, videos(4))
    tried: list[str] = []

    def flaky(video: Video) -> Chapters:
        tried.append(video.video_id)
        if video.video_id == "v1":
            raise SourceMissing("v1.vtt is on a disk that sleeps")
        return no_chapters(video)

    def go(minutes: float) -> Any:
        tried.clear()
        now = NOW + timedelta(minutes=minutes)
        return refresh(home, CHAPTERS, CHANNEL, each(flaky), now=now)

    report = go(0)
    assert report.num_videos == 3
    assert [(a.status, a.count) for a in report.failed] == [("retry", 1)]
    go(4)
    assert tried == []
    assert go(6).failed[0].count == 2
    assert tried == ["v1"]
    go(15)
    assert tried == []
    go(17)
    assert tried == ["v1"]


def test_the_delay_between_tries_is_capped_but_never_the_tries(home: Home) -> None:
    reconcile(home, CHANNEL, videos(1))

    def never(video: Video) -> Chapters:
        raise SourceMissing("not yet")

    now = NOW
    for number in range(1, 40):
        (attempt,) = refresh(home, CHAPTERS, CHANNEL, each(never), now=now).failed
        assert attempt.count == number
        due = datetime.fromisoformat(attempt.next_try or "")
        assert due - now <= timedelta(days=1)
        now = due


def test_a_permanent_failure_is_tried_again_only_when_its_input_changes(home: Home) -> None:
    reconcile(home, CHANNEL, videos(2))

    def broken(video: Video) -> Chapters:
        if video.title == "v1":
            raise SourceBroken("v1.vtt holds no captions")
        return no_chapters(video)

    def go() -> Any:
        return refresh(home, CHAPTERS, CHANNEL, each(broken), now=NOW)

    assert go().failed[0].status == "permanent"
    assert go().num_computed == 0
    reconcile(home, CHANNEL, videos(2, v1="mended"))
    report = go()
    assert report.num_computed == 1
    assert report.failed == ()


def test_two_refreshes_at_once_end_in_the_same_rows_as_one(home: Home) -> None:
    reconcile(home, CHANNEL, videos(150))
    alone = Home(home.root + "-alone")
    reconcile(alone, CHANNEL, videos(150))
    expected = [r.data_version for r in run(alone)]
    threads = [threading.Thread(target=run, args=(Home(home.root),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.data_version for r in run(home)] == expected
    assert home.table("articles").count(CHANNEL) == 150


_CHILD = """
import sys, time
from impressions_assets_tests.test_ledger import *
from impressions_assets import ledger
ledger.WINDOW = 3
def slow(video, chapters):
    time.sleep(0.01)
    return article(video, chapters)
home = Home(sys.argv[1])
print("ready", flush=True)
reconcile(home, CHANNEL, videos(60))
refresh(home, CHAPTERS, CHANNEL, each(no_chapters))
refresh(home, ARTICLES, CHANNEL, each(slow))
"""


@pytest.mark.slow
def test_kill_9_at_random_moments_and_a_rerun_end_in_the_same_rows(home: Home) -> None:
    alone = Home(home.root + "-alone")
    reconcile(alone, CHANNEL, videos(60))
    expected = [r.data_version for r in run(alone)]
    chance = random.Random(7)
    interrupted = 0
    for _ in range(20):
        command = [sys.executable, "-c", _CHILD, home.root]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.9))
        interrupted += child.poll() is None
        child.kill()
        child.wait()
        child.stdout.close()
        counts = [home.table(name).count(CHANNEL) for name in ("articles", "chapters", "videos")]
        assert counts == sorted(counts)
    assert interrupted >= 5
    assert reconcile(home, CHANNEL, videos(60)).num_videos == 60
    assert [r.data_version for r in run(home)] == expected
    keys = list(home.table("articles").digests(CHANNEL))
    assert keys == sorted(key_of(f"v{number}") for number in range(60))


def test_a_failure_is_over_when_the_row_is_valid_whoever_made_it_so(home: Home) -> None:
    reconcile(home, CHANNEL, videos(2))
    refresh(home, CHAPTERS, CHANNEL, each(no_chapters), "these settings")

    def broken(video: Video) -> Chapters:
        raise SourceBroken("no such track")

    (first, _) = refresh(home, CHAPTERS, CHANNEL, each(broken), "others", now=NOW).failed
    assert first.status == "permanent"
    back = refresh(home, CHAPTERS, CHANNEL, each(no_chapters), "these settings", now=NOW)
    assert (back.num_computed, back.failed) == (0, ())


def test_a_file_of_many_records_that_cannot_be_read_takes_none_of_them_away(home: Home) -> None:
    records = [Video(video_id=f"talks-1f2e-{n}", source="text") for n in range(3)]
    reconcile(home, CHANNEL, [*records, Video(video_id="other", source="text")])
    unread = Failed(video_id="talks-1f2e", error="cut short")
    report = reconcile(home, CHANNEL, [unread])
    assert (report.num_videos, report.num_removed) == (3, 1)
    assert len(report.failed) == 1
    assert reconcile(home, CHANNEL, records[:2]).num_videos == 2
