"""The lines of a description that are a time and a title, and titles as people would print them."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from impressions_assets.text.lines import Line
from impressions_assets.text.times import Stamp

_TABLE_EDGES = "+|"
_NUMBER = re.compile(r"[0-9]+")
_SPACES = re.compile(r"[ \t]+")
_AROUND_TITLE = " \t\r\n\xa0\u3000-–—−－:：|｜>~～•·=→*_`"
_BEFORE_TITLE = _AROUND_TITLE + ",;"
_CLOSERS = {")": "(", "]": "[", "}": "{", "）": "（", "］": "［", "】": "【"}
_OPENERS = {opener: closer for closer, opener in _CLOSERS.items()}


class TimedLine(NamedTuple):
    """A title and its time. `style` is how the line is written, `line_number` where it stands."""

    stamp: Stamp
    title: str
    side: Literal["head", "tail"]
    style: str
    line_number: int


def timed_lines(lines: Sequence[Line]) -> Iterator[TimedLine]:
    """The lines with a time at one end; a title may be empty."""
    for number, line in enumerate(lines):
        if line.edge:
            stamp, side, text, lead = line.edge
            title = clean_title(text)
            if lead and lead[0] in _TABLE_EDGES:
                title = title.rstrip(_TABLE_EDGES + " ")
            style = _SPACES.sub(" ", _NUMBER.sub("0", lead)) if lead else ""
            yield TimedLine(stamp, title, side, style, number)


def clean_title(text: str) -> str:
    """The title without separators around it, unpaired brackets and runs of spaces."""
    title = text.lstrip(_BEFORE_TITLE).rstrip(_AROUND_TITLE)
    if "  " in title or "\t" in title:
        title = _SPACES.sub(" ", title)
    while title and title[0] in _CLOSERS:
        title = title[1:].lstrip(_AROUND_TITLE)
    while title and title[-1] in _OPENERS:
        title = title[:-1].rstrip(_AROUND_TITLE)
    if (
        title
        and title[-1] in _CLOSERS
        and title.count(_CLOSERS[title[-1]]) < title.count(title[-1])
    ):
        title = title[:-1].rstrip(_AROUND_TITLE)
    if title and title[0] in _OPENERS and title.count(title[0]) > title.count(_OPENERS[title[0]]):
        title = title[1:].lstrip(_AROUND_TITLE)
    return title.replace("**", "")
