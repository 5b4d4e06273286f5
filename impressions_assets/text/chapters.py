"""Chapters: titled spans of a video, from YouTube's own list, the description, or the talk itself.

YouTube wants three or more rising times from 0:00, but real lists start at 0:36 or hold a chapter
of eight seconds, so its rules are evidence here and no gates. What is never taken: fewer than
three times, times inside sentences, clock times, and lists that do not fit into the video.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile

from impressions_assets.rows import Chapter, ChapterOrigin, Chapters, Transcript, Video
from impressions_assets.text.flat_lists import Item, flat_lists
from impressions_assets.text.lines import Line, lines_of
from impressions_assets.text.segmentation import segmented
from impressions_assets.text.timed_lines import TimedLine, clean_title, timed_lines
from impressions_assets.text.times import may_hold_times, with_one_reading

_FEWEST = 3
_MANY = 5
_LATEST_START_SECONDS = {"head": 600, "tail": 60}
_LONGEST_GAP_LINES = 8
_LONGEST_TITLE = 200
_LINES_BELOW = 4
_NUMBER = re.compile(r"\A[#(\[]?0*(\d{1,3})(?:[.)\]]\s*|\s[-–:]\s)(?=\S)")
_ERRATA = re.compile(
    r"correct|errat|typo|mistake|korrektur|fehler|corre[cç]|correzion|erreur|faute|ошиб|поправ"
    r"|опечат|訂正|勘误|更正|정정",
    re.IGNORECASE,
)
_OUTLINE = 20
_DAY_SECONDS = 24 * 60  # where 9:30 is read as minutes and seconds


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
    return _closed(_without_numbers(best), duration_seconds, "description")


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


def _groups(lines: Sequence[Line], duration_seconds: float | None) -> list[list[TimedLine]]:
    """Runs of timed lines that rise and belong together."""
    groups: list[list[TimedLine]] = []
    timed = list(timed_lines(lines))
    stamps = with_one_reading([entry.stamp for entry in timed], duration_seconds)
    for entry, stamp in zip(timed, stamps, strict=True):
        title = entry.title or _title_below(entry, lines)
        if not title or len(title) > _LONGEST_TITLE:
            continue
        if groups and stamp.seconds == groups[-1][-1].stamp.seconds:
            continue
        titled = TimedLine(stamp, title, *entry[2:])
        if groups and _continues(groups[-1][-1], titled, lines):
            groups[-1].append(titled)
        else:
            groups.append([titled])
    return groups


def _continues(last: TimedLine, entry: TimedLine, lines: Sequence[Line]) -> bool:
    if entry.stamp.seconds <= last.stamp.seconds or entry.side != last.side:
        return False
    if entry.line_number == last.line_number + 1:
        return True
    between = [line.text for line in lines[last.line_number + 1 : entry.line_number] if line.text]
    if not between:
        return True
    same_style = entry.style == last.style
    return (
        same_style and len(between) <= _LONGEST_GAP_LINES and not any(map(_ERRATA.search, between))
    )


def _title_below(entry: TimedLine, lines: Sequence[Line]) -> str:
    """What stands below a line that has no title; cells of a row become one."""
    first = entry.line_number + 1
    below = list(takewhile(_is_title, lines[first : first + _LINES_BELOW]))
    cells = [clean_title(line.text) for line in below]
    if not below or below[0].text[0] != "-":
        return "".join(cells[:1])
    row = takewhile(lambda cell: cell[0].text[0] == "-", zip(below, cells, strict=True))
    return " – ".join(cell for _, cell in row if cell)


def _is_title(line: Line) -> bool:
    return bool(line.text) and not line.stamps


def _fitting(group: list[TimedLine], duration_seconds: float | None) -> list[TimedLine]:
    """The lines inside the video; nothing when most of the list lies behind its end."""
    if duration_seconds is None:
        return group
    inside = [entry for entry in group if entry.stamp.seconds < duration_seconds]
    return inside if len(inside) * 2 >= len(group) else []


def _is_list(group: Sequence[TimedLine]) -> bool:
    if len(group) < _FEWEST:
        return False
    first = group[0].stamp.seconds
    if first == 0:
        return True
    latest = _LATEST_START_SECONDS[group[0].side]
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


def _items(group: Iterable[TimedLine]) -> list[Item]:
    return [(float(entry.stamp.seconds), entry.title) for entry in group]


def _without_numbers(items: list[Item]) -> list[Item]:
    """Titles without the list's own numbering; a number that is part of a title stays."""
    found = [match for _, title in items if (match := _NUMBER.match(title))]
    numbers = [int(match[1]) for match in found]
    steps = all(after - before == 1 for before, after in pairwise(numbers))
    if len(found) < max(2, len(items) / 2) or numbers[0] > 1 or not steps:
        return items
    return [(start, _NUMBER.sub("", title, count=1)) for start, title in items]


def _closed(items: list[Item], end: float | None, origin: ChapterOrigin) -> list[Chapter]:
    """Chapters that end where the next begins, the last at `end` when that is known."""
    starts = [start for start, _ in items]
    last = end if end is not None and starts and end > starts[-1] else None
    return [
        Chapter(start, title, stop, origin)
        for (start, title), stop in zip(items, [*starts[1:], last], strict=bool(items))
    ]
