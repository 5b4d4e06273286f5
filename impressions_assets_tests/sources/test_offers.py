"""What a source offers is asked once and kept, and asked again only where that may help."""

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest

from impressions_assets.errors import (
    NoCaptions,
    NotYet,
    SourceMissing,
    SourceUnreachable,
    VideoUnavailable,
)
from impressions_assets.rows import Track, Video
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED
from impressions_assets_tests.sources.tube import (
    AUTOMATIC,
    MANUAL,
    Clock,
    Tube,
    blocked,
    captures,
    clip,
    none_of,
    nothing,
    only_manual,
)


def test_what_is_on_offer_is_asked_once_for_all_channels(home: Home) -> None:
    first, second = Tube(), Tube()
    assert captures(home, first).offers([clip("a"), clip("b")]) == {"a": (MANUAL,), "b": (MANUAL,)}
    found = captures(home, second).offers([clip("a"), clip("b"), clip("c")])
    assert list(found) == ["a", "b", "c"]
    assert (first.asked, second.asked) == (["a", "b"], ["c"])


def test_a_batch_is_one_commit(home: Home) -> None:
    batch = [clip(str(n)) for n in range(50)]
    tube = captures(home, Tube(concurrency=4))
    tube.offers(batch)
    tube.fetch_all([(video, MANUAL) for video in batch])
    table = home.table("captures")
    assert table.count(SHARED) == 100
    assert table._folder.snapshot().version == 1  # after 0, which made the table


def test_what_took_long_is_kept_before_the_batch_ends(home: Home) -> None:
    clock = Clock()

    class Slow(Tube):
        is_kept = False

        def offer(self, video: Video) -> tuple[Track, ...]:
            clock.now += timedelta(seconds=31)
            table, until = Home(home.root).table("captures"), time.monotonic() + 10
            while video.video_id == "b" and not self.is_kept and time.monotonic() < until:
                self.is_kept = table.count(SHARED) == 2
            return super().offer(video)

    tube = Slow()
    captures(home, tube, clock=clock).offers([clip("a"), clip("b")])
    assert tube.is_kept
    assert home.table("captures").count(SHARED) == 4


def test_how_long_captions_are_sought_is_each_channels_own(home: Home) -> None:
    tube = Tube()
    tube.answers["a"] = none_of()
    video = clip("a", days_old=1)
    impatient = Captures(Home(home.root), [tube], timedelta(0), Clock())
    assert isinstance(impatient.offers([video])["a"], NoCaptions)
    assert isinstance(captures(home, tube).offers([video])["a"], NotYet)
    assert isinstance(impatient.offers([video])["a"], NoCaptions)
    assert tube.asked == ["a"]


def test_the_chosen_track_is_fetched_with_its_offer_and_no_other(home: Home) -> None:
    tube = Tube()
    tube.answers = {"a": (AUTOMATIC, MANUAL), "b": (AUTOMATIC,)}
    run = captures(home, tube)
    run.offers([clip("a"), clip("b")], only_manual)
    assert tube.fetched == ["a"]
    key = capture_key_of(clip("a"), MANUAL)
    assert run.fetch_all([(clip("a"), MANUAL)]) == {key: b"a timedtext/en/manual"}
    assert tube.fetched == ["a"]


def test_what_could_not_be_fetched_with_its_offer_is_not_tried_again_by_the_same_run(
    home: Home,
) -> None:
    tube = Tube()
    tube.bodies["a"] = error = SourceUnreachable("half an answer")
    run = captures(home, tube)
    assert run.offers([clip("a")]) == {"a": (MANUAL,)}
    key = capture_key_of(clip("a"), MANUAL)
    assert run.fetch_all([(clip("a"), MANUAL)]) == {key: error}
    assert tube.fetched == ["a"]
    tube.bodies.clear()
    later = captures(home, tube)
    assert later.offers([clip("a")]) == {"a": (MANUAL,)}
    assert later.fetch_all([(clip("a"), MANUAL)]) == {key: b"a timedtext/en/manual"}
    assert (tube.asked, tube.fetched) == (["a"], ["a", "a"])


