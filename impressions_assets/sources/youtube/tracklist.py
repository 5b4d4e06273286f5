"""The tracks of a video on YouTube by names that last, for their addresses expire in hours.

`timedtext/en/manual`, `timedtext/de/automatic`, `timedtext/de/automatic/to/en`.
"""

from collections.abc import Sequence
from typing import Literal

from youtube_transcript_api import Transcript, TranscriptList

from impressions_assets.rows import Track, TrackKind
from impressions_assets.sources.youtube.outcomes import track_missing


def tracks_of(listed: TranscriptList, translate_to: Sequence[str]) -> tuple[Track, ...]:
    """Return what is listed as rows, and translations into languages that no track is in."""
    tracks = [_track(t.language_code, _kind(t), _place(t)) for t in listed]
    for wanted in translate_to:
        if any(_is_in(track.language, wanted) for track in tracks):
            continue
        for code in dict.fromkeys((wanted, wanted.split("-")[0])):
            if origin := _to_translate(listed, code):
                tracks.append(_track(code, "translated", f"{_place(origin)}/to/{code}"))
                break
    return tuple(tracks)


def _to_translate(listed: TranscriptList, code: str) -> Transcript | None:
    """Return the best track to translate: a person's in the language that is spoken, if any.

    What is spoken is what was recognized.
    """
    spoken = {t.language_code for t in listed if t.is_generated}
    able = [t for t in listed if code in {lang.language_code for lang in t.translation_languages}]
    return min(able, key=lambda t: (t.language_code not in spoken, t.is_generated), default=None)


def transcript_at(place: str, listed: TranscriptList) -> Transcript:
    """Return the track with this name. Raises SourceMissing when it is there no more."""
    _, language, kind, *to = place.split("/")
    for transcript in listed:
        if (transcript.language_code, _kind(transcript)) == (language, kind):
            return transcript.translate(to[1]) if to else transcript
    raise track_missing(listed.video_id)


def _track(language: str, kind: TrackKind, place: str) -> Track:
    return Track(language=language, kind=kind, format="timedtext", location=place)


def _place(transcript: Transcript) -> str:
    return f"timedtext/{transcript.language_code}/{_kind(transcript)}"


def _kind(transcript: Transcript) -> Literal["manual", "automatic"]:
    return "automatic" if transcript.is_generated else "manual"


def _is_in(language: str, wanted: str) -> bool:
    return language == wanted or language.startswith(f"{wanted}-")
