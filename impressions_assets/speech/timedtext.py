"""Timed text in XML: YouTube's srv1 (`<transcript><text>`), srv2, srv3 (`<body><p><s>`), and TTML.

Entities declared by the file itself (entity bombs, external files) are refused by defusedxml.
"""

import io
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Dropped, Word
from impressions_assets.speech.cues import BAD_TIME, CUT_OFF, EMPTY, Cue, RawTrack
from impressions_assets.speech.stamped import seconds_of

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>\s*")
_LONGEST_SECONDS = 1e7
_ROOTS = {"transcript", "timedtext", "tt"}
_CLOCK = re.compile(r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:\.\d{1,3})?")


def read_timedtext(text: str) -> RawTrack:
    """Read a timedtext XML file; of a file that breaks, the cues before the break."""
    cues: list[Cue] = []
    dropped: list[Dropped] = []
    roots: set[str] = set()
    try:
        for element in _elements(_DECLARATION.sub("", text), roots):
            _add(element, cues, dropped)
    except ParseError as error:
        dropped.append(Dropped(CUT_OFF, f"{error}: {text[-80:]}"))
    except DefusedXmlException as error:
        raise SourceBroken(f"timedtext: declares entities or a DTD, refused: {error}") from error
    if not roots & _ROOTS:
        found = ", ".join(sorted(roots)) or "no element"
        raise SourceBroken(f"timedtext: expected one of {sorted(_ROOTS)} as root, found {found}")
    return RawTrack(cues, dropped, is_recognized=any(cue.words for cue in cues))


def _elements(text: str, roots: set[str]) -> Iterator[Element]:
    """Yield cue elements as they close; the root's name is added to `roots`."""
    stream = io.BytesIO(text.encode("utf-8", "replace"))
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        name = element.tag.rpartition("}")[2]
        if event == "start" and not roots:
            roots.add(name)
        elif event == "end" and name in ("text", "p"):
            yield element


def _add(element: Element, cues: list[Cue], dropped: list[Dropped]) -> None:
    body = "".join(_pieces(element))
    times = _times_of(element)
    if not body.strip():
        if "a" not in element.attrib:  # srv3 writes the line breaks of rolling as such cues
            dropped.append(Dropped(EMPTY, "", times and times[0]))
    elif times is None:
        dropped.append(Dropped(BAD_TIME, body))
    else:
        cues.append(Cue(*times, body, words=_words_of(element, *times)))


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        yield "\n" if child.tag.rpartition("}")[2] == "br" else "".join(_pieces(child))
        yield child.tail or ""


def _times_of(element: Element) -> tuple[float, float] | None:
    """Start and end in seconds, None where they are missing or make no sense."""
    try:
        times = _declared_times(element)
    except ValueError:
        return None
    return times if all(0 <= time < _LONGEST_SECONDS for time in times) else None


def _declared_times(element: Element) -> tuple[float, float]:
    """`start`+`dur` in seconds, `t`+`d` in milliseconds, or TTML's `begin`, `end`, `dur`."""
    get = element.attrib.get
    if "start" in element.attrib:
        start = float(get("start", ""))
        return start, round(start + float(get("dur") or 0), 3)
    if "t" in element.attrib:
        start_ms = float(get("t", ""))
        return start_ms / 1000, (start_ms + float(get("d") or 0)) / 1000
    start = _clock_seconds(get("begin", ""))
    end = get("end")
    return start, _clock_seconds(end) if end else start + _clock_seconds(get("dur") or "0s")


def _clock_seconds(text: str) -> float:
    """Seconds of TTML's `00:01:02.500`, `62.5s` or `62500ms`."""
    if _CLOCK.fullmatch(text):
        return seconds_of(text)
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    return float(text.removesuffix("s"))


def _words_of(element: Element, start: float, end: float) -> tuple[Word, ...]:
    """Word times of srv3: `<s t="offset in ms">`, where any has an offset."""
    spoken = [child for child in element if child.tag == "s" and (child.text or "").strip()]
    if not any("t" in child.attrib for child in spoken):
        return ()
    try:
        starts = [round(start + float(child.attrib.get("t", 0)) / 1000, 3) for child in spoken]
    except ValueError:
        return ()
    ends = [*starts[1:], max(end, starts[-1])]
    return tuple(
        Word(begin, stop, (child.text or "").strip())
        for begin, stop, child in zip(starts, ends, spoken, strict=True)
    )