def test_a_block_at_a_track_keeps_its_offer_and_says_nothing_of_the_video(home: Home) -> None:
    tube = Tube()
    tube.bodies["b"] = error = blocked()
    found = captures(home, tube).offers([clip("a"), clip("b"), clip("c")])
    assert found == {"a": (MANUAL,), "b": error, "c": error}
    kinds = Counter(row.kind for row in home.table("captures").rows(SHARED))
    assert kinds == {"captions/offer": 2, "captions/manual/timedtext": 1}


def test_where_the_listing_knows_the_tracks_nothing_is_asked(home: Home) -> None:
    tube = Tube()
    assert captures(home, tube).offers([clip("a", tracks=(AUTOMATIC,))]) == {"a": (AUTOMATIC,)}
    assert tube.asked == []


def test_a_source_of_files_is_not_asked_and_nothing_is_kept_of_it(home: Home) -> None:
    tube = Tube(asks="")
    assert captures(home, tube).offers([clip("a")]) == {"a": ()}
    assert tube.asked == []
    assert home.table("captures").count(SHARED) == 0


def test_a_video_of_a_source_that_is_gone_is_not_without_captions(home: Home) -> None:
    found = captures(home).offers([clip("a")])
    assert isinstance(found["a"], SourceMissing)


@pytest.mark.parametrize("status", ["private", "deleted", "live", "blocked"])
def test_what_was_kept_of_a_video_that_is_gone_serves_and_it_is_not_asked(
    home: Home, status: str
) -> None:
    tube = Tube()
    tube.answers = {"with": (MANUAL, AUTOMATIC), "without": none_of("none")}
    before = captures(home, tube)
    before.offers([clip("with"), clip("without"), clip("unfetched")], nothing)
    before.fetch_all([(clip("with"), AUTOMATIC)])
    tube.asked.clear()
    tube.fetched.clear()
    gone = [clip(name, status=status) for name in ("with", "without", "unfetched", "unknown")]
    later = captures(home, tube)
    found = later.offers(gone)
    assert found["with"] == (AUTOMATIC,)
    assert isinstance(found["without"], NoCaptions)
    for name in ("unfetched", "unknown"):
        error = found[name]
        assert isinstance(error, NotYet if status == "live" else VideoUnavailable)
        assert error.retry == (status == "live")
    assert list(later.fetch_all([(gone[0], AUTOMATIC)]).values()) == [
        b"with timedtext/en/automatic"
    ]
    assert tube.asked == tube.fetched == []


def test_a_video_that_not_everybody_may_see_is_asked_for_with_a_login(home: Home) -> None:
    tube = Tube()
    (refused,) = captures(home, tube).offers([clip("a", status="blocked")]).values()
    assert isinstance(refused, VideoUnavailable)
    assert "once a login (cookies file) or a proxy is set" in str(refused)
    assert tube.asked == []
    tube.access = "login-1f2e3d4c"
    assert captures(home, tube).offers([clip("a", status="blocked")]) == {"a": (MANUAL,)}
    tube.access = ""
    assert captures(home, tube).offers([clip("a", status="blocked")]) == {"a": (MANUAL,)}
    assert tube.asked == ["a"]


def test_a_track_that_is_there_no_more_has_its_video_asked_anew(home: Home) -> None:
    tube = Tube()
    run = captures(home, tube)
    run.offers([clip("a"), clip("b")], nothing)
    tube.bodies["a"] = SourceMissing("it is there no more")
    run.fetch_all([(clip("a"), MANUAL), (clip("b"), MANUAL)])
    tube.asked.clear()
    captures(home, tube).offers([clip("a"), clip("b")])
    assert tube.asked == ["a"]


def test_as_many_are_asked_at_once_as_the_source_bears(home: Home) -> None:
    class Slow(Tube):
        def __init__(self) -> None:
            super().__init__(concurrency=3)
            self.barrier = threading.Barrier(3, timeout=5)

        def offer(self, video: Video) -> tuple[Track, ...]:
            self.barrier.wait()  # goes on when three are here
            return super().offer(video)

    slow = Slow()
    assert len(captures(home, slow).offers([clip(str(n)) for n in range(9)])) == 9
    assert slow.barrier.n_waiting == 0
