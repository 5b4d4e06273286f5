"""Chapters: titled spans of a video, from YouTube's own list, the description, or the talk itself.

YouTube wants three or more rising times from 0:00, but real lists start at 0:36 or hold a chapter
of eight seconds, so its rules are evidence here and no gates. What is never taken: fewer than
three times, times inside sentences, clock times, and lists that do not fit into the video.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from msgspec import Struct

from impressions_assets.rows import Chapter, ChapterOrigin, Chapters, Transcript, Video
from impressions_assets.text.flat_lists import Item, flat_lists
from impressions_assets.text.lines import Edge, Line, lines_of
from impressions_assets.text.segmentation import segmented
from impressions_assets.text.times import may_hold_times, with_one_reading
from impressions_assets.text.titles import clean_title, without_numbers

_FEWEST = 3
_MANY = 5
_LATEST_START_SECONDS = {"head": 600, "tail": 60}
_LONGEST_GAP_LINES = 8
_LONGEST_TITLE = 200
_LINES_BELOW = 4
_NUMBER = re.compile(r"[0-9]+")
_SPACES = re.compile(r"[ \t]+")
_TABLE_EDGES = "+| "
_ERRATA = re.compile(
    r"correct|errat|typo|mistake|korrektur|fehler|corre[cç]|correzion|erreur|faute|ошиб|поправ"
    r"|опечат|訂正|勘误|更正|정정",
    re.IGNORECASE,
)
_OUTLINE = 20
_DAY_SECONDS = 24 * 60  # where 9:30 is read as minutes and seconds


class _Entry(Struct, frozen=True, gc=False):
    """A line with a time and a title, and where it stands."""

    seconds: int
    title: str
    edge: Edge
    number: int


def parse_chapters(description: str, duration_seconds: float | None = None) -> list[Chapter]:
    """The chapters that a description lists, starts rising; empty when it lists none."""
    if not may_hold_times(description, _FEWEST):
        return []
    lines = lines_of(description)
    groups = [_fitting(group, duration_seconds) for group in _groups(lines, duration_seconds)]
    lists = [_items(group) for group in groups if _is_list(group)]
    lists = lists or list(flat_lists(lines, duration_seconds))
    lists = [items for items in lists if not _is_programme(items, duration_seconds)]
    best = max(lists, key=lambda items: (items[0][0] == 0, len(items)), default=[])
    titles = without_numbers([title for _, title in best])
    starts = [start for start, _ in best]
    return _closed([*zip(starts, titles, strict=True)], duration_seconds, "description")


def chapters_of(
    video: Video,
    transcript: Transcript,
    *,
    segment: bool = True,
    min_duration_seconds: float = 300.0,
    typical_seconds: float | None = None,
) -> Chapters:
    """YouTube's own chapters when there are any, else the description's, else segmented ones."""
    if not video.chapters:
        found = parse_chapters(video.description, video.duration_seconds)
        if not found and segment:
            found = segmented(
                transcript,
                video.duration_seconds,
                min_duration_seconds=min_duration_seconds,
                typical_seconds=typical_seconds,
            )
        return Chapters(video_id=video.video_id, chapters=tuple(found))
    own = {chapter.start_seconds: chapter for chapter in reversed(video.chapters)}
    last = own[max(own)].end_seconds or video.duration_seconds
    items = [(start, own[start].title) for start in sorted(own)]
    return Chapters(video_id=video.video_id, chapters=tuple(_closed(items, last, "youtube")))


def _groups(lines: Sequence[Line], duration_seconds: float | None) -> list[list[_Entry]]:
    """Runs of timed lines that rise and belong together."""
    groups: list[list[_Entry]] = []
    timed = [(number, line.edge) for number, line in enumerate(lines) if line.edge]
    stamps = with_one_reading([edge.stamp for _, edge in timed], duration_seconds)
    for (number, edge), stamp in zip(timed, stamps, strict=True):
        last = groups[-1][-1] if groups else None
        if last and stamp.seconds == last.seconds:
            continue
        entry = _Entry(stamp.seconds, _title(edge) or _title_below(lines, number), edge, number)
        if not entry.title or len(entry.title) > _LONGEST_TITLE:
            continue
        if last and _continues(last, entry, lines):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def _continues(last: _Entry, entry: _Entry, lines: Sequence[Line]) -> bool:
    if entry.seconds <= last.seconds or entry.edge.side != last.edge.side:
        return False
    if entry.number == last.number + 1:
        return True
    between = [line.text for line in lines[last.number + 1 : entry.number] if line.text]
    return not between or (
        len(between) <= _LONGEST_GAP_LINES
        and _style(entry.edge) == _style(last.edge)
        and not any(map(_ERRATA.search, between))
    )


def _style(edge: Edge) -> str:
    """How a line is written: its bullets and brackets, whatever its numbers are."""
    return _SPACES.sub(" ", _NUMBER.sub("0", edge.lead))


def _title(edge: Edge) -> str:
    title = clean_title(edge.text)
    return title.rstrip(_TABLE_EDGES) if edge.lead.startswith(("+", "|")) else title


def _title_below(lines: Sequence[Line], number: int) -> str:
    """What stands below a line that has no title; cells of a row become one."""
    below = list(takewhile(_is_title, lines[number + 1 : number + 1 + _LINES_BELOW]))
    cells = [clean_title(line.text) for line in below]
    if not below or below[0].text[0] != "-":
        return "".join(cells[:1])
    row = takewhile(lambda cell: cell[0].text[0] == "-", zip(below, cells, strict=True))
    return " – ".join(cell for _, cell in row if cell)


def _is_title(line: Line) -> bool:
    return bool(line.text) and not line.stamps


def _fitting(group: list[_Entry], duration_seconds: float | None) -> list[_Entry]:
    """The lines inside the video; nothing when most of the list lies behind its end."""
    if duration_seconds is None:
        return group
    inside = [entry for entry in group if entry.seconds < duration_seconds]
    return inside if len(inside) * 2 >= len(group) else []


def _is_list(group: Sequence[_Entry]) -> bool:
    if len(group) < _FEWEST:
        return False
    first = group[0].seconds
    if first == 0:
        return True
    latest = _LATEST_START_SECONDS[group[0].edge.side]
    return first <= latest or len(group) >= _MANY


def _is_programme(items: Sequence[Item], duration_seconds: float | None) -> bool:
    """Hours and minutes: a day's programme (9:00, 9:30, 10:15), or a plan of the talk to come.

    In a plan 0:20 is twenty minutes, so that all of it lies in the video's first seconds.
    """
    starts = [start for start, _ in items]
    if any(start % 5 for start in starts):
        return False
    by_the_clock = starts[0] >= 300 and starts[-1] < _DAY_SECONDS
    planned = duration_seconds is not None and 0 < starts[-1] * _OUTLINE < duration_seconds
    return by_the_clock or planned


def _items(group: Iterable[_Entry]) -> list[Item]:
    return [(float(entry.seconds), entry.title) for entry in group]


def _closed(items: list[Item], end: float | None, origin: ChapterOrigin) -> list[Chapter]:
    """Chapters that end where the next begins, the last at `end` when that is known."""
    starts = [start for start, _ in items]
    last = end if end is not None and starts and end > starts[-1] else None
    return [
        Chapter(start, title, stop, origin)
        for (start, title), stop in zip(items, [*starts[1:], last], strict=bool(items))
    ]
