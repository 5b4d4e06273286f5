"""From videos to transcripts: the best track is fetched, many at once; failures stay alone."""

from collections.abc import Iterable, Iterator, Mapping

from impressions_assets.errors import SourceBroken, SourceError, SourceMissing
from impressions_assets.rows import Failed, Track, Transcript, Video
from impressions_assets.speech.transcribe import transcripts_of

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

    def __call__(self, wanted: Iterable[tuple[Video, Track]]) -> Mapping[str, bytes | SourceError]:
        pairs = list(wanted)
        self.asked.append([track.location for _, track in pairs])
        return {key_of(v, t): self._instead.get(v.video_id, VTT) for v, t in pairs}


def read(videos: Iterable[Video], shelf: Shelf) -> list[Transcript | Failed]:
    return list(transcripts_of(iter(videos), shelf, key_of, ["en"], "manual_first"))


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
    results = transcripts_of(videos(), shelf, key_of, ["en"], "manual_first")
    next(results)
    assert drawn == 100
    assert len(list(results)) == 249
    assert [len(asked) for asked in shelf.asked] == [100, 100, 50]
