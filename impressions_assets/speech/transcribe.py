"""From videos to transcripts: choose the track, have its bytes fetched, read them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from impressions_assets.errors import SourceError
from impressions_assets.rows import Failed, Track, Transcript, Video
from impressions_assets.speech.tracks import Policy, choose_tracks, no_transcript, transcript_of

_BATCH = 100

Fetch = Callable[[Iterable[tuple[Video, Track]]], Mapping[str, bytes | SourceError]]
KeyOf = Callable[[Video, Track], str]


def transcripts_of(
    videos: Iterator[Video],
    fetch: Fetch,
    key_of: KeyOf,
    languages: Sequence[str],
    policy: Policy,
) -> Iterator[Transcript | Failed]:
    """Yield each video's transcript from its best track, or why it cannot be had.

    Args:
        videos: the videos that are due.
        fetch: gives the bytes of many tracks at once, by the keys that `key_of` gives.
        key_of: names a track of a video.
        languages: preferred languages, best first.
        policy: which kinds of track count.
    """
    while batch := list(islice(videos, _BATCH)):
        chosen = [(v, next(iter(choose_tracks(v, languages, policy)), None)) for v in batch]
        bodies = fetch([(video, track) for video, track in chosen if track is not None])
        for video, track in chosen:
            if track is None:
                yield no_transcript(video)
            else:
                yield _read(video, track, bodies[key_of(video, track)])


def _read(video: Video, track: Track, body: bytes | SourceError) -> Transcript | Failed:
    try:
        if isinstance(body, SourceError):
            raise body
        return transcript_of(video, track, body)
    except SourceError as error:
        return Failed(video_id=video.video_id, error=str(error), retry=error.retry)
