"""The bytes of tracks, fetched once: kept as received, and shared by all channels.

A capture of a track counts while it is what the track announces.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from impressions_assets.errors import SourceBroken, SourceError, SourceMissing
from impressions_assets.rows import Track, Video
from impressions_assets.sources.asking import answers
from impressions_assets.sources.source import Source, grouped
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED, Capture, capture_key

Wanted = tuple[Video, Track]


class Bodies:
    """The bytes of a channel's tracks, seen through what was already fetched."""

    def __init__(
        self, home: Home, sources: Mapping[str, list[Source]], now: Callable[[], datetime]
    ) -> None:
        """Read nothing yet; `sources` are the channel's, by their kinds."""
        self._table = home.table("captures")
        self._raw = Raw(home)
        self._sources = sources
        self._now = now

    def keeps(self, video: Video, track: Track) -> bool:
        """Say whether a track was fetched before."""
        capture = self._table.get(SHARED, capture_key_of(video, track))
        return capture is not None and self._is_what(track, capture)

    def fetch(self, video: Video, track: Track) -> bytes:
        """Fetch from the first source that has it; what is wrong with the video ends the search.

        Any thread may call it: it reads and writes no table.
        """
        error: SourceError | None = None
        for source in self._sources.get(video.source, ()):
            try:
                return source.fetch(video, track)
            except (SourceMissing, SourceBroken) as caught:
                error = error or caught
        raise error or no_source(video)

    def fetch_all(self, wanted: Iterable[Wanted]) -> Mapping[str, bytes | SourceError]:
        """Return, by capture key, the bytes of each track, or why they cannot be had.

        What was not kept before is fetched, and kept in one commit, also when an error strikes in
        the middle.
        """
        by_key = {capture_key_of(video, track): (video, track) for video, track in wanted}
        kept = {
            key: capture.body
            for key, capture in self._table.items(SHARED, by_key)
            if self._is_what(by_key[key][1], capture)
        }
        missing = grouped(by_key.keys() - kept.keys(), lambda key: by_key[key][0].source)
        fetched: dict[str, bytes | SourceError] = {}
        try:
            for kind, keys in missing.items():
                concurrency = min((s.concurrency for s in self._sources.get(kind, ())), default=1)
                ask = answers(lambda key: self.fetch(*by_key[key]), sorted(keys), concurrency)
                fetched.update(ask)
        finally:
            self._raw.keep(
                [self.capture(*by_key[k], b) for k, b in fetched.items() if isinstance(b, bytes)]
            )
        return {**kept, **fetched}

    def capture(self, video: Video, track: Track, body: bytes) -> Capture:
        """Return the row that keeps a track."""
        return Capture(
            video_id=video.video_id,
            kind=_kind(track),
            language=track.language,
            engine=video.source,
            body=body,
            revision=track.digest,
            fetched_at=self._stamp(),
        )

    def _is_what(self, track: Track, capture: Capture) -> bool:
        is_fresh = capture.expires_at is None or capture.expires_at > self._stamp()
        return is_fresh and (not track.digest or capture.revision == track.digest)

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")


def capture_key_of(video: Video, track: Track) -> str:
    """Return the key under which a track of a video is kept."""
    return capture_key(video.video_id, _kind(track), track.language, video.source)


def no_source(video: Video) -> SourceMissing:
    """Say that nobody can be asked for a video any more."""
    return SourceMissing(
        f"video {video.video_id}: the channel has no {video.source} source any more. "
        "Materialize `videos` again"
    )


def _kind(track: Track) -> str:
    return f"captions/{track.kind}/{track.format}"
