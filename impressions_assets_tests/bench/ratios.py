"""What a measurement against another program found, as a row of the table "Against others"."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.table import Table


class Ratio(NamedTuple):
    """How many times as good we are as `against`; a row holds from `at_least` on."""

    what: str
    against: str
    at_least: float
    found: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether what was found is enough."""
        return self.found >= self.at_least


def ratio_table(rows: Iterable[Ratio], text: str) -> Table:
    """The table "Against others"; a row that does not hold is marked."""
    table = Table(title=f"Against others (text: {text}; what is short of its least is marked !)")
    for heading in ("what", "against", "at least", "found", "note"):
        is_number = heading in ("at least", "found")
        table.add_column(heading, justify="right" if is_number else "left")
    for row in rows:
        mark = "" if row.holds else " !"
        found = f"{row.found:,.2f}{mark}"
        table.add_row(row.what, row.against, f"{row.at_least:,.2f}", found, row.note)
    return table
