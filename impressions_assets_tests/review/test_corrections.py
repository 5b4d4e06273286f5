"""Corrections by hand: from the sheets of a review into the table, and back out."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from impressions_assets.errors import ConfigError
from impressions_assets.review.corrections import correct, undo
from impressions_assets.rows import Correction, QAPairs
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets.text.corrections import corrected_pairs
from impressions_assets_tests.review.reviews import (
    PAIRS,
    ROWS,
    kept,
    made_anew,
    sheet,
)


@pytest.fixture
def home(to_review: Home) -> Home:
    return to_review


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


@pytest.mark.parametrize("review", ["unreviewed", "accepted", "rejected"])
@pytest.mark.parametrize("checksum", [True, False])
def test_a_sheet_says_the_same_when_it_is_read_again(
    home: Home, tmp_path: Path, review: str, checksum: bool
) -> None:
    def edit(line: dict[str, str]) -> None:
        line["question"], line["review"] = f"{line['question']} Really?", review
        line["checksum"] = line["checksum"] if checksum else ""

    path = sheet(home, tmp_path, "qa_pairs.csv", edit)
    correct(home, "talks", [path])
    assert {pair.review for pair in kept(home, "qa_pairs").pairs} <= {"edited", "rejected"}
    made_anew(home)
    assert correct(home, "talks", [path]).places == set()


def test_a_pair_that_is_unreviewed_again_is_as_it_is_found(home: Home, tmp_path: Path) -> None:
    def accept(line: dict[str, str]) -> None:
        line["review"] = "accepted"

    def take_back(line: dict[str, str]) -> None:
        line["review"] = "unreviewed"

    correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", accept)])
    made = corrected_pairs(QAPairs(video_id="a", pairs=PAIRS), kept(home, "qa_pairs"))
    home.table("qa_pairs").put("talks", [Entry(made)])
    done = correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", take_back)])
    assert done.places == {("qa_pairs", "a")}
    assert home.table("corrections").count("talks") == 0


def test_a_line_without_an_id_adds_a_pair_once(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["question"] == "How?":
            line.update(pair_id="", question="Who?", answer="Me.", review="")

    path = sheet(home, tmp_path, "qa_pairs.csv", edit)
    for _ in range(2):
        correct(home, "talks", [path])
        (pair,) = kept(home, "qa_pairs").pairs
        assert (pair.question, pair.origin, pair.review) == ("Who?", "manual", "edited")


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


def test_a_line_that_was_copied_with_its_id_is_an_error(home: Home, tmp_path: Path) -> None:
    path = sheet(home, tmp_path, "qa_pairs.csv", lambda line: None)
    last = path.read_text().splitlines()[-1]
    path.write_text(path.read_text() + last.replace("How?", "Who?") + "\n")
    with pytest.raises(ConfigError, match="line 3 has the same pair_id: empty it here"):
        correct(home, "talks", [path])


@pytest.mark.slow
def test_sheets_without_checksums_carry_corrections_to_another_channel(
    home: Home, tmp_path: Path
) -> None:
    def review(line: dict[str, str]) -> None:
        if line["question"] == "Why?":
            line["question"] = "Why, then?"
        else:
            line.update(pair_id="", question="Who?", answer="Me.", review="accepted")

    def add(line: dict[str, str]) -> None:
        if line["text"] == "So.":
            line.update(segment_id="", text="Well,", start_seconds="4.5")

    for name, edit in (("qa_pairs.csv", review), ("a.transcript.csv", add)):
        correct(home, "talks", [sheet(home, tmp_path / name, name, edit)])
    made_anew(home)
    paths = [
        sheet(home, tmp_path / f"{name} 2", name, lambda line: line.update(checksum=""))
        for name in ("qa_pairs.csv", "a.transcript.csv")
    ]
    for table, row in ROWS.items():
        home.table(table).put("renamed", [Entry(row)])
    correct(home, "renamed", paths)
    assert set(home.table("corrections").rows("renamed")) == {
        kept(home, "qa_pairs"),
        kept(home, "transcripts"),
    }
