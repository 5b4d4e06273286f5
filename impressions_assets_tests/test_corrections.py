"""Corrections by hand: from the sheets of a review into the table, and back out."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from impressions_assets.corrections import correct, undo
from impressions_assets.errors import ConfigError
from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
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
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets.text.corrections import corrected_pairs, with_ids

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


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(str(tmp_path / "storage"))
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


@pytest.mark.parametrize("name", ["qa_pairs.csv", "chapters.csv", "a.transcript.csv"])
def test_a_sheet_that_nobody_changed_corrects_nothing(
    home: Home, tmp_path: Path, name: str
) -> None:
    path = sheet(home, tmp_path, name, lambda line: None)
    assert correct(home, "talks", [path]).tables == set()
    assert home.table("corrections").count("talks") == 0


def test_reviews_are_kept_and_a_changed_pair_counts_as_edited(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["question"] == "Why?":
            line["question"] = "Why, then?"
        else:
            line["review"] = " Accepted"

    done = correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", edit)])
    assert (done.tables, done.video_ids) == ({"qa_pairs"}, {"a"})
    made = corrected_pairs(QAPairs(video_id="a", pairs=PAIRS), kept(home, "qa_pairs"))
    assert [(pair.question, pair.review) for pair in made.pairs] == [
        ("Why, then?", "edited"),
        ("How?", "accepted"),
    ]


def test_a_pair_that_is_unreviewed_again_is_as_it_is_found(home: Home, tmp_path: Path) -> None:
    def accept(line: dict[str, str]) -> None:
        line["review"] = "accepted"

    def take_back(line: dict[str, str]) -> None:
        line["review"] = "unreviewed"

    correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", accept)])
    made = corrected_pairs(QAPairs(video_id="a", pairs=PAIRS), kept(home, "qa_pairs"))
    home.table("qa_pairs").put("talks", [Entry(made)])
    done = correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", take_back)])
    assert done.over == (("a", "qa_pairs"),)
    assert home.table("corrections").count("talks") == 0


def test_a_span_that_moves_takes_what_is_said_in_it(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["question"] == "How?":
            line["end_seconds"], line["start_seconds"] = "9", "1"

    correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", edit)])
    (pair,) = kept(home, "qa_pairs").pairs
    assert (pair.answer, pair.speaker, pair.review) == ("Because. So. And so.", "Ada", "edited")


def test_a_line_without_an_id_adds_a_pair_once(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["question"] == "How?":
            line.update(pair_id="", question="Who?", answer="Me.", review="")

    path = sheet(home, tmp_path, "qa_pairs.csv", edit)
    for _ in range(2):
        correct(home, "talks", [path])
        (pair,) = kept(home, "qa_pairs").pairs
        assert (pair.question, pair.origin, pair.review) == ("Who?", "manual", "edited")


def test_the_lines_of_a_video_are_its_whole_list_of_chapters(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        line["title"] = {"One": "", "Two": "The second part"}[line["title"]]

    correct(home, "talks", [sheet(home, tmp_path, "chapters.csv", edit)])
    assert kept(home, "chapters").chapters == (Chapter(5.0, "The second part", 9.0, "manual"),)


def test_only_segments_that_differ_are_kept(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["text"] == "So.":
            line["text"], line["speaker"] = "So, yes.", "Ada"

    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", edit)])
    (change,) = kept(home, "transcripts").segments
    assert (change.found, change.text, change.speaker) == ("So.", "So, yes.", "Ada")


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("video_id", "b", "channel 'talks' has no qa_pairs of 'b'"),
        ("pair_id", "0" * 12, "the video has no pair"),
        ("review", "maybe", "review is 'maybe'; write one of: unreviewed, accepted"),
        ("answer", " ", "the question or the answer is empty"),
        ("start_seconds", "99", "before it starts at 99"),
    ],
)
def test_a_line_that_fits_nothing_is_an_error_and_nothing_is_kept(
    home: Home, tmp_path: Path, column: str, value: str, why: str
) -> None:
    def edit(line: dict[str, str]) -> None:
        line["review"] = "accepted"
        if line["question"] == "How?":
            line[column] = value

    path = sheet(home, tmp_path, "qa_pairs.csv", edit)
    with pytest.raises(ConfigError, match=why):
        correct(home, "talks", [path])
    assert home.table("corrections").count("talks") == 0


def test_two_chapters_at_one_second_are_an_error(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        line["start_seconds"] = "3"

    path = sheet(home, tmp_path, "chapters.csv", edit)
    with pytest.raises(ConfigError, match="two chapters of a start at the same second"):
        correct(home, "talks", [path])


def test_all_corrections_of_a_video_are_taken_back_at_once(home: Home) -> None:
    changes = [
        Correction(video_id="a", table="chapters"),
        Correction(video_id="a", table="qa_pairs", pairs=PAIRS),
        Correction(video_id="b", table="chapters"),
    ]
    home.table("corrections").put("talks", [Entry(change) for change in changes])
    assert undo(home, "talks", "a").tables == {"chapters", "qa_pairs"}
    assert [row.video_id for row in home.table("corrections").rows("talks")] == ["b"]
    assert undo(home, "talks", "a").tables == set()


def test_a_rejected_pair_that_changed_stays_rejected(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        line["review"], line["answer"] = "rejected", "Nonsense."

    correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", edit)])
    assert {pair.review for pair in kept(home, "qa_pairs").pairs} == {"rejected"}
    now = home.table("qa_pairs").get("talks", key_of("a"))
    assert now == replace(ROWS["qa_pairs"])


def test_what_one_reviewer_left_alone_undoes_nothing_of_another(home: Home, tmp_path: Path) -> None:
    def second(line: dict[str, str]) -> None:
        if line.get("question") == "How?":
            line["review"] = "rejected"

    def respelled(line: dict[str, str]) -> None:  # as a spreadsheet saves what nobody edited
        line["start_seconds"] = line["start_seconds"].replace(".0", ",000")

    stale = [
        sheet(home, tmp_path / "second", "qa_pairs.csv", second),
        sheet(home, tmp_path / "third", "chapters.csv", respelled),
        sheet(home, tmp_path / "fourth", "a.transcript.csv", respelled),
    ]
    edited = replace(PAIRS[0], question="Why, then?", review="edited")
    now = {
        "qa_pairs": QAPairs(video_id="a", pairs=(edited, PAIRS[1])),
        "chapters": Chapters(video_id="a", chapters=(Chapter(0.0, "Mine", 9.0, "manual"),)),
        "transcripts": replace(
            ROWS["transcripts"],
            segments=(Segment(1.0, 5.0, "Just because.", found="Because."), *SEGMENTS[1:]),
        ),
    }
    for table, row in now.items():
        home.table(table).put("talks", [Entry(row)])
    home.table("corrections").put(
        "talks", [Entry(Correction(video_id="a", table="qa_pairs", pairs=(edited,)))]
    )
    assert correct(home, "talks", stale).tables == {"qa_pairs"}
    assert {pair.question: pair.review for pair in kept(home, "qa_pairs").pairs} == {
        "Why, then?": "edited",
        "How?": "rejected",
    }
