"""Puts newlines back into lists of questions that lost them: exports and some players do that.

A line that holds a whole list becomes a line for each time, below a heading when the words in front
of it announced one. Unlike chapters (flat_lists.py), questions need not rise, and run over several
sentences: what parts them is where the times stand.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from impressions_assets.text.flat_lists import ends_in_times
from impressions_assets.text.lines import Line, head_edge, is_mention, is_range, tail_edge
from impressions_assets.text.times import Stamp

Announces = Callable[[str, bool], bool]

_BLANK, _HEADING, END = (Line(text, text) for text in ("", "Questions:", "End:"))
_BULLETS = " \t([•·*|–—-"
_LABEL = re.compile(r"\s(?:q|question)?\s?#?\d{1,3}\s?[.:)]$", re.IGNORECASE)
_WINDOW = 20
_ASKED = re.compile(r".*[?？؟][\"'”’»)\]]*", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?？][\"'”’»)]*(?=\s|$)")
_NEXT_SECTION = re.compile(r"[.!?？][\"'”’»)]*(?=\s+[^\W\d_][\w'’ ]{1,40}:\s)")


def with_newlines(lines: Iterable[Line], announces: Announces) -> Iterator[Line]:
    """The lines, with one for each time of every list that stands in one line."""
    for line in lines:
        times = _times_of(line) if len(line.stamps) > 1 else []
        if not _is_list(line.folded, times):
            yield line
            continue
        read = _times_last if ends_in_times(times, line.folded) else _times_first
        yield from (*read(line, times, announces), _BLANK, END)


def _times_of(line: Line) -> list[Stamp]:
    """The line's times, a range as one and none in remarks."""
    times: list[Stamp] = []
    may_mention = "(" in line.folded
    for stamp in line.stamps:
        if times and is_range(line.folded, times[-1].end, stamp.start):
            times[-1] = replace(times[-1], end=stamp.end)
        elif not (may_mention and is_mention(line.folded, stamp.start)):
            times.append(stamp)
    return times


def _is_list(folded: str, times: Sequence[Stamp]) -> bool:
    """Three times in a line are a list; two are one when the first has a sentence to itself."""
    if len(times) == 2:
        between = folded[_back(folded, times[0]) : _front(folded, times[1])].strip()
        return _SENTENCE_END.search(between[-3:]) is not None
    return len(times) > 2


def _front(folded: str, time: Stamp) -> int:
    """Where the brackets and bullets before a time begin, or the label before them."""
    window = max(0, time.start - _WINDOW)
    bare = folded[window : time.start].rstrip(_BULLETS)
    label = _LABEL.search(bare) if bare.endswith((".", ":", ")")) else None
    return window + (label.start() if label else len(bare))


def _back(folded: str, time: Stamp) -> int:
    """Where the brackets behind a time end."""
    behind = folded[time.end : time.end + _WINDOW]
    return time.end + len(behind) - len(behind.lstrip(" \t)]|"))


def _times_last(line: Line, times: Sequence[Stamp], announces: Announces) -> Iterator[Line]:
    """The first question stands between the heading's colon and the first time."""
    begin = line.text.rfind(":", 0, _front(line.folded, times[0])) + 1
    yield from (_BLANK, _HEADING) if announces(line.text[:begin], True) else (_BLANK,)
    for time in times:
        edge = tail_edge(time, line.text[begin : time.start])
        yield Line(edge.text, edge.text, edge=edge)
        begin = _back(line.folded, time)


def _times_first(line: Line, times: Sequence[Stamp], announces: Announces) -> Iterator[Line]:
    fronts = [*(_front(line.folded, time) for time in times), len(line.text)]
    announced = announces(line.text[: fronts[0]], True)
    yield from (_BLANK, _HEADING) if announced else ()
    for time, (front, following) in zip(times, pairwise(fronts), strict=True):
        behind, is_last = line.text[time.end : following], time is times[-1]
        part = _up_to_mark if not announced else _first_part if is_last else str
        edge = head_edge(time, line.folded[front : time.start], part(behind))
        yield Line(edge.text, edge.text, edge=edge)
        if not announced and not is_last and announces(behind, False):
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
