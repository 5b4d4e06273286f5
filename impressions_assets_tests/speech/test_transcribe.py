"""From videos to transcripts: the best track is fetched, many at once; failures stay alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product

import pytest

from impressions_assets.errors import (
    Blocked,
    NoCaptions,
    NotYet,
    SourceBroken,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceUnreachable,
    VideoUnavailable,
)
from impressions_assets.rows import Failed, Track, Transcript, Video
from impressions_assets.speech.transcribe import Choose, transcripts_of

VTT = b"WEBVTT\n\n00:01.000 --> 00:03.000\nA sentence about attention.\n"


def video(number: int, *kinds: str) -> Video:
    tracks = [
        Track(language="en", kind=kind, format="vtt", location=f"{number}.{kind}")  # type: ignore[arg-type]
        for kind in kinds
    ]
    return Video(video_id=f"v{number}", source="archive", tracks=tuple(tracks))


def key_of(video: Video, track: Track) -> str:
    return track.location


class Shelf:
    """Gives VTT for every track, or what it is told; remembers what was asked, call by call."""

    def __init__(self, **instead: bytes | SourceError) -> None:
        self._instead = instead
        self.asked: list[list[str]] = []
        self.offered: dict[str, tuple[Track, ...] | SourceError] = {}

    def offers(
        self, videos: Sequence[Video], choose: Choose
    ) -> Mapping[str, tuple[Track, ...] | SourceError]:
        return {v.video_id: self.offered.get(v.video_id, v.tracks) for v in videos}

    def __call__(self, wanted: Iterable[tuple[Video, Track]]) -> Mapping[str, bytes | SourceError]:
        pairs = list(wanted)
        self.asked.append([track.location for _, track in pairs])
        return {key_of(v, t): self._instead.get(v.video_id, VTT) for v, t in pairs}


def read(videos: Iterable[Video], shelf: Shelf) -> list[Transcript | Failed]:
    return list(transcripts_of(iter(videos), shelf.offers, shelf, key_of, ["en"], "manual_first"))


def test_each_video_gives_the_words_of_its_best_track() -> None:
    shelf = Shelf()
    found = read([video(1, "automatic", "manual"), video(2, "automatic")], shelf)
    assert shelf.asked == [["1.manual", "2.automatic"]]
    assert [(t.video_id, t.origin) for t in found if isinstance(t, Transcript)] == [
        ("v1", "manual"),
        ("v2", "automatic"),
    ]
    assert isinstance(found[0], Transcript)
    assert [s.text for s in found[0].segments] == ["A sentence about attention."]


def test_a_video_without_tracks_is_decided_and_nothing_is_fetched_for_it() -> None:
    shelf = Shelf()
    (found,) = read([video(1)], shelf)
    assert isinstance(found, Transcript)
    assert (found.origin, found.segments) == ("none", ())
    assert shelf.asked == [[]]


def test_a_track_that_cannot_be_had_or_read_fails_its_video_alone() -> None:
    shelf = Shelf(
        v1=SourceMissing("away: mount it"), v2=SourceBroken("changed"), v3=b"\x89PNG\r\n\x1a\n\0"
    )
    found = read([video(n, "manual") for n in (1, 2, 3, 4)], shelf)
    failed = {f.video_id: f for f in found if isinstance(f, Failed)}
    assert {i: f.retry for i, f in failed.items()} == {"v1": True, "v2": False, "v3": False}
    assert failed["v1"].error == "away: mount it"
    assert [t.video_id for t in found if isinstance(t, Transcript)] == ["v4"]


def test_tracks_are_fetched_a_hundred_at_a_time_and_results_come_before_all_are_read() -> None:
    drawn = 0

    def videos() -> Iterator[Video]:
        nonlocal drawn
        for number in range(250):
            drawn += 1
            yield video(number, "manual")

    shelf = Shelf()
    results = transcripts_of(videos(), shelf.offers, shelf, key_of, ["en"], "manual_first")
    next(results)
    assert drawn == 100
    assert len(list(results)) == 249
    assert [len(asked) for asked in shelf.asked] == [100, 100, 50]


UNTIL = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_each_answer_of_a_source_becomes_what_it_means() -> None:
    shelf = Shelf()
    shelf.offered = {
        "v1": NoCaptions("none here", "disabled"),
        "v2": VideoUnavailable("gone", "gone"),
        "v3": NotYet("live", UNTIL),
        "v4": SourceUnreachable("no answer"),
        "v5": video(5, "automatic", "manual").tracks,
    }
    found = read([video(n) for n in (1, 2, 3, 4, 5)], shelf)
    none, gone, live, lost, words = found
    assert isinstance(none, Transcript)
    assert (none.origin, none.reason, none.offered) == ("none", "disabled", ())
    failures = [f for f in (gone, live, lost) if isinstance(f, Failed)]
    assert [(f.error, f.retry, f.not_before) for f in failures] == [
        ("gone", False, None),
        ("live", True, "2026-05-01T12:00:00+00:00"),
        ("no answer", True, None),
    ]
    assert isinstance(words, Transcript)
    assert (words.origin, words.reason) == ("manual", "")
    assert [track.location for track in words.offered] == ["5.automatic", "5.manual"]


def test_tracks_that_the_policy_does_not_take_are_no_text_and_are_told() -> None:
    shelf = Shelf()
    results = transcripts_of(
        iter([video(1, "automatic")]), shelf.offers, shelf, key_of, ["en"], "manual_only"
    )
    (found,) = results
    assert isinstance(found, Transcript)
    assert (found.origin, found.reason) == ("none", "policy")
    assert [track.kind for track in found.offered] == ["automatic"]


def test_the_source_is_told_which_tracks_are_of_use() -> None:
    heard: list[bool] = []

    def offers(
        videos: Sequence[Video], choose: Choose
    ) -> Mapping[str, tuple[Track, ...] | SourceError]:
        for clip, kind in product(videos, ("manual", "automatic")):
            heard.append(choose(clip, video(9, kind).tracks) is not None)
        return {v.video_id: () for v in videos}

    list(transcripts_of(iter([video(1)]), offers, Shelf(), key_of, ["en"], "manual_only"))
    assert heard == [True, False]


@pytest.mark.parametrize("in_offers", [True, False])
@pytest.mark.parametrize(
    "stop", [Blocked("a robot", UNTIL, "youtube-captions"), SourceRefused("a wrong key")]
)
def test_a_pause_is_raised_after_what_came_and_says_nothing_of_the_others(
    stop: SourceError, in_offers: bool
) -> None:
    stopped = {f"v{n}": stop for n in range(40, 100)}
    shelf = Shelf() if in_offers else Shelf(**stopped)  # type: ignore[arg-type]
    if in_offers:
        shelf.offered = dict(stopped)
    drawn: list[int] = []

    def videos() -> Iterator[Video]:
        for number in range(300):
            drawn.append(number)
            yield video(number, "manual")

    found: list[Transcript | Failed] = []
    results = transcripts_of(videos(), shelf.offers, shelf, key_of, ["en"], "manual_first")
    with pytest.raises(type(stop)) as raised:
        found.extend(results)
    assert raised.value is stop
    assert [outcome.video_id for outcome in found] == [f"v{n}" for n in range(40)]
    assert len(drawn) == 100
    assert len(shelf.asked) == 1
