"""What the lines of a sheet change in the pairs, chapters and transcript of a video."""

from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError
from impressions_assets.review.corrections import correct
from impressions_assets.rows import Chapter, CorrectedSegment, Correction, Segment, Transcript
from impressions_assets.speech.corrections import UNFIT, corrected_transcript
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.review.reviews import (
    Edit,
    kept,
    made_anew,
    sheet,
)


@pytest.fixture
def home(to_review: Home) -> Home:
    return to_review


def test_a_span_that_moves_takes_what_is_said_in_it(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["question"] == "How?":
            line["end_seconds"], line["start_seconds"] = "9", "1"

    correct(home, "talks", [sheet(home, tmp_path, "qa_pairs.csv", edit)])
    (pair,) = kept(home, "qa_pairs").pairs
    assert (pair.answer, pair.speaker, pair.review) == ("Because. So. And so.", "Ada", "edited")


def test_each_line_of_chapters_stands_for_itself(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        line["title"] = {"One": "", "Two": "The second part"}[line["title"]]

    path = sheet(home, tmp_path, "chapters.csv", edit)
    (first, _, second) = path.read_text().splitlines()
    path.write_text(f"{first}\n{second}\n")  # without the line that would drop a chapter
    correct(home, "talks", [path])
    assert kept(home, "chapters").chapters == (
        Chapter(0.0, "One", 5.0, "manual"),
        Chapter(5.0, "The second part", 9.0, "manual"),
    )
    made_anew(home)
    correct(home, "talks", [sheet(home, tmp_path / "second", "chapters.csv", edit_away("One"))])
    assert kept(home, "chapters").chapters == (Chapter(5.0, "The second part", 9.0, "manual"),)


def test_two_chapters_change_places_and_the_copy_of_a_line_adds_one(
    home: Home, tmp_path: Path
) -> None:
    def swap(line: dict[str, str]) -> None:
        line["start_seconds"] = {"0.0": "5", "5.0": "0"}[line["start_seconds"]]

    swapped = sheet(home, tmp_path, "chapters.csv", swap)
    for _ in range(2):
        correct(home, "talks", [swapped])
        assert [chapter.title for chapter in kept(home, "chapters").chapters] == ["Two", "One"]
        made_anew(home)
    copied = sheet(home, tmp_path / "copied", "chapters.csv", lambda line: None)
    last = copied.read_text().splitlines()[-1]
    copied.write_text(copied.read_text() + last.replace("5.0,One", "7,Three") + "\n")
    correct(home, "talks", [copied])
    titles = [chapter.title for chapter in kept(home, "chapters").chapters]
    assert titles == ["Two", "One", "Three"]


def test_only_segments_that_differ_are_kept(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        if line["text"] == "So.":
            line["text"], line["speaker"] = "So, yes.", "Ada"

    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", edit)])
    (change,) = kept(home, "transcripts").segments
    assert (change.found, change.text, change.speaker) == ("So.", "So, yes.", "Ada")


def test_two_chapters_at_one_second_are_an_error(home: Home, tmp_path: Path) -> None:
    def edit(line: dict[str, str]) -> None:
        line["start_seconds"] = "3"

    path = sheet(home, tmp_path, "chapters.csv", edit)
    with pytest.raises(ConfigError, match="two chapters of a start at the same second"):
        correct(home, "talks", [path])


def test_what_a_person_dropped_is_shown_as_an_empty_line_and_taken_back_by_filling_it(
    home: Home, tmp_path: Path
) -> None:
    def drop(line: dict[str, str]) -> None:
        line["text"] = "" if line["text"] == "So." else line["text"]

    def fill(line: dict[str, str]) -> None:
        line["text"] = line["text"] or line["found"]

    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", drop)])
    made_anew(home)
    assert said(home) == ["Because.", "And so."]
    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", fill)])
    made_anew(home)
    assert said(home) == ["Because.", "So.", "And so."]


def test_a_correction_that_fits_no_more_is_shown_and_given_up_by_emptying_it(
    home: Home, tmp_path: Path
) -> None:
    better = Transcript(video_id="a", origin="manual", segments=(Segment(1.0, 5.0, "Since."),))
    old = CorrectedSegment("Because.", 0, "Because!", 1.0, 5.0)
    made = Correction(video_id="a", table="transcripts", segments=(old,))
    home.table("corrections").put("talks", [Entry(made)])
    row = corrected_transcript(better, made)
    assert [dropped.reason for dropped in row.dropped] == [UNFIT]
    home.table("transcripts").put("talks", [Entry(row)])

    def give_up(line: dict[str, str]) -> None:
        line["text"] = "" if line["found"] == "Because." else line["text"]

    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", give_up)])
    assert corrected_transcript(better, kept(home, "transcripts")) == better


def test_the_second_of_two_equal_segments_stays_the_second_when_the_first_is_dropped(
    home: Home, tmp_path: Path
) -> None:
    twice = (Segment(1.0, 2.0, "Yes."), Segment(3.0, 4.0, "Yes."))
    found = Transcript(video_id="a", origin="manual", segments=twice)
    home.table("transcripts").put("talks", [Entry(found)])

    def drop_first(line: dict[str, str]) -> None:
        line["text"] = "" if line["start_seconds"] == "1.0" else line["text"]

    def edit_second(line: dict[str, str]) -> None:
        line["text"] = "Yes!" if line["start_seconds"] == "3.0" else line["text"]

    for edit in (drop_first, edit_second):
        correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", edit)])
        made = corrected_transcript(found, kept(home, "transcripts"))
        home.table("transcripts").put("talks", [Entry(made)])
    assert [(segment.start_seconds, segment.text) for segment in made.segments] == [(3.0, "Yes!")]


def test_a_line_without_an_id_adds_a_segment_once_and_emptied_it_is_gone(
    home: Home, tmp_path: Path
) -> None:
    def add(line: dict[str, str]) -> None:
        if line["text"] == "So.":
            line.update(segment_id="", text="And I think", start_seconds="5.5", speaker="Ada")

    def empty(line: dict[str, str]) -> None:
        line["text"] = "" if line["text"] == "And I think" else line["text"]

    path = sheet(home, tmp_path, "a.transcript.csv", add)
    for _ in range(2):
        correct(home, "talks", [path])
        made_anew(home)
        assert said(home) == ["Because.", "So.", "And I think", "And so."]
    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", empty)])
    made_anew(home)
    assert said(home) == ["Because.", "So.", "And so."]
    assert home.table("corrections").count("talks") == 0


def test_lines_of_a_text_file_keep_their_newlines(home: Home, tmp_path: Path) -> None:
    poem = Transcript(
        video_id="a", origin="text", segments=(Segment(0, 0, "one\ntwo"), Segment(0, 0, ""))
    )
    home.table("transcripts").put("talks", [Entry(poem)])

    def edit(line: dict[str, str]) -> None:
        line["text"] = line["text"].replace("two", "three")

    correct(home, "talks", [sheet(home, tmp_path, "a.transcript.csv", edit)])
    (change,) = kept(home, "transcripts").segments
    assert change.text == "one\nthree"


def edit_away(title: str) -> Edit:
    def edit(line: dict[str, str]) -> None:
        line["title"] = "" if line["title"] == title else line["title"]

    return edit


def said(home: Home) -> list[str]:
    (row,) = home.table("transcripts").rows("talks")
    return [segment.text for segment in row.segments]
