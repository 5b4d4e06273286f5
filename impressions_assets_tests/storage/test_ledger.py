"""The ledger: what is due, and that nothing but it is computed."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from impressions_assets.rows import Article, Chapters, Video
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Stage, each, plan, refresh
from impressions_assets.storage.listing import reconcile
from impressions_assets_tests.listings import CHANNEL, CHAPTERS, NOW, no_chapters, videos

ARTICLES = Stage("articles", 1, ("videos", "chapters"))


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


def test_a_change_of_what_stands_beside_computes_that_row_alone(home: Home) -> None:
    run(home)
    films = {key_of("v1"): "a film"}
    for beside, num_computed in (({}, 5), (films, 1), (films, 0), ({}, 1)):
        reconcile(home, CHANNEL, videos(5))
        refresh(home, CHAPTERS, CHANNEL, each(no_chapters))
        made = refresh(home, ARTICLES, CHANNEL, each(article), beside=beside)
        assert made.num_computed == num_computed


def test_a_video_that_is_gone_leaves_every_table(home: Home) -> None:
    reconcile(home, CHANNEL, videos(5))
    run(home)
    report = reconcile(home, CHANNEL, videos(4))
    assert report.num_removed == 1
    assert [r.num_videos for r in run(home)] == [4, 4]


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
from impressions_assets_tests.storage.test_ledger import *
from impressions_assets.storage import ledger
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
