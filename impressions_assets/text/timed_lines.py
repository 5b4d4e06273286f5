"""The lines of a description that are a time and a title, whichever way they are put together.

A line counts when its time stands at one end: behind nothing but bullets, brackets, emoji or a
number, or before nothing but brackets or a remark in parentheses. A time inside a sentence is
no timed line. Which of these lines make a list of chapters, or of questions, others decide.
"""

import re
from itertools import islice
from typing import Literal, NamedTuple

from impressions_assets.text.times import Stamp, fold, may_hold_times, stamps_in, visible

_MARKDOWN_LINK = re.compile(r"\[([^\[\]]{1,300})\]\((?:https?:|/|#)[^()\s]{0,500}\)")
_REST_LINK = re.compile(r"`([^`<>]{1,300}?)\s*<[^<>]{1,500}>`_{1,2}")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_LEAD = re.compile(r"[\W_]*(?:\d{1,3}[\W_]+|[a-zA-Z]\)\s*)?$")
RANGE = re.compile(
    r"\s{0,3}[\])]?\s{0,3}(?:[-–—−~→>]{1,3}|to|bis|a|à|до)\s{0,3}[\[(]?$", re.IGNORECASE
)
REMARK = re.compile(r"[^\w(]{0,9}(\([^()]{1,200}\))?[\W_]{0,9}$")
_AFTERNOON = 12 * 60
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


class Lines(NamedTuple):
    """A description's lines, and those among them that carry a time at one end."""

    texts: list[str]
    timed: list[TimedLine]


def read_lines(description: str) -> Lines:
    """All lines in order; empty when the description holds no time at all."""
    if not may_hold_times(description):
        return Lines([], [])
    texts = [_without_links(line).strip() for line in visible(description).splitlines()]
    timed = [entry for number, line in enumerate(texts) if (entry := _timed_line(line, number))]
    return Lines(texts, timed)


def with_one_reading(timed: list[TimedLine], duration_seconds: float | None) -> list[TimedLine]:
    """The same lines with `16h20` read one way throughout: as hours, or as minutes."""
    unsure = [entry.stamp for entry in timed if entry.stamp.as_minutes is not None]
    if not unsure or not _means_minutes(timed, max(s.seconds for s in unsure), duration_seconds):
        return timed
    following = _lowest_following(timed)
    read: list[TimedLine] = []
    for entry, lowest in zip(timed, following, strict=True):
        seconds = entry.stamp.as_minutes
        if seconds is None:
            read.append(entry)
            continue
        morning = seconds - _AFTERNOON
        previous = read[-1].stamp.seconds if read else -1
        seconds = morning if seconds >= lowest and morning > previous else seconds
        read.append(entry._replace(stamp=entry.stamp._replace(seconds=seconds)))
    return read


def _lowest_following(timed: list[TimedLine]) -> list[float]:
    """For each line the lowest certain time behind it.

    Translators took 6:10 for an afternoon and wrote 18h10, before a 9h30 in the same list.
    """
    lowest, found = float("inf"), []
    for entry in reversed(timed):
        found.append(lowest)
        minutes = entry.stamp.as_minutes
        if minutes is None or minutes < _AFTERNOON:
            lowest = min(lowest, entry.stamp.seconds if minutes is None else minutes)
    return found[::-1]


def _means_minutes(timed: list[TimedLine], latest: int, duration_seconds: float | None) -> bool:
    if any(entry.stamp.is_hours for entry in timed):
        return False
    if any(entry.stamp.as_minutes is None for entry in timed):
        return True  # beside 9:33, a 12h28 is 12:28
    return latest >= duration_seconds if duration_seconds is not None else latest > 12 * 3600


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


def _without_links(line: str) -> str:
    if "](" in line:
        line = _MARKDOWN_LINK.sub(r"\1", line)
    if "`" in line:
        line = _REST_LINK.sub(r"\1", line)
    return _TAG.sub("", line) if "<" in line else line


def _timed_line(line: str, number: int) -> TimedLine | None:
    if not may_hold_times(line):
        return None
    folded = fold(line)
    stamps = list(islice(stamps_in(folded), 3))  # with three or more, both ends say no
    if not stamps:
        return None
    return _head(line, folded, stamps, number) or _tail(line, folded, stamps, number)


def _head(line: str, folded: str, stamps: list[Stamp], number: int) -> TimedLine | None:
    first, lead = stamps[0], folded[: stamps[0].start]
    if lead and (len(lead) > 24 or not _LEAD.match(lead)):
        return None
    rest = [stamp for stamp in stamps[1:] if not _in_parentheses(folded, stamp)]
    last = rest.pop(0) if rest and RANGE.match(folded[first.end : rest[0].start]) else first
    if rest:  # several times on one line: a flattened list, or prose
        return None
    title = clean_title(line[last.end :])
    if lead[:1] in _TABLE_EDGES:
        title = title.rstrip(_TABLE_EDGES + " ")
    style = _SPACES.sub(" ", _NUMBER.sub("0", lead)) if lead else ""
    return TimedLine(first, title, "head", f"head {style}", number)


def _in_parentheses(folded: str, stamp: Stamp) -> bool:
    return folded.count("(", 0, stamp.start) > folded.count(")", 0, stamp.start)


def _tail(line: str, folded: str, stamps: list[Stamp], number: int) -> TimedLine | None:
    first, last = stamps[0], stamps[-1]
    if len(stamps) > 2 or not (last is first or RANGE.match(folded[first.end : last.start])):
        return None
    remark = REMARK.match(line[last.end :])
    if remark is None:
        return None
    title = clean_title(line[: first.start])
    return TimedLine(first, f"{title} {remark[1] or ''}".rstrip(), "tail", "tail", number)
