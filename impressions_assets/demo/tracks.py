"""Talks as timed words, and timed words as the caption tracks that YouTube serves.

The voice is imagined: a word takes 110 ms and 50 ms more for each character, a sentence ends in
half a second of silence, a section begins on a whole second. That makes about 150 words a minute.
Manual tracks break at sentences; rolling ones look like YouTube's own: two lines, each word with
its time, a 10 ms cue between, lower case, no punctuation. They were checked against excerpts of
real ones, down to the line of a single space.
"""

import json
from collections.abc import Callable, Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from msgspec import Struct

from impressions_assets.demo.talks import Section

MUSIC_MS = 1500  # before the first word
LINE_CHARS = 42
CUE_CHARS = 80


class SpokenWord(Struct, frozen=True):
    """A word and when it is said; `opens` is set on the first word of a turn or paragraph."""

    start_ms: int
    end_ms: int
    text: str
    role: str | None
    opens: bool
    section: int


class Speech(Struct, frozen=True):
    """All that is said in a talk, and where its sections start."""

    words: tuple[SpokenWord, ...]
    section_starts_ms: tuple[int, ...]
    duration_ms: int


def speak(sections: tuple[Section, ...]) -> Speech:
    """Give each word its time."""
    words: list[SpokenWord] = []
    starts: list[int] = []
    now = 0
    for number, section in enumerate(sections):
        starts.append(now)
        now += MUSIC_MS if number == 0 else 800
        for paragraph in section.paragraphs:
            for place, text in enumerate(paragraph.text.split()):
                end = now + 110 + 50 * len(text)
                words.append(SpokenWord(now, end, text, paragraph.role, place == 0, number))
                now = end + (500 if text[-1] in ".?!" else 150 if text[-1] in ",;:" else 0)
            now += 400
        now = (now // 1000 + 2) * 1000
    return Speech(tuple(words), tuple(starts), now)


def fit(translated: Speech, original: Speech) -> Speech:
    """Stretch each section of a translation into the time of the section that it translates."""
    own = (*translated.section_starts_ms, translated.duration_ms)
    into = (*original.section_starts_ms, original.duration_ms)

    def moved(ms: int, section: int) -> int:
        (a, b), (c, d) = own[section : section + 2], into[section : section + 2]
        return c + (ms - a) * (d - c) // (b - a)

    words = tuple(
        SpokenWord(moved(w.start_ms, w.section), moved(w.end_ms, w.section), *_rest(w))
        for w in translated.words
    )
    return Speech(words, original.section_starts_ms, original.duration_ms)


def _rest(word: SpokenWord) -> tuple[str, str | None, bool, int]:
    return word.text, word.role, word.opens, word.section


def _cues(speech: Speech) -> list[list[SpokenWord]]:
    """Words by cue: within a paragraph, at most 80 characters, ending at a sentence if it can."""
    cues: list[list[SpokenWord]] = []
    for word in speech.words:
        length = len(_text(cues[-1])) if cues else 0
        ended = cues and cues[-1][-1].text[-1] in ".?!" and length >= LINE_CHARS // 2
        if not cues or word.opens or ended or length + 1 + len(word.text) > CUE_CHARS:
            cues.append([])
        cues[-1].append(word)
    return cues


def _text(words: list[SpokenWord]) -> str:
    return " ".join(word.text for word in words)


def _two_lines(text: str) -> str:
    """Break a long cue at the space nearest to its middle."""
    if len(text) <= LINE_CHARS:
        return text
    middle = len(text) // 2
    space = min((i for i, c in enumerate(text) if c == " "), key=lambda i: abs(i - middle))
    return f"{text[:space]}\n{text[space + 1 :]}"


def _turns(cues: list[list[SpokenWord]]) -> Iterator[tuple[list[SpokenWord], bool]]:
    """Each cue, and whether another role begins to speak in it."""
    role = None
    for cue in cues:
        yield cue, cue[0].role not in (None, role)
        role = cue[0].role


def vtt(speech: Speech, language: str) -> str:
    """WebVTT with voice tags."""
    blocks = [f"WEBVTT\nKind: captions\nLanguage: {language}"]
    for cue in _cues(speech):
        voice = f"<v {cue[0].role}>" if cue[0].role else ""
        text = escape(_two_lines(_text(cue)))
        blocks.append(f"{_stamp(cue[0].start_ms)} --> {_stamp(cue[-1].end_ms)}\n{voice}{text}")
    return "\n\n".join(blocks) + "\n"


def srt(speech: Speech, language: str) -> str:
    """SubRip, a change of speaker marked by two angles."""
    blocks = []
    for number, (cue, turns) in enumerate(_turns(_cues(speech)), start=1):
        times = f"{_stamp(cue[0].start_ms, ',')} --> {_stamp(cue[-1].end_ms, ',')}"
        blocks.append(f"{number}\n{times}\n{'>> ' if turns else ''}{_two_lines(_text(cue))}\n")
    return "\n".join(blocks)


def json3(speech: Speech, language: str) -> str:
    """YouTube's JSON, one event per cue."""
    events = [
        {
            "tStartMs": cue[0].start_ms,
            "dDurationMs": cue[-1].end_ms - cue[0].start_ms,
            "segs": [{"utf8": (">> " if turns else "") + _two_lines(_text(cue))}],
        }
        for cue, turns in _turns(_cues(speech))
    ]
    return json.dumps({"wireMagic": "pb3", "events": events}, ensure_ascii=False, indent=1) + "\n"


def timedtext(speech: Speech, language: str) -> str:
    """YouTube's oldest format, XML whose text is escaped twice over, as it is served."""
    lines = ['<?xml version="1.0" encoding="utf-8" ?><transcript>']
    for cue, turns in _turns(_cues(speech)):
        start, length = cue[0].start_ms, cue[-1].end_ms - cue[0].start_ms
        text = escape(escape((">> " if turns else "") + _two_lines(_text(cue)), {"'": "&#39;"}))
        lines.append(f'<text start="{start / 1000:g}" dur="{length / 1000:g}">{text}</text>')
    return "\n".join(lines) + "\n</transcript>\n"


def auto_vtt(speech: Speech, language: str) -> str:
    """Rolling WebVTT: the line before, the line that grows, then 10 ms of the line alone."""
    blocks = [f"WEBVTT\nKind: captions\nLanguage: {language}"]
    lines, before = _rolling_lines(speech), " "
    ends = [line[0].start_ms - 10 for line in lines[1:]] + [lines[-1][-1].end_ms]
    for line, end in zip(lines, ends, strict=True):
        whole = escape(_text(line))
        tagged = escape(line[0].text) + "".join(
            f"<{_stamp(word.start_ms)}><c> {escape(word.text)}</c>" for word in line[1:]
        )
        start, settled = _stamp(line[0].start_ms), _stamp(end)
        after = _stamp(end + 10)
        blocks.append(f"{start} --> {settled} align:start position:0%\n{before}\n{tagged}")
        blocks.append(f"{settled} --> {after} align:start position:0%\n{whole}\n ")
        before = whole
    return "\n\n".join(blocks) + "\n"


def auto_json3(speech: Speech, language: str) -> str:
    """Rolling JSON: a window, then for each line its words and an appended line break."""
    events: list[dict[str, object]] = [
        {"tStartMs": 0, "dDurationMs": speech.duration_ms, "id": 1, "wpWinPosId": 1}
    ]
    lines = _rolling_lines(speech)
    for number, line in enumerate(lines):
        start = line[0].start_ms
        until = lines[min(number + 1, len(lines) - 1)][-1].end_ms  # it stays while the next grows
        segs: list[dict[str, object]] = [{"utf8": line[0].text, "acAsrConf": 0}]
        segs += [
            {"utf8": f" {word.text}", "tOffsetMs": word.start_ms - start, "acAsrConf": 0}
            for word in line[1:]
        ]
        shown: dict[str, object] = {"tStartMs": start, "dDurationMs": until - start, "wWinId": 1}
        events.append(shown | {"segs": segs})
        if number + 1 < len(lines):
            end = lines[number + 1][0].start_ms - 10
            gap: dict[str, object] = {"tStartMs": end, "dDurationMs": until - end, "wWinId": 1}
            events.append(gap | {"aAppend": 1, "segs": [{"utf8": "\n"}]})
    return json.dumps({"wireMagic": "pb3", "events": events}, ensure_ascii=False, indent=1) + "\n"


def _rolling_lines(speech: Speech) -> list[list[SpokenWord]]:
    """Words as a recognizer hears them, in lines that know nothing of sentences."""
    lines = [[SpokenWord(0, MUSIC_MS - 100, "[Music]", None, True, 0)]]
    for _, turn in groupby(speech.words, key=lambda word: word.role):
        lines.append([])
        for word in turn:
            heard = word.text.lower().strip(".,;:?!\"'()“”„‘’…–")
            if not heard:
                continue
            if lines[-1] and len(_text(lines[-1])) + 1 + len(heard) > LINE_CHARS:
                lines.append([])
            mark = ">> " if word.role and not lines[-1] and lines[-2][-1].role != word.role else ""
            rest = (word.role, word.opens, word.section)
            lines[-1].append(SpokenWord(word.start_ms, word.end_ms, mark + heard, *rest))
    return lines


def _stamp(ms: int, point: str = ".") -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


WRITERS: dict[str, tuple[str, Callable[[Speech, str], str]]] = {
    "vtt": ("vtt", vtt),
    "srt": ("srt", srt),
    "json3": ("json3", json3),
    "timedtext": ("srv1", timedtext),
    "auto-vtt": ("vtt", auto_vtt),
    "auto-json3": ("json3", auto_json3),
}
