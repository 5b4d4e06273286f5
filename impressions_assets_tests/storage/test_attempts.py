"""What failed and what waits: tried again when it may help, and the others go on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from impressions_assets.errors import (
    Blocked,
    SourceBroken,
    SourceMissing,
    SourceRefused,
)
from impressions_assets.rows import Chapters, Failed, Video
from impressions_assets.storage.attempts import attempts, paused
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import each, plan, refresh
from impressions_assets.storage.listing import reconcile
from impressions_assets.storage.records import Attempt
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.listings import CHANNEL, CHAPTERS, NOW, UNTIL, no_chapters, videos


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

    def failed(count: int, now: datetime) -> tuple[Attempt, datetime]:
        (attempt,) = refresh(home, CHAPTERS, CHANNEL, each(never), now=now).failed
        assert attempt.count == count
        due = datetime.fromisoformat(attempt.next_try or "")
        assert due - now <= timedelta(days=1)
        return attempt, due

    now = NOW
    for count in range(1, 12):
        attempt, now = failed(count, now)
    home.table("attempts").put(CHANNEL, [Entry(replace(attempt, count=59))])
    failed(60, now)


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


def test_a_failure_is_over_when_the_row_is_valid_whoever_made_it_so(home: Home) -> None:
    reconcile(home, CHANNEL, videos(2))
    refresh(home, CHAPTERS, CHANNEL, each(no_chapters), "these settings")

    def broken(video: Video) -> Chapters:
        raise SourceBroken("no such track")

    (first, _) = refresh(home, CHAPTERS, CHANNEL, each(broken), "others", now=NOW).failed
    assert first.status == "permanent"
    back = refresh(home, CHAPTERS, CHANNEL, each(no_chapters), "these settings", now=NOW)
    assert (back.num_computed, back.failed) == (0, ())


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
