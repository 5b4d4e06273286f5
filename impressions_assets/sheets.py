"""The sheets of a review: CSV that people edit in a spreadsheet, whatever that makes of it.

A spreadsheet may write semicolons or tabs for commas, a byte order mark, decimal commas. A cell
that begins like a formula would be run as one (https://owasp.org/www-community/attacks/CSV_Injection)
and is written with an apostrophe before it, which reading takes away again.

A checksum says how a line was exported: two people may review sheets of one day, and what one of
them left alone must not undo what the other wrote.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from impressions_assets.errors import ConfigError
from impressions_assets.rows import Corrected
from impressions_assets.storage.digests import digest_of

COLUMNS: Mapping[Corrected, tuple[str, ...]] = {
    "qa_pairs": (
        "video_id", "pair_id", "review", "question", "answer", "start_seconds", "end_seconds",
        "speaker", "confidence", "origin", "link", "checksum",
    ),
    "chapters": ("video_id", "start_seconds", "title", "origin", "link", "checksum"),
    "transcripts": (
        "video_id", "start_seconds", "end_seconds", "speaker", "text", "found", "occurrence",
        "checksum",
    ),
}  # fmt: skip
EDITABLE: Mapping[Corrected, tuple[str, ...]] = {
    "qa_pairs": ("review", "question", "answer", "start_seconds", "end_seconds", "speaker"),
    "chapters": ("start_seconds", "title"),
    "transcripts": ("start_seconds", "end_seconds", "speaker", "text"),
}
_FOR_READING = {"confidence", "origin", "link", "checksum"}  # what nobody edits may be missing
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True)
class Line:
    """One line of a sheet, which knows where it stands."""

    path: Path
    line_number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell as it was exported, or as it was typed."""
        cell = self.cells[column]
        return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell

    def words(self, column: str) -> str:
        """Return a cell without space around it."""
        return self.text(column).strip()

    def number(self, column: str) -> float:
        """Return a cell as a number that is finite and not negative.

        Raises:
            ConfigError: it is none.
        """
        cell = self.words(column)
        try:
            value = float(cell.replace(",", "."))
        except ValueError as error:
            raise self.wrong(f"{column} is {cell!r}, which is no number of seconds") from error
        if not 0 <= value < math.inf:
            raise self.wrong(f"{column} is {cell!r}; write seconds from the start of the video")
        return value

    def span(self) -> dict[str, float]:
        """Return start and end.

        Raises:
            ConfigError: it ends before it starts.
        """
        start, end = self.number("start_seconds"), self.number("end_seconds")
        if end < start:
            raise self.wrong(f"it ends at {end:g}, before it starts at {start:g}")
        return {"start_seconds": start, "end_seconds": end}

    def wrong(self, why: str) -> ConfigError:
        """Return the error that names this line."""
        return ConfigError(
            f"correcting by {self.path} failed at line {self.line_number}: {why}. "
            "Nothing was changed"
        )


def checksum_of(cells: Iterable[object]) -> str:
    """Return what tells cells from others, however a spreadsheet writes their numbers and spaces.

    It begins with a letter: spreadsheets would take some of them for numbers.
    """
    return f"c{digest_of([_spelled(cell) for cell in cells])[:11]}"


def are_as_exported(table: Corrected, lines: Sequence[Line]) -> bool:
    """Whether lines that were exported under one checksum say still the same."""
    cells = [line.text(column) for line in lines for column in EDITABLE[table]]
    return {line.cells.get("checksum", "").strip() for line in lines} == {checksum_of(cells)}


class Sheet(NamedTuple):
    """A sheet that was read: the table it corrects, and its lines."""

    table: Corrected
    lines: list[Line]


def read_sheet(path: Path) -> Sheet:
    """Read a sheet; its columns say which table it corrects.

    Raises:
        ConfigError: it is no such sheet.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"reading {path} failed: {error}. Give a sheet that `export --format review` wrote, "
            "saved as CSV in UTF-8"
        ) from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    table = _table_of(reader.fieldnames or (), path)
    lines = [
        Line(path, reader.line_num, cells) for cells in reader if any(map(str.strip, _plain(cells)))
    ]
    return Sheet(table, lines)


def sheet_of(table: Corrected, rows: Iterable[tuple[object, ...]]) -> str:
    """Return rows, whose values stand in the order of the table's COLUMNS, as a sheet."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(COLUMNS[table])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return page.getvalue()


def _spelled(cell: object) -> str:
    text = " ".join(str("" if cell is None else cell).split())
    try:
        return f"{float(text.replace(',', '.')):.3f}"
    except ValueError:
        return text


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _plain(cells: Mapping[str | None, str | list[str]]) -> list[str]:
    return [cell for cell in cells.values() if isinstance(cell, str)]


def _table_of(names: Iterable[str], path: Path) -> Corrected:
    found = set(names)
    for table, columns in COLUMNS.items():
        if found.issuperset(set(columns) - _FOR_READING):
            return table
    wanted = "; ".join(
        f"{table}: {', '.join(name for name in columns if name not in _FOR_READING)}"
        for table, columns in COLUMNS.items()
    )
    raise ConfigError(
        f"{path} has the columns {', '.join(sorted(found)) or 'of no table'}, and a sheet of a "
        f"review has at least those of one table. {wanted}. Give one that "
        "`export --format review` wrote"
    )
