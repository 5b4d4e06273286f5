"""The sheets of a review: CSV that people edit in a spreadsheet, whatever that makes of it.

A spreadsheet may write semicolons or tabs for commas, a byte order mark, decimal commas. A cell
that begins like a formula would be run as one (https://owasp.org/www-community/attacks/CSV_Injection),
and one that looks like a number, a time or a date would come back as another: the video
`123456789E1` as 1,23E+09, the title `1/2` as the first of February. Both are written with an
apostrophe before them, which reading takes away again.
"""

import csv
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from impressions_assets.errors import ConfigError
from impressions_assets.review.lines import GUARDED, Line
from impressions_assets.rows import Corrected

COLUMNS: Mapping[Corrected, tuple[str, ...]] = {
    "qa_pairs": (
        "video_id", "pair_id", "review", "question", "answer", "start_seconds", "end_seconds",
        "speaker", "confidence", "origin", "link", "checksum",
    ),
    "transcripts": (
        "video_id", "segment_id", "start_seconds", "end_seconds", "speaker", "text", "found",
        "checksum",
    ),
    "chapters": ("video_id", "start_seconds", "title", "origin", "link", "checksum"),
}  # fmt: skip
_FOR_READING = {"confidence", "origin", "link", "found", "checksum"}  # nobody edits these
_MORE = "more"  # what stands beyond the last column


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
        header = text.partition("\n")[0]
        delimiter = max(",;\t", key=header.count)
        csv.field_size_limit(sys.maxsize)  # an answer may last for hours
        page = io.StringIO(text, newline="")
        reader = csv.DictReader(page, delimiter=delimiter, restkey=_MORE, restval="", strict=True)
        table = _table_of(reader.fieldnames or (), path)
        lines = [Line(path, reader.line_num, table, cells) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"reading {path} failed: {error}. Give a sheet that `export --format review` wrote, "
            "saved as CSV in UTF-8"
        ) from error
    for line in lines:
        if any(line.cells.get(_MORE, ())):
            raise line.wrong("it has more cells than columns; quote a cell that holds a comma")
    return Sheet(table, [line for line in lines if not line.is_blank()])


def sheet_of(table: Corrected, rows: Iterable[tuple[object, ...]]) -> str:
    """Return rows, whose values stand in the order of the table's COLUMNS, as a sheet."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(COLUMNS[table])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return page.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and GUARDED.match(value) else value


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
