"""Times as people write them in descriptions: found, read as seconds, and written back.

`1:02`, `1:02:03`, `1h02m03s`, `0h00`, `12m30s`, with digits of any script and full-width marks.
A clock time (`10:30 pm`, `20:00 MSK`) is no time of the video. `16h20` can mean hours and minutes
or, in lists that a translator spoilt, minutes and seconds: a `Stamp` keeps both readings.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

_FULL_WIDTH = str.maketrans("：﹕∶（）［］【】｛｝－～〜｜．　", ":::()[][]{}-~~|. ")
# Full-width, Arabic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada, Thai
_ZEROS = [0xFF10, 0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xBE6, 0xC66, 0xCE6, 0xE50]
_ASCII = _FULL_WIDTH | {zero + digit: str(digit) for zero in _ZEROS for digit in range(10)}
_ZERO_WIDTH = dict.fromkeys([0x200B, 0x200E, 0x200F, 0x2060, 0x2063, 0xFEFF])

# Every run of digits is tried once, at its start, and every repetition is bounded: linear time.
_STAMP = re.compile(
    r"""(?<!\d)(?<!\d[.,:/])(?:
        (?P<h>\d{1,2}):(?P<hm>[0-5]\d):(?P<hs>[0-5]\d)
      | (?P<m>\d{1,3}):(?P<s>[0-5]\d)
      | (?P<H>\d{1,2})\ ?h\ ?(?P<M>[0-5]?\d)(?:\ ?(?P<mark>m(?:in)?(?!\w)|m(?:in)?(?=\ ?\d)))?
          (?:\ ?(?P<S>[0-5]?\d)\ ?s)?
      | (?P<mm>\d{1,3})\ ?m(?:in)?\ ?(?P<ss>[0-5]?\d)\ ?s
    )(?!:?\d|[.,]\d)
    (?!\ ?(?:pm\b|[ap]\.m|am\b(?!\ [^\W\d])|uhr\b|hrs\b|gmt|utc|msk|мск|часов|киев)|am\b
      |(?-i:\ ?h\b|\ ?(?:[EPCM]|[EPCMBJKI]S|[EPCMB]D|[AC]ES)T(?![-'’\w])))""",
    re.VERBOSE | re.IGNORECASE,
)
_TIME_HINT = re.compile(r"\d ?[:hm：﹕∶] ?\d", re.IGNORECASE)


class Stamp(NamedTuple):
    """A time at `line[start:end]`; `as_minutes` is the other reading of `16h20` (16 min 20 s)."""

    start: int
    end: int
    seconds: int
    as_minutes: int | None = None
    is_hours: bool = False


def fold(line: str) -> str:
    """The line with digits and full-width marks as ASCII, each character in its place."""
    return line if line.isascii() else line.translate(_ASCII)


def visible(line: str) -> str:
    """The line without characters that show nothing."""
    return line if line.isascii() else line.translate(_ZERO_WIDTH)


def may_hold_times(text: str, fewest: int = 1) -> bool:
    """Whether a search for that many stamps is worth its time; never wrong when it says no."""
    hints = _TIME_HINT.finditer(text)
    return next(islice(hints, fewest - 1, None), None) is not None


def stamps_in(folded_line: str) -> Iterator[Stamp]:
    """The times in a folded line, from left to right."""
    for match in _STAMP.finditer(folded_line):
        yield _stamp_of(match)


def _stamp_of(match: re.Match[str]) -> Stamp:
    part = {name: int(digits) for name, digits in match.groupdict("").items() if digits.isdecimal()}
    start, end = match.span()
    if "h" in part:
        seconds = part["h"] * 3600 + part["hm"] * 60 + part["hs"]
        return Stamp(start, end, seconds, is_hours=True)
    if "H" in part:
        seconds = part["H"] * 3600 + part["M"] * 60 + part.get("S", 0)
        bare = match["mark"] is None and "S" not in part and len(match["M"]) == 2
        return Stamp(start, end, seconds, part["H"] * 60 + part["M"] if bare else None, not bare)
    if "m" in part:
        return Stamp(start, end, part["m"] * 60 + part["s"])
    return Stamp(start, end, part["mm"] * 60 + part["ss"])


def clock(seconds: float) -> str:
    """`1:02` or `1:02:03`, as YouTube writes it."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def link_at(url: str, seconds: float) -> str:
    """The video's page at that second; '' without a page."""
    page, mark, fragment = url.partition("#")
    return f"{page}{'&' if '?' in page else '?'}t={int(seconds)}{mark}{fragment}" if url else ""
