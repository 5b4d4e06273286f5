"""How a channel stands, in lines for people."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from impressions_assets.cli.place import Place
from impressions_assets.cli.terminal import bytes_of, minute

if TYPE_CHECKING:
    from impressions_assets.channels.channel import Channels
    from impressions_assets.storage.records import Allowance
    from impressions_assets.storage.standing import GivenUp, Standing

_SHOWN_IDS = 5
_LEAST_CHARACTERS = 160


def lines_of(standing: "Standing") -> Iterator[str]:
    """Say how a channel stands; nothing is said of what there is not."""
    words = dict(standing.transcripts)
    without = words.pop("none", 0)
    yield f"videos: {_counts(standing.videos) or 'none'}"
    yield f"with words: {_counts(words) or 'none'}"
    if without:
        reasons = Counter[str]()
        for why, count in standing.without_words.items():
            reasons["no captions" if why in ("", "none") else why] += count
        yield f"without words: {_counts(reasons)}"
    for unread in standing.unread:
        again = f"; next try {minute(unread.next_try)}" if unread.next_try else ""
        yield f"a source cannot be read: {unread.error}{again}"
    for pause in standing.pauses:
        yield f"{pause.stage} waits until {minute(pause.next_try)}: {pause.error}"
    for waiting in standing.waiting:
        yield (
            f"{waiting.stage}: {waiting.num_videos:,} waiting, the next from "
            f"{minute(waiting.next_try)} on"
        )
    for given_up in standing.given_up:
        yield _given_up(given_up)
    changed = f", last change seen {minute(standing.last_change)}" if standing.last_change else ""
    yield f"keeps {bytes_of(standing.storage_bytes)}{changed}"


def service_lines(place: Place) -> Iterator[str]:
    """Say what was asked of each service today, of how much, and whether it is left alone."""
    from impressions_assets.storage.standing import allowances

    channels = place.channels()
    for allowance in allowances(place.home):
        limit = _limit_of(allowance, channels)
        yield (
            f"{allowance.service}: {allowance.spent:,}{f' of {limit:,}' if limit else ''}"
            f" on {allowance.day}" + _pause(allowance)
        )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _given_up(given_up: "GivenUp") -> str:
    ids = ", ".join(given_up.video_ids[:_SHOWN_IDS])
    more = len(given_up.video_ids) - _SHOWN_IDS
    reason = given_up.reason
    if len(reason) > _LEAST_CHARACTERS:
        reason = f"{reason[:_LEAST_CHARACTERS]}…"
    return (
        f"{given_up.stage}: {len(given_up.video_ids):,} given up: {reason} "
        f"({ids}{f', and {more:,} more' if more > 0 else ''})"
    )


def _limit_of(allowance: "Allowance", channels: "Channels") -> int | None:
    from impressions_assets.resources.language_models import SERVICE, daily_requests_of
    from impressions_assets.sources.youtube.politeness import PAGES

    if allowance.service.startswith(PAGES):
        return channels.youtube.daily_videos
    if allowance.service.startswith(SERVICE):
        return daily_requests_of(channels, allowance.service)
    return channels.youtube.daily_quota_units


def _pause(allowance: "Allowance") -> str:
    if not allowance.paused_until:
        return ""
    return f"; left alone until {minute(allowance.paused_until)}: {allowance.why}"
