"""The timed entries of a section that announces questions, each with all the lines it runs over.

A list writes its times either in front of the questions or behind them. The first time in the
section tells which, and so to which question a line without a time belongs.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from impressions_assets.text.question_lines import is_mention
from impressions_assets.text.timed_lines import RANGE, REMARK, TimedLine, clean_title
from impressions_assets.text.times import Stamp, fold, may_hold_times, stamps_in

_LEAD = re.compile(
    r"[\W_]{0,12}(?:(?:q|question|frage|pregunta|pergunta|вопрос)?\s?#?\d{0,3}[\W_]{0,6}"
    r"|[a-z]\)\s?)$",
    re.IGNORECASE,
)
_OPENERS, _CLOSERS = "([{（【［", ")]}）】］"
_AROUND = " \t\xa0\u3000-–—−|>•·*_=→:："
_SENTENCE_END = re.compile(r"[.!?？؟。][\"'”’»)\]]*$")
_HAS_LETTERS = re.compile(r"[^\W\d_]")
_MOST_LINES = 20


class Edge(NamedTuple):
    """The time at one end of a line, and the line's text without it."""

    stamp: Stamp
    side: Literal["head", "tail"]
    text: str


class _Entry(NamedTuple):
    number: int
    stamp: Stamp
    lines: list[str]


def edge_of(line: str, before: str = "") -> Edge | None:
    """The time at the line's head or tail; `before` is what its sentence began with."""
    if not may_hold_times(line):
        return None
    folded = fold(line)
    stamps = [
        stamp
        for stamp in islice(stamps_in(folded), 4)
        if not is_mention(f"{before} {folded[: stamp.start]}")
    ]
    return (_head(line, folded, stamps) or _tail(line, folded, stamps)) if stamps else None


def _head(line: str, folded: str, stamps: list[Stamp]) -> Edge | None:
    first, lead = stamps[0], folded[: stamps[0].start]
    if len(lead) > 24 or not _LEAD.match(lead):
        return None
    ranged = len(stamps) > 1 and RANGE.match(folded[first.end : stamps[1].start])
    last = stamps[1] if ranged else first
    if len(stamps) > 1 + (last is not first):
        return None
    text = line[last.end :]
    opened = lead.rstrip(_AROUND)[-1:] in tuple(_OPENERS)
    inner = text.lstrip() if opened else text
    return Edge(first, "head", inner[1:] if inner[:1] in tuple(_CLOSERS) else text)


def _tail(line: str, folded: str, stamps: list[Stamp]) -> Edge | None:
    first = last = stamps[-1]
    remark = REMARK.match(line[last.end :])
    if len(stamps) > 1 and RANGE.match(folded[stamps[-2].end : last.start]):
        first = stamps[-2]
    if remark is None or stamps[0] is not first:
        return None
    text = line[: first.start].rstrip(_AROUND)
    return Edge(first, "tail", f"{text.rstrip(_OPENERS)} {remark[1] or ''}".rstrip())


def items_of(texts: Sequence[str], begin: int, end: int) -> Iterator[TimedLine]:
    """The entries among `texts[begin:end]`, in their order."""
    read = _times_first if _has_times_first(texts[begin:end]) else _times_last
    for entry in read(texts, range(begin, end)):
        if title := " ".join(" ".join(entry.lines).split()).lstrip(_AROUND):
            yield TimedLine(entry.stamp, title, "head", "question", entry.number)


def clean_question(text: str) -> str:
    """The text without what is around it; a bracket glued to its first word is the writer's."""
    text = text.lstrip(_AROUND)
    glued = text[:1] in tuple(_CLOSERS) and text[1:2].isalpha()
    return text[0] + clean_title(text[1:]) if glued else clean_title(text)


def _has_times_first(texts: Iterable[str]) -> bool:
    above = ""
    for text in texts:
        if edge := edge_of(text, above):
            alone = not _HAS_LETTERS.search(edge.text)
            return edge.side == "head" and not (alone and _HAS_LETTERS.search(above))
        above = f"{above} {text}"[-200:]
    return True


def _times_first(texts: Sequence[str], numbers: Iterable[int]) -> Iterator[_Entry]:
    entries: list[_Entry] = []
    is_open = False
    for number in numbers:
        text = texts[number]
        said = entries[-1].lines if is_open else []
        edge = edge_of(text, " ".join(said[-5:]))
        if edge and (edge.side == "head" or not is_open or _ends(said)):
            entries.append(_Entry(number, edge.stamp, [edge.text]))
            is_open = edge.side == "head"
        elif "://" in text or text.startswith("#") or (not text and any(map(str.strip, said))):
            is_open = False
        elif is_open and len(said) < _MOST_LINES:
            said.append(text)
    yield from entries[:-1]
    yield from (_without_what_follows(entry, entries[:-1]) for entry in entries[-1:])


def _ends(lines: Sequence[str]) -> bool:
    return bool(lines) and _SENTENCE_END.search(lines[-1].rstrip()) is not None


def _without_what_follows(last: _Entry, others: Sequence[_Entry]) -> _Entry:
    """The last entry on one line, when all others stand on one and its line is a sentence."""
    one_line = all(len(entry.lines) == 1 for entry in others)
    return last._replace(lines=last.lines[:1]) if one_line and _ends(last.lines[:1]) else last


def _times_last(texts: Sequence[str], numbers: Iterable[int]) -> Iterator[_Entry]:
    said: list[str] = []
    for number in numbers:
        text = texts[number]
        edge = edge_of(text, " ".join(said[-5:]))
        if edge and (edge.side == "tail" or not _HAS_LETTERS.search(edge.text)):
            yield _Entry(number, edge.stamp, [*said[-_MOST_LINES:], edge.text])
            said = []
        elif edge:
            yield _Entry(number, edge.stamp, [edge.text])
            said = []
        elif text and "://" not in text:
            said.append(text)
        else:
            said = []
