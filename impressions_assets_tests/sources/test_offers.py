"""What a source offers is asked once and kept, and asked again only where that may help."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from impressions_assets.errors import (
    Blocked,
    NoCaptions,
    NotYet,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceUnreachable,
    VideoUnavailable,
)
from impressions_assets.home import SHARED, Home
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.offers import Offer
from impressions_assets.sources.source import Source

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MANUAL = Track(language="en", kind="manual", format="timedtext", location="timedtext/en/manual")
AUTOMATIC = Track(
    language="en", kind="automatic", format="timedtext", location="timedtext/en/automatic"
)


class Tube(Source):
    """A source that must be asked; it answers with one manual track, or as it is told."""

    kind = "youtube"

    def __init__(self, asks: str = "timedtext", concurrency: int = 1) -> None:
        self.name, self.asks, self.concurrency = "tube", asks, concurrency
        self.answers: dict[str, Offer | Exception] = {}
        self.bodies: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.fetched: list[str] = []

    def list_videos(self) -> Iterator[Video | Failed]:
        raise AssertionError("nothing is listed here")

    def offer(self, video: Video) -> tuple[Track, ...]:
        self.asked.append(video.video_id)
        answer = self.answers.get(video.video_id, (MANUAL,))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, video: Video, track: Track) -> bytes:
        self.fetched.append(video.video_id)
        if video.video_id in self.bodies:
            raise self.bodies[video.video_id]
        return f"{video.video_id} {track.location}".encode()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def clip(video_id: str, days_old: float | None = 100, **more: object) -> Video:
    published = None if days_old is None else (NOW - timedelta(days=days_old)).isoformat()
    return Video(video_id=video_id, source="youtube", published=published, **more)  # type: ignore[arg-type]


def captures(home: Home, *sources: Source, clock: Clock | None = None) -> Captures:
    """Open a home as a new run does."""
    return Captures(Home(home.root), sources, timedelta(days=14), clock or Clock())


def none_of(reason: str = "disabled") -> NoCaptions:
    return NoCaptions("no captions", reason)


def blocked() -> Blocked:
    return Blocked("a robot", NOW + timedelta(hours=1), "youtube-captions")


def only_manual(video: Video, tracks: Sequence[Track]) -> Track | None:
    return MANUAL if MANUAL in tracks else None


def nothing(video: Video, tracks: Sequence[Track]) -> None:
    """Choose no track, so that nothing is fetched."""


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
    assert table._open().version() == 1  # after 0, which made the table


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


def test_an_old_video_without_captions_is_decided_for_good(home: Home) -> None:
    tube, clock = Tube(), Clock()
    tube.answers["a"] = none_of("none")
    for _ in range(3):
        offer = captures(home, tube, clock=clock).offers([clip("a")])["a"]
        assert isinstance(offer, NoCaptions)
        assert offer.reason == "none"
        clock.now += timedelta(days=300)
    assert tube.asked == ["a"]


def test_a_video_that_nobody_knows_the_age_of_is_decided(home: Home) -> None:
    tube = Tube()
    for video in (clip("a", None), Video(video_id="b", source="youtube", published="long ago")):
        tube.answers[video.video_id] = none_of()
        assert isinstance(captures(home, tube).offers([video])[video.video_id], NoCaptions)


def test_a_young_video_without_captions_is_asked_every_day_until_it_is_old(home: Home) -> None:
    tube, clock = Tube(), Clock()
    video = clip("a", days_old=12.5)
    tube.answers["a"] = none_of()
    for hours, num_asked in [(0, 1), (23, 1), (2, 2), (20, 2), (5, 3), (500, 3)]:
        clock.now += timedelta(hours=hours)
        offer = captures(home, tube, clock=clock).offers([video])["a"]
        assert len(tube.asked) == num_asked
        is_young = num_asked < 3
        assert isinstance(offer, NotYet if is_young else NoCaptions)
        if isinstance(offer, NotYet) and hours in (0, 2):
            assert offer.until == clock.now + timedelta(days=1)


def test_captions_that_came_late_are_found_on_the_next_look(home: Home) -> None:
    tube, clock = Tube(), Clock()
    tube.answers["a"] = none_of()
    captures(home, tube, clock=clock).offers([clip("a", days_old=1)])
    del tube.answers["a"]
    clock.now += timedelta(days=1)
    for _ in range(2):
        found = captures(home, tube, clock=clock).offers([clip("a", days_old=1)])
        assert found == {"a": (MANUAL,)}
        clock.now += timedelta(days=3)
    assert len(tube.asked) == 2


def test_captions_that_the_channel_cannot_use_are_no_captions_while_the_video_is_young(
    home: Home,
) -> None:
    tube, clock = Tube(), Clock()
    tube.answers = {"young": (AUTOMATIC,), "old": (AUTOMATIC,)}
    batch = [clip("young", days_old=1), clip("old")]
    found = captures(home, tube, clock=clock).offers(batch, only_manual)
    assert isinstance(found["young"], NotYet)
    assert found["old"] == (AUTOMATIC,)
    clock.now += timedelta(days=1)
    tube.answers = {"young": (MANUAL, AUTOMATIC)}
    found = captures(home, tube, clock=clock).offers(batch, only_manual)
    assert found == {"young": (MANUAL, AUTOMATIC), "old": (AUTOMATIC,)}
    assert tube.asked == ["young", "old", "young"]


def test_a_channel_that_can_use_them_asks_nothing(home: Home) -> None:
    tube, clock = Tube(), Clock()
    tube.answers["a"] = (AUTOMATIC,)
    captures(home, tube, clock=clock).offers([clip("a", days_old=1)], only_manual)
    clock.now += timedelta(days=2)
    assert captures(home, tube, clock=clock).offers([clip("a", days_old=1)]) == {"a": (AUTOMATIC,)}
    assert tube.asked == ["a"]


def test_an_answer_to_another_question_is_asked_anew(home: Home) -> None:
    first, second = Tube(), Tube("timedtext to de")
    captures(home, first).offers([clip("a")])
    captures(home, second).offers([clip("a")])
    captures(home, second).offers([clip("a")])
    assert second.asked == ["a"]


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


@pytest.mark.parametrize(
    "error",
    [
        SourceUnreachable("no answer"),
        VideoUnavailable("gone", "gone"),
        NotYet("live", NOW + timedelta(hours=2)),
    ],
)
def test_an_error_says_nothing_that_is_kept(home: Home, error: SourceError) -> None:
    tube = Tube()
    tube.answers["a"] = error
    assert captures(home, tube).offers([clip("a"), clip("b")]) == {"a": error, "b": (MANUAL,)}
    del tube.answers["a"]
    assert captures(home, tube).offers([clip("a")]) == {"a": (MANUAL,)}


@pytest.mark.parametrize("error", [blocked(), SourceRefused("a wrong cookies file")])
def test_after_a_pause_or_a_refusal_nobody_else_is_asked(home: Home, error: SourceError) -> None:
    tube = Tube()
    batch = [clip(name) for name in "abcdef"]
    captures(home, tube).offers(batch[4:])
    tube.asked.clear()
    tube.answers["b"] = error
    found = captures(home, tube).offers(batch)
    assert tube.asked == ["a", "b"]
    assert [found[name] for name in "aef"] == [(MANUAL,)] * 3
    assert [found[name] for name in "bcd"] == [error] * 3
    del tube.answers["b"]
    tube.asked.clear()
    captures(home, tube).offers(batch)
    assert tube.asked == ["b", "c", "d"]


def test_after_a_pause_no_more_bytes_are_fetched_and_what_came_is_kept(home: Home) -> None:
    tube = Tube()
    wanted = [(clip(name), MANUAL) for name in "abcdef"]
    order = [video.video_id for video, _ in sorted(wanted, key=lambda pair: capture_key_of(*pair))]
    tube.bodies[order[2]] = error = blocked()
    found = captures(home, tube).fetch_all(wanted)
    assert tube.fetched == order[:3]
    keys = {name: capture_key_of(clip(name), MANUAL) for name in order}
    assert [found[keys[name]] for name in order[2:]] == [error] * 4
    tube.bodies.clear()
    tube.fetched.clear()
    assert all(isinstance(b, bytes) for b in captures(home, tube).fetch_all(wanted).values())
    assert tube.fetched == order[2:]


def test_what_came_before_something_unforeseen_is_kept(home: Home) -> None:
    tube = Tube()
    batch = [clip(name) for name in "bcd"]
    tube.answers["c"] = MemoryError()
    with pytest.raises(MemoryError):
        captures(home, tube).offers(batch)
    tube.answers.clear()
    wanted = [(video, MANUAL) for video in batch]
    last = max(wanted[1:], key=lambda pair: capture_key_of(*pair))[0].video_id
    tube.bodies[last] = MemoryError()
    with pytest.raises(MemoryError):
        captures(home, tube).fetch_all(wanted)
    kinds = Counter(row.kind for row in home.table("captures").rows(SHARED))
    assert kinds == {"captions/offer": 1, "captions/manual/timedtext": 2}


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
