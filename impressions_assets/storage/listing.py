"""What the sources of a channel list, brought into its `videos`: the one table no stage makes.

A failed read is never an empty list: what could not be read keeps its rows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime

from impressions_assets.errors import SourcePaused
from impressions_assets.rows import SECOND, Failed, Video
from impressions_assets.storage.attempts import attempts, is_source, keep_pause, settle
from impressions_assets.storage.digests import Digests, digest_of, key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Report, batches, report_of
from impressions_assets.storage.records import Revision
from impressions_assets.storage.tables import Entry

_NONE = Digests("", "")


def reconcile(
    home: Home,
    channel: str,
    listing: Iterable[Video | Failed],
    *,
    complete: Callable[[], bool] = lambda: True,
    pause: Callable[[], SourcePaused | None] = lambda: None,
    now: datetime | None = None,
) -> Report:
    """Make the `videos` of a channel what its sources list, touching only rows that changed.

    What a changed video was called and said before goes into `history`; what was forgotten stays
    away. A video that a source could not read keeps the row it has. Videos that are no longer
    listed are removed only when the listing was `complete`: a failed read is never an empty list.
    A file of many records that could not be read stands for all of them: their ids begin with its
    own. A source that could not be read is a failure of its own.
    """
    now = now or datetime.now(UTC)
    table = home.table("videos")
    have = table.digests(channel)
    seen: set[str] = set()
    failures: list[Failed] = []
    written = 0
    for batch in batches(_alive(home.forgotten(), listing)):
        failures += [item for item in batch if isinstance(item, Failed)]
        entries = [Entry(item, digest_of(item)) for item in batch if isinstance(item, Video)]
        changed = [
            entry
            for entry in entries
            if have.get(key_of(entry.row.video_id), _NONE).output != entry.input_digest
        ]
        _keep_history(home, channel, changed, now)
        table.put(channel, changed)
        written += len(changed)
        seen |= {key_of(item.video_id) for item in batch}
    gone = have.keys() - seen if complete() else set()
    if gone and failures:
        gone -= _records_of(failures, home, channel)
    table.remove(channel, gone)
    known = attempts(home, channel, "videos")
    is_told = complete()
    over = {key for key, attempt in known.items() if is_told or key in seen or is_source(attempt)}
    settle(home, channel, "videos", over, failures, {}, now)
    keep_pause(home, channel, "videos", pause())
    table.tidy(channel)
    return report_of(home, "videos", channel, written, len(gone))


def _alive(forgotten: Set[str], listing: Iterable[Video | Failed]) -> Iterator[Video | Failed]:
    """Leave out what was forgotten."""
    return (item for item in listing if item.video_id.removesuffix(SECOND) not in forgotten)


def _keep_history(home: Home, channel: str, changed: Sequence[Entry], now: datetime) -> None:
    """Keep the titles and descriptions that are about to be replaced by others."""
    new = {key_of(entry.row.video_id): entry.row for entry in changed}
    old: Iterable[tuple[str, Video]] = home.table("videos").items(channel, new) if new else ()
    revisions = [
        Revision(
            video_id=before.video_id,
            title=before.title,
            description=before.description,
            until=now.isoformat(timespec="seconds"),
        )
        for key, before in old
        if (before.title, before.description) != (new[key].title, new[key].description)
    ]
    home.table("history").put(channel, [Entry(revision) for revision in revisions])


def _records_of(failures: Sequence[Failed], home: Home, channel: str) -> set[str]:
    """Return the keys of the videos that came out of files which now cannot be read."""
    files = tuple(f"{failure.video_id}-" for failure in failures)
    ids = (video_id for (video_id,) in home.table("videos").columns(channel, "video_id"))
    return {key_of(video_id) for video_id in ids if video_id.startswith(files)}
