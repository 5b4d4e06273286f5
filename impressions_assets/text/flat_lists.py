"""Lists that lost their newlines: what exports, spreadsheets and wrapped paragraphs leave of them.

A time may be glued to its neighbours ("COVID-191:51" is 1:51, "episode 20:12" may be 0:12), so it
has several readings, and the one that lies between its neighbours counts. Titles stand behind their
times or before them; the list's ends and the places without a space tell which. Such a list is
believed when it starts at 0:00, or when its times are glued as only lost newlines glue them.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from impressions_assets.text.lines import MANY_TIMES, Line, is_range
from impressions_assets.text.times import Stamp, glued_times_in, may_hold_times
from impressions_assets.text.titles import clean_title

_FEWEST = 3
_FEWEST_FROM_LATER = 4
_MANY = 10
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
    folded_text = "\n".join([line.folded for line in lines])
    text = "\n".join([line.text for line in lines])
    for folded, block in zip(folded_text.split("\n\n"), text.split("\n\n"), strict=True):
        # each of its times has a colon, and counting them is far faster than a search
        if folded.count(":") < _FEWEST or not may_hold_times(folded, _FEWEST):
            continue
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
    times = [*islice(glued_times_in(folded), MANY_TIMES), None]
    ends_range = False
    for time, following in pairwise(times):
        assert time is not None  # only the last is none
        begin, longest = time.readings[0]
        ends_range = not ends_range and bool(run) and is_range(folded, run[-1].end, begin)
        if ends_range:
            run[-1] = Stamp(run[-1].start, time.end, run[-1].seconds)
            continue
        if run and longest == run[-1].seconds:
            continue
        bound = following.readings[0][1] if following and not following.is_spaced else math.inf
        start, seconds = _reading(time.readings, run[-1].seconds if run else None, bound)
        if seconds < 0 and time.is_spaced:
            continue  # "Part 3: 10 tips"
        if seconds < 0 or (run and start - run[-1].end > _LONGEST_GAP):
            yield run
            run = []
            if seconds < 0:
                start, seconds = begin, longest
        if duration_seconds is None or seconds < duration_seconds:
            run.append(Stamp(start, time.end, seconds))
    yield run


def _reading(
    readings: Sequence[tuple[int, int]], previous: int | None, bound: float
) -> tuple[int, int]:
    """The reading between its neighbours, else the longest that rises, else one before all."""
    if previous is None:
        return readings[0]
    later = [reading for reading in readings if reading[1] > previous] or [(-1, -1)]
    return next((reading for reading in later if reading[1] < bound), later[0])


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
