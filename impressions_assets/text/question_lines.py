"""Descriptions put into lines for the reader of questions: no links, no flattened lists.

Exports and some players lose newlines, and a whole list stands in one line. Here it becomes lines
again, a time and its text on each, below a heading when the words in front of it announced one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from impressions_assets.text.timed_lines import RANGE
from impressions_assets.text.times import Stamp, fold, may_hold_times, stamps_in

Announces = Callable[[str, bool], bool]

HEADING, END = "Questions:", "End:"
_MOST_TIMES = 200  # in one line: bounds the time that a hostile line takes
_BRACKET = re.compile(r"\[|\](?:\(https?://[^()\s]*\))?")
_FRONT = re.compile(
    r"(?:\s(?:q|question)?\s?#?\d{1,3}\s?[.:)])?[\s(\[（【•·*|–—-]{0,8}$", re.IGNORECASE
)
_BACK = re.compile(r"[\s)\]）】|]{0,4}")
_ASKED = re.compile(r".*[?？؟][\"'”’»)\]]*", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?？][\"'”’»)]*(?=\s|$)")
_NEXT_SECTION = re.compile(r"[.!?？][\"'”’»)]*(?=\s+[^\W\d_][\w'’ ]{1,40}:\s)")
_HAS_LETTERS = re.compile(r"[^\W\d_]")


class _Mark(NamedTuple):
    """A time or a range of times in a line, with the brackets and bullets around it."""

    front: int
    start: int
    end: int
    back: int


def without_links(text: str) -> str:
    """The text with `[words](https://…)` as `words`, brackets inside the words included."""
    if "](" not in text:
        return text
    opened: list[int] = []
    cuts: list[tuple[int, int]] = []
    for match in _BRACKET.finditer(text):
        if match[0] == "[":
            opened.append(match.start())
        elif match[0] == "]":
            opened = opened[:-1]
        else:
            cuts += [(opened[-1], opened[-1] + 1)] if opened else []
            cuts.append(match.span())
            opened = opened[:-1]
    bounds = [0, *(place for cut in sorted(cuts) for place in cut), len(text)]
    return "".join(text[begin:end] for begin, end in zip(bounds[::2], bounds[1::2], strict=True))


def is_mention(before: str) -> bool:
    """Whether a time behind these words belongs to a remark: "(asked again at 2:05)"."""
    near = before[-200:]
    opened = max(near.rfind("("), near.rfind("（"))
    closed = max(near.rfind(")"), near.rfind("）"))
    return opened > closed and _HAS_LETTERS.search(near, opened) is not None


def in_lines(text: str, announces: Announces) -> str:
    """The text with a line for each time of every list that stands in one line."""
    return "\n".join(
        "\n".join(_parted(line, marks, announces)) if is_list(marks := _marks(line), line) else line
        for line in text.splitlines()
    )


def is_list(marks: Sequence[_Mark], line: str) -> bool:
    """Three times in a line are a list; two are one when the first has a sentence to itself."""
    if len(marks) == 2:
        between = line[marks[0].back : marks[1].front].strip()
        return _SENTENCE_END.search(between[-3:]) is not None
    return len(marks) > 2


def _marks(line: str) -> list[_Mark]:
    if not may_hold_times(line, 2):
        return []
    folded = fold(line)
    marks: list[_Mark] = []
    for stamp in islice(stamps_in(folded), _MOST_TIMES):
        if marks and RANGE.match(folded[marks[-1].end : stamp.start]):
            marks[-1] = _marked(folded, marks[-1], stamp)
        elif not is_mention(folded[max(0, stamp.start - 200) : stamp.start]):
            marks.append(_marked(folded, stamp, stamp))
    return marks


def _marked(folded: str, first: _Mark | Stamp, last: Stamp) -> _Mark:
    window = max(0, first.start - 20)
    front = _FRONT.search(folded[window : first.start])
    back = _BACK.match(folded, last.end)
    return _Mark(
        window + front.start() if front else first.start,
        first.start,
        last.end,
        back.end() if back else last.end,
    )


def _parted(line: str, marks: Sequence[_Mark], announces: Announces) -> Iterator[str]:
    before = line[: marks[0].front]
    colon = before.rfind(":") + 1
    if _HAS_LETTERS.search(line[marks[-1].end :]) or not _HAS_LETTERS.search(before[colon:]):
        yield from _times_first(line, marks, announces)
    else:  # times last: the first question stands between the heading's colon and the first time
        yield from ("", HEADING if announces(before[:colon], True) else "")
        starts = [colon, *(mark.back for mark in marks)]
        yield from (line[begin:end] for begin, end in pairwise(starts))
    yield from ("", END)


def _times_first(line: str, marks: Sequence[_Mark], announces: Announces) -> Iterator[str]:
    announced = announces(line[: marks[0].front], True)
    if announced:
        yield from ("", HEADING)
    for mark, following in pairwise(marks):
        text = line[mark.end : following.front]
        yield line[mark.front : mark.end] + (text if announced else _up_to_mark(text))
        if not announced and announces(text, False):
            announced = True
            yield from ("", HEADING)
    last, rest = marks[-1], line[marks[-1].end :]
    yield line[last.front : last.end] + (_first_part(rest) if announced else _up_to_mark(rest))


def _up_to_mark(text: str) -> str:
    """The text up to its last question mark that is no part of a link."""
    match = _ASKED.match(_before_links(text))
    return match[0] if match else text


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
