"""Several sources as one list: each id once, the first source wins, nothing lost in silence."""

from collections.abc import Iterator
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.channels.stages import Filters
from impressions_assets.errors import Blocked, SourceBroken, SourceError, SourceMissing
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources.listing import Listing
from impressions_assets.storage.digests import key_of


class Given:
    """A source that lists what it is given, and then fails if it is given an error."""

    kind = "archive"

    def __init__(
        self, *items: Video | Failed, error: SourceError | None = None, name: str = "given"
    ) -> None:
        self._items, self._error, self.name = items, error, name

    def list_videos(self) -> Iterator[Video | Failed]:
        yield from self._items
        if self._error:
            raise self._error

    def fetch(self, video: Video, track: Track) -> bytes:
        raise AssertionError("a listing fetches nothing")


def video(video_id: str, title: str = "") -> Video:
    return Video(video_id=video_id, source="archive", title=title)


def listed(*sources: Given, **filters: object) -> list[Video | Failed]:
    return list(Listing(sources, Filters.model_validate(filters)))


def ids(items: list[Video | Failed]) -> list[str]:
    return [item.video_id for item in items if isinstance(item, Video)]


@given(names=st.lists(st.sampled_from("abcdefgh"), max_size=12))
def test_videos_come_once_in_the_order_of_all_work(names: list[str]) -> None:
    half = len(names) // 2
    unique = [list(dict.fromkeys(part)) for part in (names[:half], names[half:])]
    found = listed(*(Given(*map(video, part)) for part in unique))
    assert ids(found) == sorted(set(names), key=key_of)


def test_the_same_video_in_two_sources_is_no_clash() -> None:
    assert listed(Given(video("a")), Given(video("a"))) == [video("a")]


def test_the_first_source_wins_and_the_clash_is_told() -> None:
    found = listed(Given(video("a", "First")), Given(video("a", "Second")))
    (clash,) = [item for item in found if isinstance(item, Failed)]
    assert [item for item in found if isinstance(item, Video)] == [video("a", "First")]
    assert clash.video_id != "a"  # it fails beside the video that stays, not instead of it
    assert "'a' comes from two sources" in clash.error
    assert "'First' stays, 'Second' is left out" in clash.error


def test_a_source_that_breaks_off_leaves_the_others_and_the_listing_incomplete() -> None:
    broken = Given(video("a"), error=SourceMissing("the disk is away"))
    listing = Listing([broken, Given(video("b"))], Filters())
    assert set(ids(list(listing))) == {"a", "b"}
    assert not listing.is_complete()
    assert [str(error) for error in listing.errors] == ["the disk is away"]


def test_when_no_source_can_be_read_each_is_a_failure_and_the_first_is_the_reason() -> None:
    first, second = SourceMissing("the disk is away"), SourceBroken("no archive")
    listing = Listing([Given(error=first), Given(error=second, name="other")], Filters())
    assert list(listing) == [
        Failed(video_id="source:given", error="the disk is away", retry=True),
        Failed(video_id="source:other", error="no archive"),
    ]
    assert listing.failure() is first


def test_a_source_that_wants_to_be_left_alone_has_not_failed() -> None:
    pause = Blocked("a captcha", datetime(2026, 1, 1, tzinfo=UTC), "pages")
    listing = Listing([Given(error=pause)], Filters())
    assert list(listing) == []
    assert listing.pause() is pause
    assert not listing.is_complete()


def test_what_came_before_every_source_broke_off_is_not_lost() -> None:
    first, second = SourceMissing("the disk is away"), SourceBroken("no archive")
    listing = Listing([Given(video("a"), error=first), Given(error=second)], Filters())
    assert ids(list(listing)) == ["a"]
    assert listing.failure() is first


def test_one_video_of_youtube_before_and_after_an_edit_is_no_clash() -> None:
    before = Video(video_id="a", source="youtube", title="First")
    after = Video(video_id="a", source="youtube", title="Second")
    assert listed(Given(before), Given(after)) == [before]


def test_each_look_begins_anew() -> None:
    source = Given(video("a"), error=SourceMissing("away"))
    listing = Listing([source, Given()], Filters())
    list(listing)
    source._error = None
    assert ids(list(listing)) == ["a"]
    assert listing.is_complete()


def test_filters_apply_to_all_sources_together_and_failures_pass() -> None:
    failed = Failed(video_id="x", error="cut")
    found = listed(
        Given(video("a", "A talk"), failed), Given(video("b", "A song")), title_excludes=["song"]
    )
    assert found == [failed, video("a", "A talk")]
