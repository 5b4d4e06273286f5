"""Bytes from sources, fetched once: the raw captures in front of every source.

What a source gives is kept as it was received, shared by all channels, so a better parser reads it
again without asking the source. A capture of a track counts while it is what the track announces.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from impressions_assets.errors import SourceError, SourceMissing
from impressions_assets.home import SHARED, Capture, Home, capture_key
from impressions_assets.rows import Track, Video
from impressions_assets.sources.source import Source
from impressions_assets.tables import Entry

Wanted = tuple[Video, Track]


class Captures:
    """A channel's sources, seen through what was already fetched."""

    def __init__(self, home: Home, sources: Sequence[Source]) -> None:
        """Open the captures of a home."""
        self._table = home.table("captures")
        self._sources = sources

    def fetch_all(self, wanted: Iterable[Wanted]) -> Mapping[str, bytes | SourceError]:
        """Return, by capture key, the bytes of each track, or why they cannot be had.

        What was not kept before is fetched, and kept in one commit.
        """
        by_key = {capture_key_of(video, track): (video, track) for video, track in wanted}
        kept = {
            key: capture.body
            for key, capture in self._table.items(SHARED, by_key)
            if _is_what(by_key[key][1], capture)
        }
        fetched = {k: self._fetch(*by_key[k]) for k in by_key.keys() - kept.keys()}
        new = [_capture(*by_key[k], b) for k, b in fetched.items() if isinstance(b, bytes)]
        self._table.put(SHARED, [Entry(capture) for capture in new])
        return {**kept, **fetched}

    def _fetch(self, video: Video, track: Track) -> bytes | SourceError:
        error: SourceError | None = None
        for source in self._sources:
            if source.kind != video.source:
                continue
            try:
                return source.fetch(video, track)
            except SourceError as caught:
                error = error or caught
        return error or SourceMissing(
            f"{track.location} of video {video.video_id}: the channel has no {video.source} source "
            "any more. Materialize `videos` again"
        )


def capture_key_of(video: Video, track: Track) -> str:
    """Return the key under which a track of a video is kept."""
    return capture_key(video.video_id, _kind(track), track.language, video.source)


def _kind(track: Track) -> str:
    return f"captions/{track.kind}/{track.format}"


def _is_what(track: Track, capture: Capture) -> bool:
    is_fresh = capture.expires_at is None or capture.expires_at > _now()
    return is_fresh and (not track.digest or capture.revision == track.digest)


def _capture(video: Video, track: Track, body: bytes) -> Capture:
    return Capture(
        video_id=video.video_id,
        kind=_kind(track),
        language=track.language,
        engine=video.source,
        body=body,
        revision=track.digest,
        fetched_at=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
