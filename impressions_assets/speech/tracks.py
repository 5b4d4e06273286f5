"""Which caption track speaks for a video, and what it says as a Transcript."""

from collections.abc import Sequence
from typing import Literal

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Track, Transcript, Video
from impressions_assets.speech.captions import parse_track

Policy = Literal["manual_first", "manual_only", "automatic_only"]

_KINDS = ("manual", "automatic", "translated")
_FORMATS = ("json3", "vtt", "timedtext", "srt", "text")  # by how much they tell of words and times


def choose_tracks(video: Video, languages: Sequence[str], policy: Policy) -> list[Track]:
    """Tracks that may speak for `video`, best first: by language, then kind, then format.

    A preference `en` also takes `en-US` and `en-orig`, after `en` itself. Where no track is in a
    preferred language, those in the video's own language come; where that is not known, or has no
    track, all of them: words in another language are better than none. Within a language a person's
    captions come before a recognizer's. Translations by machine come after all others.
    """
    allowed = [track for track in video.tracks if _is_allowed(track, policy)]
    preferred = [track for track in allowed if _rank(track.language, languages) is not None]
    if not preferred and video.language:
        languages = [video.language, video.language.split("-")[0]]
        preferred = [track for track in allowed if _rank(track.language, languages) is not None]
    return sorted(preferred or allowed, key=lambda track: _order(track, languages))


def transcript_of(video: Video, track: Track, data: bytes) -> Transcript:
    """Parse the bytes of one of the video's tracks.

    Raises SourceBroken, naming the video and the track, when nothing in them can be read.
    """
    try:
        captions = parse_track(data, track.format)
    except SourceBroken as error:
        raise SourceBroken(f"{video.video_id}: track {track.location}: {error}") from error
    language = track.language if track.language != "und" else video.language or "und"
    return Transcript(
        video_id=video.video_id,
        origin="text" if track.format == "text" else track.kind,
        language=language,
        segments=captions.segments,
        dropped=captions.dropped,
        offered=video.tracks,
    )


def no_transcript(video: Video, reason: str = "") -> Transcript:
    """Decided: there is no text to be had for this video.

    Without a `reason` of the source's, the policy takes none of the tracks, or there are none.
    """
    return Transcript(
        video_id=video.video_id,
        origin="none",
        language=video.language or "und",
        reason=reason or ("policy" if video.tracks else "none"),
        offered=video.tracks,
    )


def _is_allowed(track: Track, policy: Policy) -> bool:
    if policy == "manual_only":
        return track.kind == "manual"
    return policy == "manual_first" or track.kind != "manual"


def _order(track: Track, languages: Sequence[str]) -> tuple[bool, int, int, int, int, str]:
    rank, is_variant = _rank(track.language, languages) or (len(languages), 0)
    kind = _KINDS.index(track.kind)
    by_machine = track.kind == "translated"
    return by_machine, rank, kind, is_variant, _FORMATS.index(track.format), track.location


def _rank(language: str, languages: Sequence[str]) -> tuple[int, int] | None:
    """Place of a track's language among the preferences: (which, 0 if exact else 1)."""
    tag = language.lower()
    for rank, wanted in enumerate(name.lower() for name in languages):
        if tag == wanted or tag.startswith(f"{wanted}-"):
            return rank, int(tag != wanted)
    return None
