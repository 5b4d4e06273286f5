"""What a measurement against another program found, as a row of the table "Against others"."""

from typing import NamedTuple


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
