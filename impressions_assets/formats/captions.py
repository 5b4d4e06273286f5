"""Captions as files: WebVTT, SRT and JSON, one per video whose words have times."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from impressions_assets.formats.files import safe_name, write_text
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import Segment, Transcript
from impressions_assets.text.paragraphs import is_named


def vtt(channel: ChannelReader, folder: Path) -> list[Path]:
    """A WebVTT file per video with timed speech."""
    return _files(channel, folder, "vtt", vtt_of)


def srt(channel: ChannelReader, folder: Path) -> list[Path]:
    """An SRT file per video with timed speech."""
    return _files(channel, folder, "srt", srt_of)


def json(channel: ChannelReader, folder: Path) -> list[Path]:
    """A JSON file per video with timed speech, laid out as WhisperX's: segments, words, speakers.

    Beside what WhisperX writes: `video_id`, `origin` of the words, and `notes` on them.
    """
    return _files(channel, folder, "json", json_of)


def vtt_of(transcript: Transcript) -> str:
    """Return a transcript as WebVTT, with its speakers as voices."""
    return "\n\n".join(["WEBVTT", *map(_vtt_cue, _marked(transcript.segments))]) + "\n"


def srt_of(transcript: Transcript) -> str:
    """Return a transcript as SRT; SRT knows no speakers, so they stand before what they say.

    `[Name]: ` is how diarization tools write them, and what `read_captions` reads back.
    """
    cues = (_srt_cue(number, s) for number, s in enumerate(_marked(transcript.segments), start=1))
    return "\n\n".join(cues) + "\n"


def json_of(transcript: Transcript) -> str:
    """Return a transcript as WhisperX's JSON has it (whisperx.utils.WriteJSON), seconds as there.

    A word has a `score` only where a recognizer gave one.
    """
    segments = [_as_whisperx(segment) for segment in transcript.segments]
    told = {
        "video_id": transcript.video_id,
        "origin": transcript.origin,
        "language": transcript.language,
        "notes": transcript.notes,
        "segments": segments,
        "word_segments": [word for segment in segments for word in segment["words"]],
    }
    return msgspec.json.encode(told).decode()


def stamp(seconds: float, mark: str = ".") -> str:
    """Return `HH:MM:SS.mmm`, rounded to the millisecond."""
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{mark}{ms % 1000:03}"


def _files(
    channel: ChannelReader, folder: Path, suffix: str, text_of: Callable[[Transcript], str]
) -> list[Path]:
    return [
        write_text(folder, f"{safe_name(row.video_id)}.{row.language}.{suffix}", text_of(row))
        for row in channel.home.table("transcripts").rows(channel.name)
        if row.is_timed and row.segments
    ]


def _as_whisperx(segment: Segment) -> dict[str, Any]:
    speaker = {"speaker": segment.speaker} if segment.speaker else {}
    words = [
        {"word": word.text, "start": word.start_seconds, "end": word.end_seconds, **speaker}
        | ({} if word.confidence is None else {"score": word.confidence})
        for word in segment.words
    ]
    times = {"start": segment.start_seconds, "end": segment.end_seconds}
    return {**times, "text": segment.text, **speaker, "words": words}


def _marked(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Give turns without names back the `>>` that they came from: "turn 7" is nobody's name."""
    before: str | None = None
    for segment in segments:
        speaker, text = segment.speaker, segment.text
        if speaker and not is_named(speaker):
            text = text if speaker == before else f">> {text}"
            yield replace(segment, speaker=None, text=text)
        else:
            yield segment
        before = speaker


def _vtt_cue(segment: Segment) -> str:
    words = segment.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    voice = f"<v {re.sub('[<>&]', '', segment.speaker)}>" if segment.speaker else ""
    return f"{stamp(segment.start_seconds)} --> {stamp(segment.end_seconds)}\n{voice}{words}"


def _srt_cue(number: int, segment: Segment) -> str:
    times = f"{stamp(segment.start_seconds, ',')} --> {stamp(segment.end_seconds, ',')}"
    name = re.sub(r"[\[\]\n]", "", segment.speaker or "")[:40]
    words = segment.text.replace("-->", "→")  # SRT can escape nothing
    return f"{number}\n{times}\n{f'[{name}]: ' if name else ''}{words}"
