"""What sources offer and give, asked once: the raw captures in front of every source.

What a source gives is kept as it was received, shared by all channels, so a better parser reads it
again without asking the source.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from impressions_assets.errors import SourceError, SourceMissing
from impressions_assets.rows import Track, Video
from impressions_assets.sources.bodies import Bodies, Wanted, capture_key_of, no_source
from impressions_assets.sources.offers import Choose, Offer, Offers
from impressions_assets.sources.source import Source, grouped
from impressions_assets.storage.home import Home


def first_of(video: Video, tracks: tuple[Track, ...]) -> Track | None:
    """Choose the first track, if there is any."""
    return next(iter(tracks), None)


class Captures:
    """A channel's sources, seen through what was already asked and fetched."""

    def __init__(
        self,
        home: Home,
        sources: Sequence[Source],
        look_again: timedelta = timedelta(0),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the captures of a home.

        Args:
            home: the storage root.
            sources: the channel's sources. Of those of a kind that is asked for tracks, any can
                be asked for any video.
            look_again: how long after its publication a video without captions is asked again.
            now: the clock.
        """
        self._sources = grouped(sources, lambda source: source.kind)
        self._bodies = Bodies(home, self._sources, now)
        self._offers = {
            kind: Offers(home, of_kind[0], look_again, now, self._bodies)
            for kind, of_kind in self._sources.items()
            if of_kind[0].asks
        }
        self._errors: dict[str, SourceError] = {}

    def offers(self, videos: Sequence[Video], choose: Choose = first_of) -> Mapping[str, Offer]:
        """Return, by video id, the tracks that there are for each video, or why there are none.

        What the listing does not know, and was not kept before, is asked; and the track that is
        chosen is fetched at once, so that a block in the middle leaves videos done and not half
        done. All of it is kept in one commit.
        """
        offers: dict[str, Offer] = {video.video_id: video.tracks for video in videos}
        for kind, of_kind in grouped(videos, lambda video: video.source).items():
            unknown = [video for video in of_kind if not video.tracks]
            if kind in self._offers:
                offers |= self._offers[kind].of(unknown, choose, self._errors)
            elif kind not in self._sources:
                offers |= {video.video_id: no_source(video) for video in unknown}
        return offers

    def out_of_reach(self, video: Video, what: str) -> SourceError | None:
        """Why a video cannot be asked for its sound or captions, as far as its row says."""
        offers = self._offers.get(video.source)
        return offers.out_of_reach(video, what) if offers else None

    def fetch_all(self, wanted: Iterable[Wanted]) -> Mapping[str, bytes | SourceError]:
        """Return, by capture key, the bytes of each track, or why they cannot be had.

        What was not kept before is fetched, and kept in one commit, also when an error strikes in
        the middle. What could not be had a moment ago, with its offer, is not tried again.
        """
        by_key = {capture_key_of(video, track): (video, track) for video, track in wanted}
        errors = {key: self._errors.pop(key) for key in by_key.keys() & self._errors.keys()}
        found = {
            **errors,
            **self._bodies.fetch_all(pair for key, pair in by_key.items() if key not in errors),
        }
        for kind, offers in self._offers.items():
            offers.forget(
                video
                for key, (video, _) in by_key.items()
                if video.source == kind and isinstance(found[key], SourceMissing)
            )
        return found
