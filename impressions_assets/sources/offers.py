"""Which tracks sources offer for a video, asked once and kept.

An offer counts for good, unless it was of no use and the video was young: captions come late. A
video that is gone, or still live, is not asked; what was kept of it serves. One that is not shown
to everybody is asked with a login or through a proxy alone.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from impressions_assets.errors import (
    NoCaptions,
    NotYet,
    SourceError,
    VideoUnavailable,
)
from impressions_assets.rows import Track, Video
from impressions_assets.sources.asking import STOPS, answers
from impressions_assets.sources.bodies import Bodies, capture_key_of
from impressions_assets.sources.source import Source
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED, Capture, capture_key

Offer = tuple[Track, ...] | SourceError
Choose = Callable[[Video, tuple[Track, ...]], Track | None]

_KIND = "captions/offer"
_NEXT_LOOK = timedelta(days=1)
_LOST_AT_MOST = timedelta(seconds=30)  # of work, when the process is killed


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
        """Ask; what came is kept, at least twice a minute, also when an error strikes."""
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
            return self._judged(video, said, capture.fetched_at, is_usable=track is not None)

        kept_at = self._now()
        try:
            for video, offer in answers(ask, videos, self._source.concurrency):
                offers[video.video_id] = offer
                if self._now() - kept_at > _LOST_AT_MOST:
                    self._keep(new)
                    kept_at = self._now()
        finally:
            self._keep(new)
        return offers

    def _keep(self, new: list[Capture]) -> None:
        """Keep what came until now; threads may add to it meanwhile."""
        self._raw.keep([new.pop() for _ in range(len(new))])

    def _from_kept(self, video: Video, capture: Capture | None, choose: Choose) -> Offer | None:
        """Return what was kept, None when the source must be asked."""
        said = msgspec.json.decode(capture.body, type=KeptOffer) if capture else None
        if error := self.out_of_reach(video, "captions"):
            return self._from_memory(video, said) or error
        if capture is None or said is None or capture.revision != self._source.asks:
            return None
        is_usable = choose(video, said.tracks) is not None
        offer = self._judged(video, said, capture.fetched_at, is_usable=is_usable)
        is_over = isinstance(offer, NotYet) and offer.until <= self._now()
        return None if is_over else offer

    def out_of_reach(self, video: Video, what: str) -> VideoUnavailable | NotYet | None:
        """Why a video cannot be asked for `what`; None when it can be."""
        if video.status == "ok" or (video.status == "blocked" and self._source.access):
            return None
        if video.status == "live":
            text = f"video {video.video_id}: it is live; its {what} come after its end"
            return NotYet(text, self._now() + _NEXT_LOOK)
        text = f"video {video.video_id}: it is {video.status}, and no {what} of it was kept"
        if video.status == "blocked":  # for its age, to all but members, in some countries
            text += "; it is asked for once a login (cookies file) or a proxy is set"
        return VideoUnavailable(text, video.status)

    def _from_memory(self, video: Video, said: KeptOffer | None) -> Offer:
        """Return what was kept of a video that cannot be asked; () where that is nothing."""
        if said and not said.tracks:
            return _no_captions(video, said.reason)
        return tuple(t for t in said.tracks if self._bodies.keeps(video, t)) if said else ()

    def _judged(self, video: Video, said: KeptOffer, fetched_at: str, *, is_usable: bool) -> Offer:
        expires_at = self._expires_at(video, fetched_at)
        if expires_at is None or is_usable:
            return said.tracks or _no_captions(video, said.reason)
        return NotYet(
            f"video {video.video_id}: no captions yet; it is asked again until it is "
            f"{self._look_again.days} days old",
            expires_at,
        )

    def _expires_at(self, video: Video, fetched_at: str) -> datetime | None:
        """Say until when an answer of no use counts here; channels differ, and share the answer."""
        fetched, published = datetime.fromisoformat(fetched_at), _time(video.published)
        is_young = published is not None and fetched < published + self._look_again
        return fetched + _NEXT_LOOK if is_young else None

    def _capture(self, video: Video, said: KeptOffer) -> Capture:
        return Capture(
            video_id=video.video_id,
            kind=_KIND,
            language="und",
            engine=self._source.kind,
            body=msgspec.json.encode(said),
            revision=self._source.asks,
            fetched_at=self._now().isoformat(timespec="seconds"),
        )


def forget_silence(home: Home, video_id: str) -> None:
    """Forget that YouTube had no captions of a video, so that it is asked anew; tracks stay."""
    kept = Raw(home).kept([video_id], _KIND, "youtube").get(video_id)
    if kept and not msgspec.json.decode(kept.body, type=KeptOffer).tracks:
        home.table("captures").remove(SHARED, [capture_key(video_id, _KIND, "und", "youtube")])


def _no_captions(video: Video, reason: str) -> NoCaptions:
    return NoCaptions(f"video {video.video_id}: it has no captions ({reason})", reason)


def _time(text: str | None) -> datetime | None:
    """Read a date or a time; None when there is none, or none that one can read."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
