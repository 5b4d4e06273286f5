"""Puts newlines back into lists of questions that lost them: exports and some players do that.

A line that holds a whole list becomes a line for each time, below a heading when the words in front
of it announced one. Unlike chapters (flat_lists.py), questions need not rise, and run over several
sentences: what parts them is where the times stand.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from impressions_assets.text.flat_lists import ends_in_times
from impressions_assets.text.lines import RANGE, Line, head_edge, is_mention, tail_edge
from impressions_assets.text.times import Stamp

Announces = Callable[[str, bool], bool]

MOST_TIMES = 120  # in one line: bounds the time that a hostile line takes
_BLANK, _HEADING, END = (Line(text, text) for text in ("", "Questions:", "End:"))
_FRONT = re.compile(
    r"(?:\s(?:q|question)?\s?#?\d{1,3}\s?[.:)])?[\s(\[•·*|–—-]{0,8}$", re.IGNORECASE
)
_BACK = re.compile(r"[\s)\]|]{0,4}")
_WINDOW = 20
_ASKED = re.compile(r".*[?？؟][\"'”’»)\]]*", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?？][\"'”’»)]*(?=\s|$)")
_NEXT_SECTION = re.compile(r"[.!?？][\"'”’»)]*(?=\s+[^\W\d_][\w'’ ]{1,40}:\s)")


class _Mark(NamedTuple):
    """A time or a range of times in a line, with the brackets and bullets around it."""

    front: int
    stamp: Stamp
    back: int


def with_newlines(lines: Iterable[Line], announces: Announces) -> Iterator[Line]:
    """The lines, with one for each time of every list that stands in one line."""
    for line in lines:
        marks = _marks(line) if len(line.stamps) > 1 else []
        if _is_list(marks, line.text):
            yield from _parted(line.text, line.folded, marks, announces)
        else:
            yield line


def _is_list(marks: Sequence[_Mark], text: str) -> bool:
    """Three times in a line are a list; two are one when the first has a sentence to itself."""
    if len(marks) == 2:
        between = text[marks[0].back : marks[1].front].strip()
        return _SENTENCE_END.search(between[-3:]) is not None
    return len(marks) > 2


def _marks(line: Line) -> list[_Mark]:
    marks: list[_Mark] = []
    may_mention = "(" in line.folded
    for stamp in line.stamps:
        if marks and RANGE.match(line.folded[marks[-1].stamp.end : stamp.start]):
            first = marks.pop().stamp
            marks.append(_marked(line.folded, first._replace(end=stamp.end)))
        elif not (may_mention and is_mention(line.folded[: stamp.start])):
            marks.append(_marked(line.folded, stamp))
    return marks


def _marked(folded: str, stamp: Stamp) -> _Mark:
    window = max(0, stamp.start - _WINDOW)
    front = _FRONT.search(folded[window : stamp.start])
    back = _BACK.match(folded, stamp.end)
    return _Mark(
        window + front.start() if front else stamp.start, stamp, back.end() if back else stamp.end
    )


def _parted(text: str, folded: str, marks: Sequence[_Mark], announces: Announces) -> Iterator[Line]:
    if ends_in_times([mark.stamp for mark in marks], folded):
        yield from _times_last(text, marks, announces)
    else:
        yield from _times_first(text, folded, marks, announces)
    yield from (_BLANK, END)


def _times_last(text: str, marks: Sequence[_Mark], announces: Announces) -> Iterator[Line]:
    """The first question stands between the heading's colon and the first time."""
    colon = text.rfind(":", 0, marks[0].front) + 1
    yield from (_BLANK, *([_HEADING] if announces(text[:colon], True) else []))
    for begin, mark in zip([colon, *(mark.back for mark in marks)], marks, strict=False):
        edge = tail_edge(mark.stamp, text[begin : mark.stamp.start])
        yield Line(edge.text, edge.text, edge=edge)


def _times_first(
    text: str, folded: str, marks: Sequence[_Mark], announces: Announces
) -> Iterator[Line]:
    announced = announces(text[: marks[0].front], True)
    yield from (_BLANK, _HEADING) if announced else ()
    fronts = [*(mark.front for mark in marks[1:]), len(text)]
    for mark, front in zip(marks, fronts, strict=True):
        behind = text[mark.stamp.end : front]
        part = _up_to_mark if not announced else _first_part if mark is marks[-1] else str
        edge = head_edge(mark.stamp, folded[mark.front : mark.stamp.start], part(behind))
        yield Line(edge.text, edge.text, edge=edge)
        if not announced and mark is not marks[-1] and announces(behind, False):
            announced = True
            yield from (_BLANK, _HEADING)


def _up_to_mark(text: str) -> str:
    """The text up to its last question mark that is no part of a link."""
    asked = _ASKED.match(_before_links(text))
    return asked[0] if asked else text


def _first_part(text: str) -> str:
    """What belongs to the last question, before links and whatever follows the list."""
    part = _before_links(text)
    if section := _NEXT_SECTION.search(part):
        return part[: section.end()]
    if asked := _ASKED.match(part):
        return asked[0]
    sentence = _SENTENCE_END.search(part) if part != text else None
    return part[: sentence.end()] if sentence else part


def _before_links(text: str) -> str:
    link = text.find("://")
    return (
        text[: max(text.rfind(" ", 0, link), text.rfind(":", 0, link)) + 1] if link >= 0 else text
    )
