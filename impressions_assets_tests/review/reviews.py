"""A channel of one short talk, and what a person makes of the sheets of its review."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
from impressions_assets.review.corrections import CORRECTED
from impressions_assets.rows import (
    Chapter,
    Chapters,
    Correction,
    QAPair,
    QAPairs,
    Segment,
    Transcript,
    Video,
)
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets.text.corrections import with_ids

PAIRS = with_ids(
    [
        QAPair(question="Why?", answer="Because.", start_seconds=1.0, end_seconds=5.0),
        QAPair(question="How?", answer="So.", start_seconds=5.0, end_seconds=9.0, speaker="Ada"),
    ]
)
SEGMENTS = (Segment(1.0, 5.0, "Because."), Segment(5.0, 7.0, "So."), Segment(7.0, 9.0, "And so."))
ROWS = {
    "videos": Video(video_id="a", source="archive", url="https://youtu.be/a", duration_seconds=9),
    "transcripts": Transcript(video_id="a", origin="manual", segments=SEGMENTS),
    "chapters": Chapters(video_id="a", chapters=(Chapter(0.0, "One", 5.0), Chapter(5.0, "Two"))),
    "qa_pairs": QAPairs(video_id="a", pairs=PAIRS),
}

Edit = Callable[[dict[str, str]], None]


def filled(home: Home) -> Home:
    """Put the rows of a channel `talks` into a home."""
    for table, row in ROWS.items():
        home.table(table).put("talks", [Entry(row)])
    return home


def sheet(home: Home, folder: Path, name: str, edit: Edit) -> Path:
    """Export a review, and let a person change each line of one of its sheets."""
    export(ChannelReader(home, "talks"), "review", folder)
    path = folder / name
    lines = list(csv.DictReader(io.StringIO(path.read_text())))
    for line in lines:
        edit(line)
    page = io.StringIO()
    writer = csv.DictWriter(page, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    path.write_text(page.getvalue())
    return path


def kept(home: Home, table: str) -> Correction:
    (found,) = [row for row in home.table("corrections").rows("talks") if row.table == table]
    assert isinstance(found, Correction)
    return found


def made_anew(home: Home) -> None:
    """Make the rows as the stages would: what was found, with the corrections."""
    known = {row.table: row for row in home.table("corrections").rows("talks")}
    for table, apply in CORRECTED.items():
        row = apply(ROWS[table], known[table]) if table in known else ROWS[table]
        home.table(table).put("talks", [Entry(row)])
