"""Which videos a channel takes."""

from dataclasses import dataclass
from datetime import date

import pytest

from impressions_assets.rows import Video
from impressions_assets.sources.filters import keeps, select


@dataclass(frozen=True)
class Asked:
    since: date | None = None
    until: date | None = None
    title_includes: tuple[str, ...] = ()
    title_excludes: tuple[str, ...] = ()
    min_duration_seconds: float | None = None
    max_duration_seconds: float | None = None
    shorts: bool = True
    live: bool = True
    maximum: int | None = None


def video(video_id="a", **fields):
    return Video(video_id=video_id, source="archive", **fields)


@pytest.mark.parametrize(
    ("asked", "fields", "is_kept"),
    [
        (Asked(), {}, True),
        (Asked(since=date(2024, 1, 2)), {"published": "2024-01-02"}, True),
        (Asked(since=date(2024, 1, 2)), {"published": "2024-01-01T23:59:59Z"}, False),
        (Asked(until=date(2024, 1, 2)), {"published": "2024-01-02T23:59:59Z"}, True),
        (Asked(until=date(2024, 1, 2)), {"published": "2024-01-03"}, False),
        (Asked(since=date(2024, 6, 1), until=date(2024, 7, 1)), {"published": "2024"}, True),
        (Asked(since=date(2024, 6, 1)), {"published": "2023"}, False),
        (Asked(since=date(2024, 6, 1)), {}, True),
        (Asked(title_includes=("talk", "LECTURE")), {"title": "A lecture"}, True),
        (Asked(title_includes=("talk",)), {"title": "A lecture"}, False),
        (Asked(title_excludes=("trailer",)), {"title": "The Trailer"}, False),
        (Asked(min_duration_seconds=60), {"duration_seconds": 60.0}, True),
        (Asked(min_duration_seconds=60), {"duration_seconds": 59.0}, False),
        (Asked(max_duration_seconds=60), {"duration_seconds": 61.0}, False),
        (Asked(min_duration_seconds=60), {}, True),
        (Asked(shorts=False), {"is_short": True}, False),
        (Asked(live=False), {"live": "ended"}, False),
    ],
)
def test_a_video_is_kept_unless_something_known_speaks_against_it(asked, fields, is_kept):
    reason = keeps(asked, video(**fields))
    assert (reason is None) == is_kept
    assert reason is None or reason


def test_without_a_maximum_videos_pass_in_their_order():
    videos = [video("b"), video("a", is_short=True), video("c")]
    assert [v.video_id for v in select(Asked(shorts=False), videos)] == ["b", "c"]


def test_a_maximum_takes_the_newest_of_those_that_pass_and_the_undated_last():
    videos = [
        video("undated"),
        video("old", published="2020-01-01"),
        video("a", published="2024-01-01"),
        video("b", published="2024-01-01"),
        video("short", published="2025-01-01", is_short=True),
    ]
    found = [v.video_id for v in select(Asked(shorts=False, maximum=3), videos)]
    assert found == ["b", "a", "old"]
    assert [v.video_id for v in select(Asked(maximum=9), videos)][-1] == "undated"
