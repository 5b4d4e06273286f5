"""Titles as people would print them: no bullets, no stray brackets, no numbers of the list."""

import re
from collections.abc import Sequence
from itertools import pairwise

_AROUND_TITLE = " \t\r\n\xa0\u3000-–—−－:：|｜>~～•·=→*_`"
_BEFORE_TITLE = _AROUND_TITLE + ",;"
_CLOSERS = {")": "(", "]": "[", "}": "{", "）": "（", "］": "［", "】": "【"}
_OPENERS = {opener: closer for closer, opener in _CLOSERS.items()}
_NUMBER = re.compile(r"\A[#(\[]?0*(\d{1,3})(?:[.)\]]\s*|\s[-–:]\s)(?=\S)")


def clean_title(text: str) -> str:
    """The title without separators around it, unpaired brackets and runs of spaces."""
    title = text.lstrip(_BEFORE_TITLE).rstrip(_AROUND_TITLE)
    title = title.replace("\t", " ")
    while "  " in title:
        title = title.replace("  ", " ")
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


def without_numbers(titles: Sequence[str]) -> list[str]:
    """Titles without the list's own numbering; a number that is part of a title stays."""
    found = [match for title in titles if (match := _NUMBER.match(title))]
    numbers = [int(match[1]) for match in found]
    steps = all(after - before == 1 for before, after in pairwise(numbers))
    if len(found) < max(2, len(titles) / 2) or numbers[0] > 1 or not steps:
        return list(titles)
    return [_NUMBER.sub("", title, count=1) for title in titles]
