"""The listing of a channel, brought into its `videos`: what is kept, removed and remembered."""

from impressions_assets.errors import QuotaSpent
from impressions_assets.rows import Failed, Video
from impressions_assets.storage.attempts import attempts
from impressions_assets.storage.home import Home
from impressions_assets.storage.listing import reconcile
from impressions_assets.storage.records import SHARED, Tombstone
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.listings import CHANNEL, NOW, UNTIL, videos


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


def test_a_file_of_many_records_that_cannot_be_read_takes_none_of_them_away(home: Home) -> None:
    records = [Video(video_id=f"talks-1f2e-{n}", source="text") for n in range(3)]
    reconcile(home, CHANNEL, [*records, Video(video_id="other", source="text")])
    unread = Failed(video_id="talks-1f2e", error="cut short")
    report = reconcile(home, CHANNEL, [unread])
    assert (report.num_videos, report.num_removed) == (3, 1)
    assert len(report.failed) == 1
    assert reconcile(home, CHANNEL, records[:2]).num_videos == 2


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


def test_a_failure_that_names_the_title_of_a_forgotten_video_is_not_kept(home: Home) -> None:
    home.table("tombstones").put(SHARED, [Entry(Tombstone(video_id="v0", forgotten_at="2026"))])
    clash = Failed(video_id="v0.second", error="'Its title' stays, 'Its title' is left out")
    assert reconcile(home, CHANNEL, [*videos(2), clash]).failed == ()
