"""One version of a Delta table: its rows asked by SQL, its files as the log tells of them.

It keeps small answers, and the ends of the files that it read. All stages of a run ask for the
same titles and digests: of 150 requests for files in a refresh with nothing new, 50 are left.
"""

from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder

_KEPT_BYTES, _KEPT_ANSWERS = 1 << 18, 8


class Snapshot:
    """One version of a table, asked by SQL about `rows`.

    Small answers are kept, as are the ends of the files that were read: the second question about
    a file is one request where the first is three.
    """

    def __init__(self, handle: DeltaTable) -> None:
        """Take the version at which the handle is now."""
        self.version = handle.version()
        self._query = QueryBuilder().register("rows", handle)
        self._handle = handle
        self._answers: dict[str, pa.Table] = {}

    def stream(self, sql: str) -> pa.RecordBatchReader:
        """Return what a query finds, batch by batch."""
        # Not `execute(sql).read_all()`: that holds the interpreter's lock while it waits for a
        # bucket, and every other thread of the process with it.
        return pa.RecordBatchReader.from_stream(self._query.execute(sql))

    def select(self, sql: str) -> pa.Table:
        """Return what a query finds."""
        if sql in self._answers:
            return self._answers[sql]
        found = self.stream(sql).read_all()
        if found.nbytes <= _KEPT_BYTES:
            if len(self._answers) >= _KEPT_ANSWERS:
                self._answers.clear()
            self._answers[sql] = found
        return found

    def files(self, channel: str) -> list[dict[str, Any]]:
        """Return what the log says of the files that hold the channel's rows."""
        files = self._files
        ours = files.filter(pc.equal(files["partition.channel"], channel)) if len(files) else files
        return list(ours.to_pylist())

    def num_rows(self, channel: str) -> int:
        """Return how many rows of the channel the files hold."""
        return sum(file["num_records"] for file in self.files(channel))

    @cached_property
    def _files(self) -> pa.Table:
        return pa.table(self._handle.get_add_actions(flatten=True))
