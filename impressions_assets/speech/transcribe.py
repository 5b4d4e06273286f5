"""From videos to transcripts: choose the track, have its bytes fetched, read them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from impressions_assets.errors import (
    NoCaptions,
    NotYet,
    SourceError,
    SourcePaused,
    SourceRefused,
)
from impressions_assets.rows import Failed, Track, Transcript, Video
from impressions_assets.speech.tracks import Policy, choose_tracks, no_transcript, transcript_of

_BATCH = 100

Offer = tuple[Track, ...] | SourceError
Choose = Callable[[Video, tuple[Track, ...]], Track | None]
Offers = Callable[[Sequence[Video], Choose], Mapping[str, Offer]]
Fetch = Callable[[Iterable[tuple[Video, Track]]], Mapping[str, bytes | SourceError]]
KeyOf = Callable[[Video, Track], str]
Outcome = Transcript | Failed | SourceError

_STOPS = (SourcePaused, SourceRefused)  # nothing is said of the videos that met them


def transcripts_of(
    videos: Iterator[Video],
    offers: Offers,
    fetch: Fetch,
    key_of: KeyOf,
    languages: Sequence[str],
    policy: Policy,
) -> Iterator[Transcript | Failed]:
    """Yield each video's transcript from its best track, or why it cannot be had.

    Args:
        videos: the videos that are due.
        offers: says which tracks there are for each of many videos, by their ids; it may fetch
            at once those that are chosen.
        fetch: gives the bytes of many tracks at once, by the keys that `key_of` gives.
        key_of: names a track of a video.
        languages: preferred languages, best first.
        policy: which kinds of track count.

    Raises:
        SourcePaused, SourceRefused: a source can be asked for nothing more. What came before that
            was yielded; nothing is said of the other videos.
    """

    def choose(video: Video, tracks: tuple[Track, ...]) -> Track | None:
        return next(iter(choose_tracks(_offering(video, tracks), languages, policy)), None)

    while batch := list(islice(videos, _BATCH)):
        offered = offers(batch, choose)
        ready = [_offering(v, o) for v in batch if isinstance(o := offered[v.video_id], tuple)]
        chosen = {video.video_id: (video, choose(video, video.tracks)) for video in ready}
        bodies = fetch([(video, track) for video, track in chosen.values() if track])
        stop: SourceError | None = None
        for video in batch:
            offer = offered[video.video_id]
            if isinstance(offer, SourceError):
                outcome = _without_tracks(video, offer)
            else:
                outcome = _with_tracks(*chosen[video.video_id], bodies, key_of)
            if isinstance(outcome, SourceError):
                stop = stop or outcome
            else:
                yield outcome
        if stop:
            raise stop


def _offering(video: Video, tracks: tuple[Track, ...]) -> Video:
    return msgspec.structs.replace(video, tracks=tracks)


def _without_tracks(video: Video, error: SourceError) -> Outcome:
    if isinstance(error, NoCaptions):
        return no_transcript(video, error.reason)
    return _failed(video, error)


def _with_tracks(
    video: Video, track: Track | None, bodies: Mapping[str, bytes | SourceError], key_of: KeyOf
) -> Outcome:
    if track is None:
        return no_transcript(video)
    body = bodies[key_of(video, track)]
    if isinstance(body, SourceError):
        return _failed(video, body)
    try:
        return transcript_of(video, track, body)
    except SourceError as error:
        return _failed(video, error)


def _failed(video: Video, error: SourceError) -> Outcome:
    if isinstance(error, _STOPS):
        return error
    until = error.until.isoformat(timespec="seconds") if isinstance(error, NotYet) else None
    return Failed(video_id=video.video_id, error=str(error), retry=error.retry, not_before=until)
