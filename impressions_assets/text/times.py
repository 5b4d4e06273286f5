"""Times as people write them in descriptions: found, read as seconds, and written back.

`1:02`, `1:02:03`, `1h02m03s`, `0h00`, `12m30s`, with digits of any script and full-width marks.
A clock time (`10:30 pm`, `20:00 MSK`) is no time of the video. `16h20` can mean hours and minutes
or, in lists that a translator spoilt, minutes and seconds: a `Stamp` keeps both readings.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

_WIDE, _NARROW = "：﹕∶（）［］【】｛｝－～〜｜．　", ":::()[][]{}-~~|. "
# Full-width, Arabic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada, Thai
_ZEROS = [0xFF10, 0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xBE6, 0xC66, 0xCE6, 0xE50]
_ASCII = dict(zip(_WIDE, _NARROW, strict=True)) | {
    chr(zero + digit): str(digit) for zero in _ZEROS for digit in range(10)
}

# Looking is faster than replacing, and most texts hold none; a string knows if it is ASCII.
_FOLDABLE = re.compile(f"[{''.join(_ASCII)}]")
_UNSEEN = re.compile("[\u200b\u200e\u200f\u2060\u2063\ufeff]+")

# Linear time: both begin with a digit that has none before it, so that a search skips to it and
# tries every run of digits once; every repetition is bounded.
_CLOCK = r"""(?!\ ?(?:pm\b|[ap]\.m|am\b(?!\ [^\W\d])|uhr\b|hrs\b|gmt|utc|msk|мск|часов|киев)|am\b
      |(?-i:\ ?h\b|\ ?(?:[EPCM]|[EPCMBJKI]S|[EPCMB]D|[AC]ES)T(?![-'’\w])))"""
_STAMP = re.compile(
    r"""(?P<first>\d(?<!\d\d)(?<!\d[.,:/]\d)\d?+\d?+)(?:
        :(?P<colon>[0-5]\d)(?:(?<!\d{3}:\d\d):(?P<last>[0-5]\d))?
      | (?<=[(\[]\d\d):\ (?P<spaced>[0-5]\d)(?=[)\]])
      | (?<!\d{3})\ ?+h\ ?+(?P<h>[0-5]?\d)(?!\d)
          (?:\ ?+(?P<mark>m(?:in)?+(?!\w)|m(?:in)?+(?=\ ?\d)))?(?:\ ?+(?P<s>[0-5]?\d)\ ?+s)?
      | \ ?+m(?:in)?+\ ?+(?P<m>[0-5]?\d)\ ?+s
    )(?!:?\d|[.,]\d)"""
    + _CLOCK,
    re.VERBOSE | re.IGNORECASE,
)
_GLUED = re.compile(
    r"""(?P<d>\d(?<!\d\d)(?:(?<!\d[.,:/]\d)|(?=\d\d))\d{0,11}+)
        :(?:(?<=\d\d:)\ )?(?P<s>[0-5]\d)(?::(?P<hs>[0-5]\d))?"""
    + _CLOCK,
    re.VERBOSE | re.IGNORECASE,
)
_TIME_HINT = re.compile(r"\d ?[:hmHM：﹕∶] ?\d")
_AFTERNOON = 12 * 60


class Stamp(Struct, frozen=True, gc=False):
    """A time at `line[start:end]`; `as_minutes` is the other reading of `16h20` (16 min 20 s)."""

    start: int
    end: int
    seconds: int
    as_minutes: int | None = None
    is_hours: bool = False


class Glued(Struct, frozen=True, gc=False):
    """A time whose first digits may belong to the word before it: `20:12` may be 0:12 behind a 2.

    `readings` are where it begins and its seconds, the longest first.
    """

    readings: Sequence[tuple[int, int]]
    end: int
    is_spaced: bool


def fold(text: str) -> str:
    """The text with digits and full-width marks as ASCII, each character in its place.

    A search for each character in turn takes a tenth of what `str.translate` does.
    """
    if text.isascii() or not _FOLDABLE.search(text):
        return text
    for wide, narrow in _ASCII.items():
        if wide in text:
            text = text.replace(wide, narrow)
    return text


def visible(text: str) -> str:
    """The text without characters that show nothing."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def may_hold_times(text: str, fewest: int = 1) -> bool:
    """Whether a search for that many stamps is worth its time; never wrong when it says no."""
    if fewest == 1:
        return _TIME_HINT.search(text) is not None
    hints = _TIME_HINT.finditer(text)
    return next(islice(hints, fewest - 1, None), None) is not None


def stamps_in(folded_line: str, most: int | None = None) -> list[Stamp]:
    """The times in a folded line from left to right, or the first ones of them."""
    return [_stamp_of(match) for match in islice(_STAMP.finditer(folded_line), most)]


def glued_times_in(folded_text: str) -> Iterator[Glued]:
    """Each time in a text that lost its newlines: `191:51` may be 1:51 behind a 19."""
    for match in _GLUED.finditer(folded_text):
        digits, last, seconds = match["d"], match.end("d"), match["s"]
        behind, unit, most = int(seconds), 60, 3
        if match["hs"]:
            behind, unit, most = behind * 60 + int(match["hs"]), 3600, 2
        most = min(len(digits), 2 if digits[3:] else most)
        readings = [(last - n, int(digits[-n:]) * unit + behind) for n in range(most, 0, -1)]
        yield Glued(readings, match.end(), match.start("s") > last + 1)


def with_one_reading(stamps: Sequence[Stamp], duration_seconds: float | None) -> list[Stamp]:
    """A list's times with `16h20` read one way throughout: as hours, or as minutes."""
    unsure = [stamp.seconds for stamp in stamps if stamp.as_minutes is not None]
    if not unsure or not _means_minutes(stamps, max(unsure), duration_seconds):
        return list(stamps)
    read: list[Stamp] = []
    for stamp, lowest in zip(stamps, _lowest_following(stamps), strict=True):
        if stamp.as_minutes is None:
            read.append(stamp)
            continue
        morning = stamp.as_minutes - _AFTERNOON
        previous = read[-1].seconds if read else -1
        is_later = stamp.as_minutes >= lowest and morning > previous
        read.append(replace(stamp, seconds=morning if is_later else stamp.as_minutes))
    return read


def _lowest_following(stamps: Sequence[Stamp]) -> list[float]:
    """For each time the lowest certain one behind it.

    Translators took 6:10 for an afternoon and wrote 18h10, before a 9h30 in the same list.
    """
    lowest, found = float("inf"), []
    for stamp in reversed(stamps):
        found.append(lowest)
        if stamp.as_minutes is None or stamp.as_minutes < _AFTERNOON:
            lowest = min(lowest, stamp.seconds if stamp.as_minutes is None else stamp.as_minutes)
    return found[::-1]


def _means_minutes(stamps: Sequence[Stamp], latest: int, duration_seconds: float | None) -> bool:
    if any(stamp.is_hours for stamp in stamps):
        return False
    if any(stamp.as_minutes is None for stamp in stamps):
        return True  # beside 9:33, a 12h28 is 12:28
    return latest >= duration_seconds if duration_seconds is not None else latest > 12 * 3600


def _stamp_of(match: re.Match[str]) -> Stamp:
    start, end = match.span()
    first, form = int(match["first"]), match.lastgroup or ""
    if form in ("colon", "spaced", "m"):
        return Stamp(start, end, first * 60 + int(match[form]))
    if form == "last":
        seconds = first * 3600 + int(match["colon"]) * 60 + int(match["last"])
        return Stamp(start, end, seconds, is_hours=True)
    minutes, seconds = int(match["h"]), int(match["s"] or 0)
    is_bare = form == "h" and len(match["h"]) == 2
    as_minutes = first * 60 + minutes if is_bare else None
    return Stamp(start, end, first * 3600 + minutes * 60 + seconds, as_minutes, not is_bare)


def clock(seconds: float) -> str:
    """`1:02` or `1:02:03`, as YouTube writes it."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def link_at(url: str, seconds: float) -> str:
    """The video's page at that second; '' without a page."""
    page, mark, fragment = url.partition("#")
    return f"{page}{'&' if '?' in page else '?'}t={int(seconds)}{mark}{fragment}" if url else ""
