"""The entries of a section that announces questions, each with all the lines it runs over.

A list writes its times either in front of the questions or behind them. The first time in the
section tells which, and so to which question a line without a time belongs.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from impressions_assets.text.lines import AROUND, HAS_LETTERS, Edge, Line, edge_of
from impressions_assets.text.times import Stamp

_ONLY_LABEL = re.compile(
    r"[\W_]*+(?:q|question|frage|pregunta|pergunta|вопрос)\s?#?\d{0,3}[\W_]*$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?？؟。][\"'”’»)\]]*$")
_MOST_LINES = 20
_LINES_OF_A_SENTENCE = 5


class Entry(Struct, frozen=True):
    """A time and the lines that belong to it."""

    stamp: Stamp
    lines: list[str]

    @property
    def text(self) -> str:
        """The lines as one."""
        return " ".join(" ".join(self.lines).split()).lstrip(AROUND)


def entries_in(lines: Sequence[Line]) -> list[Entry]:
    """The entries of a section, in their order."""
    read = _times_first if _has_times_first(lines) else _times_last
    return [entry for entry in read(lines) if entry.text]


def _edge_behind(said: Sequence[str], line: Line) -> Edge | None:
    """The line's edge, where its sentence began above: a parenthesis may still be open there."""
    edge = line.edge
    if line.stamps and any("(" in text or "（" in text for text in said[-_LINES_OF_A_SENTENCE:]):
        edge = edge_of(line.text, line.folded, line.stamps, " ".join(said[-_LINES_OF_A_SENTENCE:]))
    if edge and edge.side == "tail" and _ONLY_LABEL.match(edge.text):
        return Edge(edge.stamp, "head", "")
    return edge


def _has_times_first(lines: Iterable[Line]) -> bool:
    above: list[str] = []
    for line in lines:
        if edge := _edge_behind(above, line):
            alone = not HAS_LETTERS.search(edge.text)
            return edge.side == "head" and not (alone and any(map(HAS_LETTERS.search, above)))
        above.append(line.text)
    return True


def _times_first(lines: Iterable[Line]) -> Iterator[Entry]:
    entries: list[Entry] = []
    is_open = False
    for line in lines:
        said = entries[-1].lines if is_open else []
        edge = _edge_behind(said, line)
        if edge and (edge.side == "head" or not is_open or _ends(said)):
            entries.append(Entry(edge.stamp, [edge.text]))
            is_open = edge.side == "head"
        elif _is_apart(line.text) or (not line.text and any(map(str.strip, said))):
            is_open = False
        elif is_open and len(said) < _MOST_LINES:
            said.append(line.text)
    yield from entries[:-1]
    yield from (_without_what_follows(entry, entries[:-1]) for entry in entries[-1:])


def _is_apart(text: str) -> bool:
    return "://" in text or text.startswith("#")


def _ends(lines: Sequence[str]) -> bool:
    return bool(lines) and _SENTENCE_END.search(lines[-1].rstrip()) is not None


def _without_what_follows(last: Entry, others: Sequence[Entry]) -> Entry:
    """The last entry on one line, when all others stand on one and its line is a sentence."""
    one_line = all(len(entry.lines) == 1 for entry in others)
    return Entry(last.stamp, last.lines[:1]) if one_line and _ends(last.lines[:1]) else last


def _times_last(lines: Iterable[Line]) -> Iterator[Entry]:
    said: list[str] = []
    for line in lines:
        edge = _edge_behind(said, line)
        if edge:
            is_behind = edge.side == "tail" or not HAS_LETTERS.search(edge.text)
            yield Entry(edge.stamp, [*(said[-_MOST_LINES:] if is_behind else []), edge.text])
        if edge or not line.text or "://" in line.text:
            said = []
        else:
            said.append(line.text)
