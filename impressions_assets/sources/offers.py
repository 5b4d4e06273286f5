"""Which tracks sources offer for a video, asked once and kept.

An offer counts for good, unless it was of no use and the video was young: captions come late. A
video that is gone, or still live, is not asked; what was kept of it serves.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from impressions_assets.captures import Raw
from impressions_assets.errors import (
    NoCaptions,
    NotYet,
    SourceError,
    VideoUnavailable,
)
from impressions_assets.home import SHARED, Capture, Home, capture_key
from impressions_assets.rows import Track, Video
from impressions_assets.sources.asking import STOPS, answers
from impressions_assets.sources.bodies import Bodies, capture_key_of
from impressions_assets.sources.source import Source

Offer = tuple[Track, ...] | SourceError
Choose = Callable[[Video, tuple[Track, ...]], Track | None]

_KIND = "captions/offer"
_NEXT_LOOK = timedelta(days=1)


class KeptOffer(Struct, frozen=True, omit_defaults=True):
    """What a source answered: tracks, or why there are none."""

    tracks: tuple[Track, ...] = ()
    reason: str = ""


class Offers:
    """What one source offers, seen through what it said before."""

    def __init__(
        self,
        home: Home,
        source: Source,
        look_again: timedelta,
        now: Callable[[], datetime],
        bodies: Bodies,
    ) -> None:
        """Read nothing yet.

        Args:
            home: the storage root.
            source: who is asked.
            look_again: how long after its publication a video without captions is asked again.
            now: the clock.
            bodies: the bytes of tracks.
        """
        self._raw = Raw(home)
        self._table = home.table("captures")
        self._source = source
        self._look_again = look_again
        self._now = now
        self._bodies = bodies

    def of(
        self, videos: Sequence[Video], choose: Choose, errors: dict[str, SourceError]
    ) -> dict[str, Offer]:
        """Return each video's tracks, or why there are none.

        What was not kept is asked, and the track that `choose` picks is fetched at once; what goes
        wrong with that alone goes into `errors`, by capture key.
        """
        offers: dict[str, Offer] = {}
        due = []
        kept = self._raw.kept((v.video_id for v in videos), _KIND, self._source.kind)
        for video in videos:
            offer = self._from_kept(video, kept.get(video.video_id), choose)
            if offer is None:
                due.append(video)
            else:
                offers[video.video_id] = offer
        return offers | self._asked(due, choose, errors)

    def forget(self, videos: Iterable[Video]) -> None:
        """Forget what was said of videos whose tracks are there no more."""
        keys = [capture_key(v.video_id, _KIND, "und", self._source.kind) for v in videos]
        self._table.remove(SHARED, keys)

    def _asked(
        self, videos: Sequence[Video], choose: Choose, errors: dict[str, SourceError]
    ) -> dict[str, Offer]:
        """Ask; what came is kept in one commit, also when an error strikes in the middle."""
        offers: dict[str, Offer] = {}
        new: list[Capture] = []  # threads only add to it

        def ask(video: Video) -> Offer:
            try:
                said = KeptOffer(self._source.offer(video))
            except NoCaptions as error:
                said = KeptOffer(reason=error.reason)
            capture = self._capture(video, said)
            new.append(capture)
            if track := choose(video, said.tracks):
                try:
                    new.append(self._bodies.capture(video, track, self._bodies.fetch(video, track)))
                except STOPS:
                    raise
                except SourceError as error:
                    errors[capture_key_of(video, track)] = error
            return self._judged(video, said, capture.expires_at, is_usable=track is not None)

        try:
            for video, offer in answers(ask, videos, self._source.concurrency):
                offers[video.video_id] = offer
        finally:
            self._raw.keep(new)
        return offers

    def _from_kept(self, video: Video, capture: Capture | None, choose: Choose) -> Offer | None:
        """Return what was kept, None when the source must be asked."""
        said = msgspec.json.decode(capture.body, type=KeptOffer) if capture else None
        if video.status != "ok":
            return self._from_memory(video, said)
        if capture is None or said is None or capture.revision != self._source.asks:
            return None
        is_over = capture.expires_at is not None and capture.expires_at <= self._stamp()
        is_usable = choose(video, said.tracks) is not None
        if is_over and not is_usable:
            return None
        return self._judged(video, said, capture.expires_at, is_usable=is_usable)

    def _from_memory(self, video: Video, said: KeptOffer | None) -> Offer:
        """Return what was kept of a video that cannot be asked."""
        if said and not said.tracks:
            return _no_captions(video, said.reason)
        if tracks := tuple(t for t in said.tracks if self._bodies.keeps(video, t)) if said else ():
            return tracks
        if video.status == "live":
            text = f"video {video.video_id}: it is live; its captions come after its end"
            return NotYet(text, self._now() + _NEXT_LOOK)
        text = f"video {video.video_id}: it is {video.status}, and no captions of it were kept"
        return VideoUnavailable(text, video.status)

    def _judged(
        self, video: Video, said: KeptOffer, expires_at: str | None, *, is_usable: bool
    ) -> Offer:
        if expires_at is None or is_usable:
            return said.tracks or _no_captions(video, said.reason)
        return NotYet(
            f"video {video.video_id}: no captions yet; it is asked again until it is "
            f"{self._look_again.days} days old",
            datetime.fromisoformat(expires_at),
        )

    def _capture(self, video: Video, said: KeptOffer) -> Capture:
        now = self._now()
        published = _time(video.published)
        is_young = published is not None and now < published + self._look_again
        return Capture(
            video_id=video.video_id,
            kind=_KIND,
            language="und",
            engine=self._source.kind,
            body=msgspec.json.encode(said),
            revision=self._source.asks,
            fetched_at=self._stamp(),
            expires_at=(now + _NEXT_LOOK).isoformat(timespec="seconds") if is_young else None,
        )

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")


def _no_captions(video: Video, reason: str) -> NoCaptions:
    return NoCaptions(f"video {video.video_id}: it has no captions ({reason})", reason)


def _time(text: str | None) -> datetime | None:
    """Read a date or a time; None when there is none, or none that one can read."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
