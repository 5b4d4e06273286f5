"""What was received from outside, kept raw: once for all channels, in one commit a batch.

A better parser reads it again without asking anybody. What is asked for, and when it is asked
again, is the sources' knowledge.
"""

from collections.abc import Iterable, Sequence

from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED, Capture, capture_key
from impressions_assets.storage.tables import Entry


class Raw:
    """What was received, by (video id, kind, language, engine), as it was received."""

    def __init__(self, home: Home) -> None:
        """Open the captures of a home."""
        self._home = home
        self._table = home.table("captures")

    def kept(self, ids: Iterable[str], kind: str, engine: str) -> dict[str, Capture]:
        """Return the captures of one kind, in no language, by id; those that expired as well."""
        keys = {capture_key(video_id, kind, "und", engine) for video_id in ids}
        return {capture.video_id: capture for _, capture in self._table.items(SHARED, keys)}

    def keep(self, captures: Sequence[Capture]) -> None:
        """Keep captures in one commit, each in place of the one that has its key.

        Nothing is kept of a video that was forgotten, whoever asked for it meanwhile.
        """
        forgotten = self._home.forgotten() if captures else set()
        kept = [capture for capture in captures if capture.video_id not in forgotten]
        self._table.put(SHARED, [Entry(capture) for capture in kept])

    def tidy(self) -> None:
        """Join small files, when there are many: each batch of a listing leaves one.

        Who only looked leaves all as it is: to count the files costs the more, the more there are.
        """
        if self._table.has_written:
            self._table.tidy(SHARED)
