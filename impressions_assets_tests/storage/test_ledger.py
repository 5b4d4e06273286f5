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

from impressions_assets.errors import (
    Blocked,
    QuotaSpent,
    SourceBroken,
    SourceMissing,
    SourceRefused,
)
from impressions_assets.rows import Article, Chapters, Failed, Video
from impressions_assets.storage.attempts import attempts, paused
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import SHARED, Home, Tombstone
from impressions_assets.storage.ledger import Stage, each, plan, reconcile, refresh
from impressions_assets.storage.tables import Entry

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


UNTIL = NOW + timedelta(hours=1)


def pausing(after: int) -> Any:
    """Work that a source stops after some videos."""

    def work(inputs: Iterator[Any]) -> Iterator[Any]:
        for number, (video,) in enumerate(inputs):
            if number == after:
                raise Blocked("the source shows a captcha", UNTIL, "a service")
            yield no_chapters(video)

    return work


def test_a_pause_keeps_what_was_finished_and_marks_no_video(home: Home) -> None:
    reconcile(home, CHANNEL, videos(250))
    report = refresh(home, CHAPTERS, CHANNEL, pausing(after=130), now=NOW)
    assert (report.num_videos, report.num_computed, report.failed) == (130, 130, ())
    assert report.paused is not None
    assert (report.paused.next_try, report.paused.error) == (
        "2026-01-01T01:00:00+00:00",
        "the source shows a captcha",
    )
    again = refresh(home, CHAPTERS, CHANNEL, each(no_chapters), now=NOW)
    assert (again.num_videos, again.num_computed, again.paused) == (250, 120, None)


def test_a_pause_before_anything_could_be_done_is_raised_and_written_down(home: Home) -> None:
    reconcile(home, CHANNEL, videos(3))
    for _ in range(2):
        with pytest.raises(Blocked):
            refresh(home, CHAPTERS, CHANNEL, pausing(after=0), now=NOW)
    waiting = paused(home, CHANNEL, "chapters")
    assert waiting is not None
    assert (waiting.count, waiting.next_try) == (2, "2026-01-01T01:00:00+00:00")
    assert attempts(home, CHANNEL, "chapters") == {}


def test_a_pause_with_nothing_new_is_told_and_what_there_is_serves(home: Home) -> None:
    reconcile(home, CHANNEL, videos(3))
    refresh(home, CHAPTERS, CHANNEL, pausing(after=2), now=NOW)
    report = refresh(home, CHAPTERS, CHANNEL, pausing(after=0), now=NOW)
    assert (report.num_videos, report.num_computed) == (2, 0)
    assert report.paused is not None
    assert report.paused.count == 2


def test_what_failed_for_good_is_tried_again_by_another_way_of_access(home: Home) -> None:
    def refuse(video: Video) -> Chapters:
        raise SourceRefused("not without a login")

    reconcile(home, CHANNEL, videos(2))
    for access, num_failed in (("", 2), ("", 0), ("login-a", 2), ("login-a", 0), ("login-b", 2)):
        todo = plan(home, CHAPTERS, CHANNEL, None, NOW, access)
        assert len(todo.due) == num_failed
        refresh(home, CHAPTERS, CHANNEL, each(refuse), access=access, now=NOW)
    report = refresh(home, CHAPTERS, CHANNEL, each(no_chapters), access="login-c", now=NOW)
    assert (report.num_computed, report.failed) == (2, ())
    assert plan(home, CHAPTERS, CHANNEL, None, NOW).due == {}  # rows stay, whatever the access


def test_what_was_finished_is_saved_when_the_work_breaks_down(home: Home) -> None:
    def work(inputs: Iterator[Any]) -> Iterator[Any]:
        for number, (video,) in enumerate(inputs):
            if number == 7:
                raise SourceMissing("the disk is away")
            yield no_chapters(video)

    reconcile(home, CHANNEL, videos(10))
    with pytest.raises(SourceMissing):
        refresh(home, CHAPTERS, CHANNEL, work)
    assert home.table("chapters").count(CHANNEL) == 7


def test_a_listing_that_is_paused_loses_no_row_and_sets_the_time_of_the_next_look(
    home: Home,
) -> None:
    reconcile(home, CHANNEL, videos(3))
    pause = QuotaSpent("the day's units are spent", UNTIL, "a service")
    report = reconcile(
        home, CHANNEL, videos(1), complete=lambda: False, pause=lambda: pause, now=NOW
    )
    assert report.num_videos == 3
    assert report.paused is not None
    assert reconcile(home, CHANNEL, videos(3), now=NOW).paused is None


def test_earlier_titles_and_descriptions_are_kept(home: Home) -> None:
    reconcile(home, CHANNEL, videos(3))
    reconcile(home, CHANNEL, videos(3, v1="second"), now=NOW)
    reconcile(home, CHANNEL, videos(3, v1="third"), now=UNTIL)
    found = [(row.video_id, row.title, row.until) for row in home.table("history").rows(CHANNEL)]
    assert found == [
        ("v1", "v1", "2026-01-01T00:00:00+00:00"),
        ("v1", "second", "2026-01-01T01:00:00+00:00"),
    ]


def test_a_change_of_something_else_is_no_history(home: Home) -> None:
    reconcile(home, CHANNEL, videos(1))
    reconcile(home, CHANNEL, [Video(video_id="v0", source="archive", title="v0", tags=("new",))])
    assert home.table("history").count(CHANNEL) == 0


def test_what_was_forgotten_comes_back_from_no_source(home: Home) -> None:
    home.table("tombstones").put(SHARED, [Entry(Tombstone(video_id="v1", forgotten_at="now"))])
    reconcile(home, CHANNEL, [*videos(3), Failed(video_id="v1", error="broken")])
    assert sorted(row.video_id for row in home.table("videos").rows(CHANNEL)) == ["v0", "v2"]
    assert attempts(home, CHANNEL, "videos") == {}


def test_a_failure_waits_until_the_time_that_its_source_names(home: Home) -> None:
    def work(inputs: Iterator[Any]) -> Iterator[Any]:
        for (video,) in inputs:
            yield Failed(
                video_id=video.video_id, error="live", retry=True, not_before=UNTIL.isoformat()
            )

    reconcile(home, CHANNEL, videos(1))
    (failed,) = refresh(home, CHAPTERS, CHANNEL, work, now=NOW).failed
    assert failed.next_try == UNTIL.isoformat()
    assert len(plan(home, CHAPTERS, CHANNEL, None, NOW).waiting) == 1
    assert len(plan(home, CHAPTERS, CHANNEL, None, UNTIL).due) == 1


def test_a_failure_that_names_the_title_of_a_forgotten_video_is_not_kept(home: Home) -> None:
    home.table("tombstones").put(SHARED, [Entry(Tombstone(video_id="v0", forgotten_at="2026"))])
    clash = Failed(video_id="v0.second", error="'Its title' stays, 'Its title' is left out")
    assert reconcile(home, CHANNEL, [*videos(2), clash]).failed == ()
