"""Lists that lost their newlines: what exports, spreadsheets and wrapped paragraphs leave of them.

A time may be glued to its neighbours ("COVID-191:51" is 1:51, "episode 20:12" may be 0:12), so it
has several readings, and the one that lies between its neighbours counts. Titles stand behind their
times or before them; the list's ends and the places without a space tell which. Such a list is
believed when it starts at 0:00, or when its times are glued as only lost newlines glue them.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import groupby, islice, pairwise

from impressions_assets.text.lines import RANGE, Line
from impressions_assets.text.timed_lines import clean_title
from impressions_assets.text.times import Stamp, glued_stamps_in, may_hold_times

_FEWEST = 3
_FEWEST_FROM_LATER = 4
_MANY = 10
_MOST_TIMES = 120  # in one block: bounds the time that a hostile text takes
_LONGEST_GAP = 600
_LONGEST_TITLE = 200
_PROSE_CHARACTERS = 100
_MARK = re.compile("[!?.。]")
_END = r"https?://|www\.|#\w|[-_=*—ー]{4,}|[!?.。]\s+(?=\S+ \S+ \S+ \S+)"
_END_OF_TITLE = re.compile(_END)
# Behind the last title, whatever the next line began with: a capital letter, a symbol.
_END_OF_LAST_TITLE = re.compile(
    rf"{_END}|(?<=[a-zà-ÿа-яё?!.)])(?=[A-ZÀ-ÞА-ЯЁ])|[\u2500-\u27bf\U0001f300-\U0001faff]"
)
_LETTER = re.compile(r"[^\W\d_]")
_PROSE = re.compile(r"\n|https?://\S*|[!?.。:：]\s")
_LABEL = re.compile(r"(?<!\d)(\d{1,3})(?:\s?[.)]|\s[-–—])\s?")
_APART = "([{/,;:~-–—|→>"

Item = tuple[float, str]


def flat_lists(lines: Sequence[Line], duration_seconds: float | None) -> Iterator[list[Item]]:
    """The lists in each block of lines; a block stands between blank lines."""
    for _, members in groupby(lines, key=lambda line: bool(line.text)):
        both = list(members)
        folded = "\n".join(line.folded for line in both)
        if not may_hold_times(folded, _FEWEST):
            continue
        block = "\n".join(line.text for line in both)
        for run in _runs(folded, duration_seconds):
            if len(run) < _FEWEST or not (run[0].seconds <= 1 or _lost_newlines(run, folded)):
                continue
            titles_of = _titles_before if ends_in_times(run, block) else _titles_behind
            items = [
                (float(s.seconds), t) for s, t in zip(run, titles_of(run, block), strict=True) if t
            ]
            if len(items) >= _FEWEST:
                yield items


def ends_in_times(run: Sequence[Stamp], block: str) -> bool:
    """Whether titles stand before their times: by the ends of the list, else by what is glued."""
    before = block[: run[0].start].rpartition("\n")[2]
    if not _LETTER.search(before):
        return False
    if not _LETTER.search(block, run[-1].end):
        return True
    front = sum(_is_glued(block[stamp.start - 1]) for stamp in run[1:])
    back = sum(_LETTER.match(block, stamp.end) is not None for stamp in run[:-1])
    return back > front


def _runs(folded: str, duration_seconds: float | None) -> Iterator[list[Stamp]]:
    """Times in a row that rise, each read so that it lies between its neighbours if it can."""
    run: list[Stamp] = []
    times = [*islice(glued_stamps_in(folded), _MOST_TIMES), ()]
    ends_range = False
    for readings, following in pairwise(times):
        ends_range = not ends_range and bool(run) and _is_range(folded, run[-1], readings[0])
        if ends_range:
            run[-1] = run[-1]._replace(end=readings[0].end)
            continue
        bound = () if _is_spaced(folded, following) else following
        stamp = _reading(readings, run[-1].seconds if run else -1, bound)
        if run and readings[0].seconds == run[-1].seconds:
            continue
        if stamp is None and _is_spaced(folded, readings):
            continue  # "Part 3: 10 tips"
        if stamp is None or (run and stamp.start - run[-1].end > _LONGEST_GAP):
            yield run
            run, stamp = [], stamp or readings[0]
        if duration_seconds is None or stamp.seconds < duration_seconds:
            run.append(stamp)
    yield run


def _is_range(folded: str, first: Stamp, last: Stamp) -> bool:
    return RANGE.match(folded[first.end : last.start]) is not None


def _is_spaced(folded: str, readings: Sequence[Stamp]) -> bool:
    return bool(readings) and " " in folded[readings[0].start : readings[0].end]


def _reading(readings: Sequence[Stamp], previous: int, following: Sequence[Stamp]) -> Stamp | None:
    if previous < 0:
        return readings[0]
    later = [stamp for stamp in readings if stamp.seconds > previous]
    latest = max([stamp.seconds for stamp in following], default=math.inf)
    return next((stamp for stamp in later if stamp.seconds < latest), later[0] if later else None)


def _lost_newlines(run: Sequence[Stamp], folded: str) -> bool:
    """Whether a third of the times are glued to a word, as in no prose, or very many rise."""
    glued = sum(_is_glued(folded[stamp.start - 1]) for stamp in run[1:])
    return len(run) >= _MANY or (len(run) >= _FEWEST_FROM_LATER and 3 * glued >= len(run) - 1)


def _is_glued(neighbour: str) -> bool:
    return not neighbour.isspace() and neighbour not in _APART


def _titles_behind(run: Sequence[Stamp], block: str) -> Iterator[str]:
    for stamp, following in pairwise(run):
        yield _cut(block[stamp.end : following.start], _END_OF_TITLE)
    last = block[run[-1].end :]
    yield _cut(last, _END_OF_LAST_TITLE if len(last) > _PROSE_CHARACTERS else _END_OF_TITLE)


def _cut(text: str, ending: re.Pattern[str]) -> str:
    """A title without the prose that runs on behind it."""
    title = clean_title(" ".join(text.split()))
    end = ending.search(title, 1)
    if end:
        title = clean_title(title[: end.start() + bool(_MARK.match(end[0]))])
    return title[:_LONGEST_TITLE]


def _titles_before(run: Sequence[Stamp], block: str) -> Iterator[str]:
    begin = 0
    for number, stamp in enumerate(run, 1):
        text = clean_title(block[begin : stamp.start])
        begin = stamp.end
        labels = (mark for mark in _LABEL.finditer(text) if int(mark[1]) == number)
        marks = [*labels] or ([*_PROSE.finditer(text)] if number == 1 else [])
        title = text[marks[-1].end() if marks else 0 :]
        yield clean_title(" ".join(title.split()))[-_LONGEST_TITLE:]
