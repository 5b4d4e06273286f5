"""A line of a review's sheet: what its cells say, and whether anybody edited it.

A checksum says how a line was exported. Two people may review sheets of one day, and what one of
them left alone must not undo what the other wrote; what both edited is told.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impressions_assets.errors import ConfigError
from impressions_assets.rows import Corrected
from impressions_assets.storage.digests import digest_of

EDITABLE: Mapping[Corrected, tuple[str, ...]] = {
    "qa_pairs": ("review", "question", "answer", "start_seconds", "end_seconds", "speaker"),
    "chapters": ("start_seconds", "title"),
    "transcripts": ("start_seconds", "end_seconds", "speaker", "text"),
}
_MONTH = (
    "jan|feb|fév|fev|mar|mär|apr|avr|abr|may|mai|mag|jun|jui|giu|jul|lug|aug|aoû|ago|sep|set"
    "|oct|okt|ott|out|nov|dec|déc|dez|dic|gen|ene"
)
GUARDED = re.compile(
    rf"'*+(?:[=+\-@\t\r]|(?=\D*\d)[\d\W]*+(?:(?:{_MONTH})\w*|[ap]m?|e)?[\d\W]*+$|(?:true|false)$)",
    re.IGNORECASE,
)
_LONGEST_CELL = (
    32_767  # https://support.microsoft.com/en-us/office/1672b34d-7043-467e-8e27-269d656771c3
)


@dataclass(frozen=True)
class Line:
    """One line of a sheet, which knows where it stands."""

    path: Path
    line_number: int
    table: Corrected
    cells: Mapping[str, Any]

    def is_blank(self) -> bool:
        """Whether it says nothing."""
        return not any(cell.strip() for cell in self.cells.values() if isinstance(cell, str))

    def text(self, column: str) -> str:
        """Return a cell as it was exported, or as it was typed; '' without that column."""
        cell = str(self.cells.get(column, ""))
        bare = cell.strip()
        return cell.lstrip()[1:] if bare.startswith("'") and GUARDED.match(bare) else cell

    def words(self, column: str) -> str:
        """Return a cell in one line, without space around it."""
        return " ".join(self.text(column).split())

    def number(self, column: str, before: float | None = None) -> float:
        """Return a cell as a number that is finite and not negative; `before` when it says that.

        Raises:
            ConfigError: it is none.
        """
        cell = self.words(column)
        if before is not None and _spelled(cell) == _spelled(before):
            return before
        try:
            value = float(cell.replace(",", "."))
        except ValueError as error:
            raise self.wrong(f"{column} is {cell!r}, which is no number of seconds") from error
        if not 0 <= value < math.inf:
            raise self.wrong(f"{column} is {cell!r}; write seconds from the start of the video")
        return value

    def span(self, before: Any = None) -> dict[str, float]:
        """Return start and end, those of `before` where they are the same.

        Raises:
            ConfigError: it ends before it starts.
        """
        columns = ("start_seconds", "end_seconds")
        span = {name: self.number(name, getattr(before, name, None)) for name in columns}
        start, end = span.values()
        if end < start:
            raise self.wrong(f"it ends at {end:g}, before it starts at {start:g}")
        return span

    def says(self, column: str, value: object) -> bool:
        """Whether a cell says this, as far as a spreadsheet can hold it."""
        cell = self.text(column)
        is_cut = len(cell) >= _LONGEST_CELL and str(value).startswith(cell[:_LONGEST_CELL])
        return is_cut or _spelled(cell) == _spelled(value)

    # Whether anybody edited it

    @property
    def checksum(self) -> str:
        """How it was exported; '' for what a person added."""
        return self.words("checksum")

    @property
    def is_edited(self) -> bool:
        """Whether it says something else than it was exported with."""
        return self._with({}) != self._exported[0]

    def is_but(self, **cells: str) -> bool:
        """Whether it was exported with these cells in place of some of its own."""
        return self._with(cells) == self._exported[0]

    @property
    def leaves_answer(self) -> bool:
        """Whether it was exported with this answer; other cells may be edited."""
        return self._exported[2] == _digest([self.text("answer")])

    def overrules(self, item: Any) -> bool:
        """Whether the item that it is about changed after the line was exported."""
        return "checksum" in self.cells and checksum_of(self.table, item) != self.checksum

    def wrong(self, why: str) -> ConfigError:
        """Return the error that names this line."""
        return ConfigError(
            f"correcting by {self.path} failed at line {self.line_number}: {why}. "
            "Nothing was changed"
        )

    @property
    def _exported(self) -> tuple[str, str, str]:
        return self.checksum.partition("-")

    def _with(self, cells: Mapping[str, str]) -> str:
        return _digest(cells.get(name, self.text(name)) for name in EDITABLE[self.table])


def checksum_of(table: Corrected, item: Any) -> str:
    """Return what tells an item's cells from others, however a spreadsheet spells them.

    It begins with a letter: spreadsheets would take some of them for numbers. The answer of a pair
    has a second one: who moves the times leaves it alone, and gets what is said between them.
    """
    checksum = _digest(getattr(item, name) for name in EDITABLE[table])
    return f"{checksum}-{_digest([item.answer])}" if table == "qa_pairs" else checksum


def _digest(cells: Iterable[object]) -> str:
    return f"c{digest_of([_spelled(cell) for cell in cells])[:11]}"


def _spelled(cell: object) -> str:
    """Return what all spellings of a cell share; an apostrophe before it is a spreadsheet's."""
    text = " ".join(str("" if cell is None else cell).split()).lstrip("'")
    try:
        return f"{float(text.replace(',', '.')):.3f}"
    except ValueError:
        return unicodedata.normalize("NFC", text)
