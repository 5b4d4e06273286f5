"""How a channel stands: nothing is hidden, and nothing is called by another's name."""

from datetime import UTC, datetime, timedelta

from impressions_assets.errors import Blocked
from impressions_assets.rows import Failed, Status, Transcript, TranscriptOrigin, Video
from impressions_assets.storage.attempts import keep_pause, settle
from impressions_assets.storage.home import Home
from impressions_assets.storage.listing import reconcile
from impressions_assets.storage.standing import GivenUp, Waiting, standing_of
from impressions_assets.storage.tables import Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def video(name: str, status: Status = "ok") -> Video:
    return Video(video_id=name, source="youtube", status=status)


def transcript(name: str, origin: TranscriptOrigin, reason: str = "") -> Entry:
    return Entry(Transcript(video_id=name, origin=origin, reason=reason))


def test_what_is_known_waited_for_and_given_up_is_told_apart(home: Home) -> None:
    names = ("a", "b", "c", "d", "e")
    reconcile(home, "talks", [*map(video, names), video("f", "private"), video("g", "live")])
    home.table("transcripts").put(
        "talks",
        [
            transcript("a", "manual"),
            transcript("b", "automatic"),
            transcript("c", "none", "disabled"),
        ],
    )
    settle(
        home,
        "talks",
        "transcripts",
        set(),
        [
            Failed(video_id="d", error="no answer for d", retry=True),
            Failed(video_id="e", error="video e is age-restricted"),
            Failed(video_id="f", error="video f is age-restricted"),
        ],
        {},
        NOW,
    )
    keep_pause(home, "talks", "transcripts", Blocked("a captcha", NOW + timedelta(hours=1), "x"))

    standing = standing_of(home, "talks")
    assert standing.videos == {"ok": 5, "private": 1, "live": 1}
    assert standing.transcripts == {"manual": 1, "automatic": 1, "none": 1}
    assert standing.without_words == {"disabled": 1}
    assert standing.waiting == (Waiting("transcripts", 1, "2026-01-01T00:05:00+00:00"),)
    assert standing.given_up == (GivenUp("transcripts", "video … is age-restricted", ("e", "f")),)
    assert [(p.stage, p.next_try, p.error) for p in standing.pauses] == [
        ("transcripts", "2026-01-01T01:00:00+00:00", "a captcha")
    ]
    assert standing.storage_bytes > 1000
    assert standing.last_change is not None
    assert datetime.fromisoformat(standing.last_change) > datetime.now(UTC) - timedelta(minutes=5)


def test_a_source_that_cannot_be_read_is_no_video_and_is_told_until_it_can(home: Home) -> None:
    away = Failed(video_id="source:https://youtu.be/x", error="it is private", retry=True)
    for count in (1, 2):
        report = reconcile(home, "talks", [video("a"), away], complete=lambda: False, now=NOW)
        assert (report.num_videos, report.failed) == (1, ())
        (unread,) = standing_of(home, "talks").unread
        assert (unread.error, unread.count) == ("it is private", count)
    assert (standing_of(home, "talks").waiting, standing_of(home, "talks").given_up) == ((), ())
    assert unread.next_try == "2026-01-01T00:10:00+00:00"
    other = Failed(video_id="source:/data/other", error="it is away", retry=True)
    reconcile(home, "talks", [video("a"), other], complete=lambda: False, now=NOW)
    assert [found.error for found in standing_of(home, "talks").unread] == ["it is away"]
    reconcile(home, "talks", [video("a")], now=NOW)
    assert standing_of(home, "talks").unread == ()


def test_a_channel_without_anything_stands_at_nothing(home: Home) -> None:
    standing = standing_of(home, "talks")
    assert (standing.videos, standing.pauses, standing.storage_bytes) == ({}, (), 0)
    assert standing.last_change is None
