"""json3, YouTube's own caption format: events of segments, times in milliseconds.

Recognized speech has a segment per word (`tOffsetMs` from the event's start, `acAsrConf` of 255)
and line breaks as events of their own with `aAppend`; those hold no words and are passed over.

A file whose values have the types that YouTube sends is decoded into structs, in a third of the
time; any other (times with fractions, nulls, a file cut short) is read value by value. Captions
that a person wrote are mostly one text per event: where all are, the decoder has checked all that
is to be checked, and each event is a cue.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Dropped, Word
from impressions_assets.speech.cues import BAD_TIME, CUT_OFF, Cue, RawTrack

_FULL_CONFIDENCE = 255
_LONGEST_MS = 10_000_000_000

_Milliseconds = Annotated[int, Meta(ge=0, lt=_LONGEST_MS)]


class _Seg(msgspec.Struct, rename="camel", gc=False):
    utf8: str = ""
    t_offset_ms: _Milliseconds | UnsetType = UNSET
    ac_asr_conf: int = 0


class _Event(msgspec.Struct, rename="camel", gc=False):
    t_start_ms: _Milliseconds = 0
    d_duration_ms: _Milliseconds = 0
    segs: tuple[_Seg, ...] = ()


class _File(msgspec.Struct, gc=False):
    events: list[_Event]


class _Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    utf8: str


class _LineEvent(msgspec.Struct, rename="camel", gc=False):
    segs: tuple[_Line]  # exactly one
    t_start_ms: _Milliseconds = 0
    d_duration_ms: _Milliseconds = 0


class _LinesFile(msgspec.Struct, gc=False):
    events: list[_LineEvent]


_TYPED = msgspec.json.Decoder(_File)
_LINES = msgspec.json.Decoder(_LinesFile)


def read_json3(text: str) -> RawTrack:
    """Read a json3 file; of a file cut short, the events before the cut."""
    for read in (_read_lines, _read_typed):
        with suppress(msgspec.DecodeError, RecursionError):
            return read(text)
    return _read_untyped(text)


def _read_lines(text: str) -> RawTrack:
    cues = [
        Cue(event.t_start_ms / 1000, (event.t_start_ms + event.d_duration_ms) / 1000, line)
        for event in _LINES.decode(text).events
        if (line := event.segs[0].utf8) and not line.isspace()
    ]
    return RawTrack(cues, [])


def _read_typed(text: str) -> RawTrack:
    cues: list[Cue] = []
    for event in _TYPED.decode(text).events:
        segs, start = event.segs, event.t_start_ms
        end = start + event.d_duration_ms
        words: tuple[Word, ...] = ()
        if len(segs) == 1 and segs[0].t_offset_ms is UNSET:
            body = segs[0].utf8
        else:
            spoken = [seg for seg in segs if seg.utf8]
            body, words = "".join([seg.utf8 for seg in spoken]), _typed_words(spoken, start, end)
        if body and not body.isspace():
            cues.append(Cue(start / 1000, end / 1000, body, None, None, words))
    return RawTrack(cues, [], True, any(cue.words for cue in cues))


def _typed_words(segs: list[_Seg], start: int, end: int) -> tuple[Word, ...]:
    offsets = [seg.t_offset_ms for seg in segs]
    if all(offset is UNSET for offset in offsets):
        return ()
    starts = [start if offset is UNSET else start + offset for offset in offsets]
    ends = [*starts[1:], max(end, starts[-1])]
    return tuple(
        [
            Word(
                begin / 1000,
                stop / 1000,
                word,
                seg.ac_asr_conf / _FULL_CONFIDENCE if seg.ac_asr_conf > 0 else None,
            )
            for begin, stop, seg in zip(starts, ends, segs, strict=True)
            if (word := seg.utf8.strip())
        ]
    )


def _read_untyped(text: str) -> RawTrack:
    events, dropped = _events_of(text)
    cues: list[Cue] = []
    for event in events:
        if not isinstance(event, dict) or not isinstance(event.get("segs"), list):
            continue
        segments = [seg for seg in event["segs"] if isinstance(seg, dict) and _text_of(seg)]
        body = "".join(_text_of(segment) for segment in segments)
        if not body.strip():
            continue
        start = event.get("tStartMs", 0)
        if not _is_time(start):
            dropped.append(Dropped(BAD_TIME, body))
            continue
        length = event.get("dDurationMs", 0)
        end = start + (length if _is_time(length) else 0)
        cues.append(Cue(start / 1000, end / 1000, body, words=_words_of(segments, start, end)))
    is_cut_at_once = bool(dropped) and not events
    return RawTrack(cues, dropped, not is_cut_at_once, any(cue.words for cue in cues))


def _events_of(text: str) -> tuple[list[Any], list[Dropped]]:
    try:
        content = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        events = list(_events_before_cut(text))
        return events, [Dropped(CUT_OFF, text[-80:])]
    if not isinstance(content, dict) or not isinstance(content.get("events", []), list):
        raise SourceBroken("json3: expected an object with a list `events`, as YouTube sends it")
    if "events" not in content and "wireMagic" not in content:
        raise SourceBroken(f"json3: expected `events`, found {', '.join(content) or 'no keys'}")
    return content.get("events", []), []


def _events_before_cut(text: str) -> Iterator[Any]:
    """Decode one event after the other until the text breaks."""
    _, found, rest = text.partition('"events"')
    position = rest.find("[") + 1
    decoder = json.JSONDecoder()
    while found and position:
        position += len(rest[position:]) - len(rest[position:].lstrip(", \r\n\t"))
        try:
            event, position = decoder.raw_decode(rest, position)
        except (ValueError, RecursionError):
            return
        yield event


def _words_of(segments: list[dict[str, Any]], start: int, end: int) -> tuple[Word, ...]:
    """Word times, where any segment has an offset; a word ends where the next begins."""
    if not any("tOffsetMs" in segment for segment in segments):
        return ()
    offsets = [segment.get("tOffsetMs", 0) for segment in segments]
    if not all(_is_time(offset) for offset in offsets):
        return ()
    starts = [start + offset for offset in offsets]
    words = zip(starts, [*starts[1:], max(end, starts[-1])], segments, strict=True)
    return tuple(
        Word(begin / 1000, stop / 1000, _text_of(segment).strip(), _confidence_of(segment))
        for begin, stop, segment in words
        if _text_of(segment).strip()
    )


def _confidence_of(segment: dict[str, Any]) -> float | None:
    """0 stands for "not told" in the files of today, not for certainty of error."""
    confidence = segment.get("acAsrConf")
    if not isinstance(confidence, int) or confidence <= 0:
        return None
    return confidence / _FULL_CONFIDENCE


def _text_of(segment: dict[str, Any]) -> str:
    text = segment.get("utf8")
    return text if isinstance(text, str) else ""


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < _LONGEST_MS
