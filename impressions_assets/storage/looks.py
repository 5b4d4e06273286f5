"""When tables were looked at last, and whether that is recent enough.

A table is asked anew whenever it is read, for others write it too. In a step of a run one look at
each table is enough: most steps find nothing to do, and in a bucket their looks were what took the
time (290 of 522 requests of a refresh with nothing new). What the step itself writes, it sees.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from impressions_assets.errors import StorageError
from impressions_assets.storage.store import Store

_STEP_SECONDS = 30.0  # a long step sees after this time what others wrote meanwhile
_SURE_SECONDS = 86400.0  # commits leave a log after 30 days: then the next one's name says naught


class Looks:
    """The looks at all tables of a root; `store` is that root, to look by one small request."""

    def __init__(self, store: Store | None = None) -> None:
        """Begin without any; without a store, no look is a short one."""
        self._store = store
        self._at: dict[str, float] = {}
        self._stale: set[str] = set()
        self._step_began: float | None = None

    @contextmanager
    def once(self) -> Iterator[None]:
        """For the time of a `with`, look at each table once in 30 seconds."""
        before, self._step_began = self._step_began, time.monotonic()
        try:
            yield
        finally:
            self._step_began = before

    def are_recent(self, name: str) -> bool:
        """Return whether a table need not be looked at now."""
        at, began = self._at.get(name), self._step_began
        if name in self._stale:
            return False
        return began is not None and at is not None and max(began, _ago(_STEP_SECONDS)) <= at

    def find_newer(self, name: str, version: int) -> bool:
        """Look whether a table may have a commit after this one; -1 where it was not there."""
        if self._store is None or self._at.get(name, -math.inf) < _ago(_SURE_SECONDS):
            return True
        commit = f"tables/{name}/_delta_log/{version + 1:020}.json"
        try:
            return self._store.read_text(commit) is not None
        except StorageError:
            return True  # who now opens the table tells what is wrong with it

    def note(self, name: str) -> None:
        """Remember that a table was looked at just now."""
        self._at[name] = time.monotonic()
        self._stale.discard(name)

    def forget(self, name: str) -> None:
        """Look at a table the next time, however recent the last look."""
        self._stale.add(name)


def _ago(seconds: float) -> float:
    return time.monotonic() - seconds
