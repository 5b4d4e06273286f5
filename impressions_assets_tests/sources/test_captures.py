"""Raw captures: fetched once for all channels, and again only when the source announces others."""

from collections.abc import Iterator

from impressions_assets.errors import SourceMissing
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.sources.captures import Captures
from impressions_assets.sources.source import Source
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED


class Shelf(Source):
    """A source of one kind that counts what is fetched from it."""

    def __init__(self, kind: str = "archive", *, away: bool = False) -> None:
        self.kind, self.name, self._away = kind, kind, away
        self.fetched: list[str] = []

    def list_videos(self) -> Iterator[Video | Failed]:
        raise AssertionError("captures list nothing")

    def fetch(self, video: Video, track: Track) -> bytes:
        if self._away:
            raise SourceMissing(f"{track.location}: the disk is away")
        self.fetched.append(track.location)
        return f"{self.name} {track.location} {track.digest}".encode()


def wanted(number: int, digest: str = "d1", source: str = "archive") -> tuple[Video, Track]:
    track = Track(
        language="en", kind="manual", format="vtt", location=f"{number}.vtt", digest=digest
    )
    return Video(video_id=f"v{number}", source=source, tracks=(track,)), track


def test_what_was_fetched_is_not_fetched_again_by_any_channel(home: Home) -> None:
    first, second = Shelf(), Shelf()
    bodies = Captures(home, [first]).fetch_all([wanted(1), wanted(2)])
    assert sorted(first.fetched) == ["1.vtt", "2.vtt"]
    again = Captures(Home(home.root), [second]).fetch_all([wanted(1), wanted(2), wanted(3)])
    assert second.fetched == ["3.vtt"]
    assert bodies.items() <= again.items()
    assert again[capture_key_of(*wanted(1))] == b"archive 1.vtt d1"


def test_a_track_that_the_source_announces_with_another_digest_is_fetched_again(
    home: Home,
) -> None:
    source = Shelf()
    captures = Captures(home, [source])
    captures.fetch_all([wanted(1, "d1")])
    found = captures.fetch_all([wanted(1, "d2")])
    assert found == {capture_key_of(*wanted(1)): b"archive 1.vtt d2"}
    assert source.fetched == ["1.vtt", "1.vtt"]
    assert home.table("captures").count(SHARED) == 1


def test_a_track_without_a_digest_counts_as_what_was_kept(home: Home) -> None:
    source = Shelf()
    captures = Captures(home, [source])
    captures.fetch_all([wanted(1, "")])
    captures.fetch_all([wanted(1, "")])
    assert source.fetched == ["1.vtt"]


def test_a_track_that_cannot_be_had_is_an_error_beside_the_others_and_is_not_kept(
    home: Home,
) -> None:
    away, notes = Shelf(away=True), Shelf("text")
    captures = Captures(home, [away, notes])
    found = captures.fetch_all([wanted(1), wanted(2, source="text")])
    assert "the disk is away" in str(found[capture_key_of(*wanted(1))])
    assert found[capture_key_of(*wanted(2, source="text"))] == b"text 2.vtt d1"
    assert home.table("captures").count(SHARED) == 1


def test_the_second_source_of_a_kind_is_asked_when_the_first_has_it_not(home: Home) -> None:
    found = Captures(home, [Shelf(away=True), Shelf()]).fetch_all([wanted(1)])
    assert found == {capture_key_of(*wanted(1)): b"archive 1.vtt d1"}


def test_a_video_of_a_source_that_the_channel_no_longer_has_says_so(home: Home) -> None:
    found = Captures(home, [Shelf("text")]).fetch_all([wanted(1)])
    assert "no archive source any more. Materialize `videos` again" in str(*found.values())


def test_sources_of_two_kinds_keep_captures_of_their_own(home: Home) -> None:
    captures = Captures(home, [Shelf("archive"), Shelf("text")])
    captures.fetch_all([wanted(1)])
    found = captures.fetch_all([wanted(1, source="text")])
    assert list(found.values()) == [b"text 1.vtt d1"]
    assert home.table("captures").count(SHARED) == 2
