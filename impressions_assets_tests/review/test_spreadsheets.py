"""Sheets of a review that went through a spreadsheet, which spells things as it likes."""

import csv
import io
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
from impressions_assets.review.corrections import correct
from impressions_assets.rows import Chapter, Chapters, QAPair, QAPairs, Segment
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets.text.corrections import with_ids
from impressions_assets_tests.review.reviews import ROWS, filled, kept

pytestmark = pytest.mark.slow

SHEETS = ("qa_pairs.csv", "chapters.csv", "a.transcript.csv")
ANSWER = "Größe: 2,\n\u00a0“two”."
Lines = list[dict[str, str]]
Habit = Callable[[Lines], Lines]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A talk whose texts are hard on spreadsheets."""
    home = filled(Home(str(tmp_path / "storage")))
    pairs = with_ids(
        [
            QAPair(question="=1+1?", answer=ANSWER, start_seconds=1.25, end_seconds=5.0),
            QAPair(question="1/2?", answer="-0.5", start_seconds=5.0, end_seconds=1234.5678901),
        ]
    )  # fmt: skip
    chapters = (Chapter(0.0, "1E5", 61.5), Chapter(61.5, "'68; or: 2020", 1234.5678901))
    segments = (
        Segment(0.0, 1.0, "café"),
        Segment(1.0, 1.0, "+1"),
        Segment(1.5, 9, 'He said "1,5"'),
    )
    rows = [
        QAPairs(video_id="a", pairs=pairs),
        Chapters(video_id="a", chapters=chapters),
        replace(ROWS["transcripts"], segments=segments),
    ]
    for table, row in zip(("qa_pairs", "chapters", "transcripts"), rows, strict=True):
        home.table(table).put("talks", [Entry(row)])
    return home


def of_each_cell(change: Callable[[str], str]) -> Habit:
    return lambda lines: [{name: change(cell) for name, cell in line.items()} for line in lines]


def decimal_commas(cell: str) -> str:
    return cell.replace(".", ",") if cell.replace(".", "").isdigit() else cell


def shortened(cell: str) -> str:
    return f"{float(cell):.10g}" if cell.replace(".", "").isdigit() else cell


HABITS: dict[str, Habit] = {
    "nothing": lambda lines: lines,
    "another order of columns": lambda lines: [dict(sorted(line.items())) for line in lines],
    "sorted lines": lambda lines: sorted(lines, key=lambda line: line["checksum"]),
    "lines left out": lambda lines: lines[1:],
    "columns for reading left out": lambda lines: [
        {k: v for k, v in line.items() if k not in ("link", "origin", "confidence", "found")}
        for line in lines
    ],
    "blank lines": lambda lines: [*lines, dict.fromkeys(lines[0], "")],
    "a column of notes": lambda lines: [{**line, "": "", "note": "ok"} for line in lines],
    "no apostrophes": of_each_cell(lambda cell: cell.removeprefix("'")),
    "decimal commas": of_each_cell(decimal_commas),
    "ten digits": of_each_cell(shortened),
    "composed letters": of_each_cell(lambda cell: unicodedata.normalize("NFC", cell)),
    "decomposed letters": of_each_cell(lambda cell: unicodedata.normalize("NFD", cell)),
    "space around": of_each_cell(lambda cell: f" {cell}  "),
}  # fmt: skip


def respelled(home: Home, folder: Path, name: str, habit: Habit) -> Path:
    """Export, and save one sheet as a spreadsheet of Windows does that has such a habit."""
    export(ChannelReader(home, "talks"), "review", folder)
    path = folder / name
    lines = habit(list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline=""))))
    page = io.StringIO(newline="")
    writer = csv.DictWriter(page, list(lines[0]), delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(lines)
    path.write_bytes(page.getvalue().encode("utf-8-sig"))
    return path


@pytest.mark.parametrize("habit", HABITS)
def test_a_sheet_that_nobody_edited_corrects_nothing(
    home: Home, tmp_path: Path, habit: str
) -> None:
    paths = [respelled(home, tmp_path / name, name, HABITS[habit]) for name in SHEETS]
    assert correct(home, "talks", paths).places == set()


@pytest.mark.parametrize("habit", HABITS)
def test_an_edit_corrects_that_alone(home: Home, tmp_path: Path, habit: str) -> None:
    def edited(lines: Lines) -> Lines:
        changed = [
            {**line, "speaker": "Ada", "title": f"{line.get('title', '')}!", "review": "accepted"}
            for line in lines
        ]
        known = list(lines[0])
        return HABITS[habit]([{name: line[name] for name in known} for line in changed])

    correct(home, "talks", [respelled(home, tmp_path / name, name, edited) for name in SHEETS])
    assert {chapter.title.strip("' !") for chapter in kept(home, "chapters").chapters} == {
        "1E5",
        "68; or: 2020",
    }
    for pair in kept(home, "qa_pairs").pairs:
        assert pair.answer in (ANSWER, "-0.5")
        assert (pair.speaker, pair.review) == ("Ada", "edited")
        assert pair.end_seconds in (5, 1234.5678901)
    for change in kept(home, "transcripts").segments:
        assert (change.text, change.speaker) == (change.found, "Ada")
