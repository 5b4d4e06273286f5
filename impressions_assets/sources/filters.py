"""Which videos of a source a channel takes.

What is not known is never a reason to leave a video out: one without a date passes `since` and
`until`, one without a duration passes the bounds of duration. A date known only as a year passes
when any day of that year would.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Protocol

from impressions_assets.rows import Video


class Filters(Protocol):
    """What a channel's declaration says of the videos it takes."""

    @property
    def since(self) -> date | None:
        """First day taken."""

    @property
    def until(self) -> date | None:
        """Last day taken."""

    @property
    def title_includes(self) -> tuple[str, ...]:
        """One of these must be in the title; capitals do not matter."""

    @property
    def title_excludes(self) -> tuple[str, ...]:
        """None of these may be in the title."""

    @property
    def min_duration_seconds(self) -> float | None:
        """Shortest video taken."""

    @property
    def max_duration_seconds(self) -> float | None:
        """Longest video taken."""

    @property
    def shorts(self) -> bool:
        """Whether Shorts are taken."""

    @property
    def live(self) -> bool:
        """Whether live streams, past ones included, are taken."""

    @property
    def maximum(self) -> int | None:
        """How many are taken: the newest."""


def keeps(filters: Filters, video: Video) -> str | None:
    """Why a video is left out, None when it is taken. Says nothing about `maximum`."""
    if not filters.shorts and video.is_short:
        return "a Short"
    if not filters.live and video.live != "none":
        return "a live stream"
    return (
        _title_reason(filters, video.title.casefold())
        or _date_reason(filters, video.published)
        or _duration_reason(filters, video.duration_seconds)
    )


def select(filters: Filters, videos: Iterable[Video]) -> Iterator[Video]:
    """The videos taken, as they come; with a `maximum`, that many, newest first.

    Newest by date, then by id; those without a date are the oldest.
    """
    kept = (video for video in videos if keeps(filters, video) is None)
    if filters.maximum is None:
        return kept
    return iter(heapq.nlargest(filters.maximum, kept, key=_age))


def _age(video: Video) -> tuple[str, str]:
    return video.published or "", video.video_id


def _title_reason(filters: Filters, title: str) -> str | None:
    includes, excludes = filters.title_includes, filters.title_excludes
    if includes and not any(words.casefold() in title for words in includes):
        return "title has none of title_includes"
    unwanted = next((words for words in excludes if words.casefold() in title), None)
    return None if unwanted is None else f"title has {unwanted!r}"


def _date_reason(filters: Filters, published: str | None) -> str | None:
    """Compare by as many characters as are known: `2017` is neither before nor after 2017-06-01."""
    if not published:
        return None
    day = published[:10]
    if filters.since and day < filters.since.isoformat()[: len(day)]:
        return f"published before {filters.since}"
    if filters.until and day > filters.until.isoformat()[: len(day)]:
        return f"published after {filters.until}"
    return None


def _duration_reason(filters: Filters, seconds: float | None) -> str | None:
    shortest, longest = filters.min_duration_seconds, filters.max_duration_seconds
    if seconds is None:
        return None
    if shortest is not None and seconds < shortest:
        return f"shorter than {shortest:g} s"
    if longest is not None and seconds > longest:
        return f"longer than {longest:g} s"
    return None
