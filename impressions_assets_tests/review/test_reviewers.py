"""Several reviewers, stale sheets, and sheets that nobody took over yet."""

import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from impressions_assets.errors import ConfigError
from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
from impressions_assets.review.corrections import correct
from impressions_assets.rows import Chapter, Chapters, Correction, QAPairs, Segment
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.review.reviews import PAIRS, ROWS, SEGMENTS, kept, made_anew, sheet


@pytest.fixture
def home(to_review: Home) -> Home:
    return to_review


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


WORDS = ("Mine", "Yours")


def edited(home: Home, folder: Path, name: str, column: str, **values: str) -> Path:
    """Export a sheet and change a column where it says one of these."""

    def edit(line: dict[str, str]) -> None:
        line[column] = values.get(line[column], line[column])

    return sheet(home, folder, name, edit)


def test_sheets_that_disagree_count_in_their_order_and_each_overruling_line_is_told(
    home: Home, tmp_path: Path
) -> None:
    chapters = [edited(home, tmp_path / word, "chapters.csv", "title", Two=word) for word in WORDS]
    pairs = [
        edited(home, tmp_path / word, "qa_pairs.csv", "answer", **{"So.": word})
        for word in ("Thus.", "Hence.")
    ]
    done = correct(home, "talks", [*chapters, *pairs])
    assert [chapter.title for chapter in kept(home, "chapters").chapters] == ["One", "Yours"]
    assert [pair.answer for pair in kept(home, "qa_pairs").pairs] == ["Hence."]
    assert [(line.path, line.line_number) for line in done.overruling] == [
        (chapters[1], 3),
        (pairs[1], 3),
    ]


def test_corrections_of_one_video_by_two_reviewers_are_both_kept_before_a_run_makes_the_rows(
    home: Home, tmp_path: Path
) -> None:
    sheets = [
        edited(home, tmp_path / title, "chapters.csv", "title", **{title: f"{title}!"})
        for title in ("One", "Two")
    ]
    assert [correct(home, "talks", [path]).overruling for path in sheets] == [(), ()]
    assert [chapter.title for chapter in kept(home, "chapters").chapters] == ["One!", "Two!"]


@pytest.mark.slow
def test_a_span_that_moves_takes_the_words_that_are_corrected_with_it(
    home: Home, tmp_path: Path
) -> None:
    pairs = edited(home, tmp_path / "pairs", "qa_pairs.csv", "start_seconds", **{"5.0": "6"})
    words = edited(home, tmp_path / "words", "a.transcript.csv", "text", **{"And so.": "And thus."})
    correct(home, "talks", [pairs, words])
    for _ in range(2):
        assert [pair.answer for pair in kept(home, "qa_pairs").pairs] == ["And thus."]
        made_anew(home)
        assert correct(home, "talks", [pairs, words]).places == set()


def test_two_reviewers_at_once_lose_nothing(home: Home, tmp_path: Path) -> None:
    questions = ["Why?", "How?"]
    sheets = [
        edited(home, tmp_path / word[0], "qa_pairs.csv", "question", **{word: f"{word}!"})
        for word in questions
    ]
    threads = [
        threading.Thread(target=correct, args=(Home(home.root), "talks", [path])) for path in sheets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {pair.question for pair in kept(home, "qa_pairs").pairs} == {"Why?!", "How?!"}


def test_who_accepts_what_changed_since_accepts_what_they_saw_and_is_told(
    home: Home, tmp_path: Path
) -> None:
    stale = edited(home, tmp_path, "qa_pairs.csv", "review", unreviewed="accepted")
    found = replace(PAIRS[0], answer="Because of better captions.")
    home.table("qa_pairs").put("talks", [Entry(QAPairs(video_id="a", pairs=(found, PAIRS[1])))])
    done = correct(home, "talks", [stale])
    assert {(pair.answer, pair.review) for pair in kept(home, "qa_pairs").pairs} == {
        ("Because.", "accepted"),
        ("So.", "accepted"),
    }
    assert [line.line_number for line in done.overruling] == [2]


def test_a_chapter_that_is_no_longer_there_is_an_error_for_who_edited_it(
    home: Home, tmp_path: Path
) -> None:
    stale = edited(home, tmp_path, "chapters.csv", "title", Two="Second")
    alone = edited(home, tmp_path / "alone", "chapters.csv", "title")
    only = Chapters(video_id="a", chapters=(Chapter(0.0, "All of it", 9.0),))
    home.table("chapters").put("talks", [Entry(only)])
    assert correct(home, "talks", [alone]).places == set()
    with pytest.raises(ConfigError, match="somebody changed this chapter after it was exported"):
        correct(home, "talks", [stale])


def test_lines_of_a_video_that_is_gone_disturb_nobody_who_left_them_alone(
    home: Home, tmp_path: Path
) -> None:
    for table, row in ROWS.items():
        home.table(table).put("talks", [Entry(replace(row, video_id="b"))])
    path = edited(home, tmp_path, "chapters.csv", "video_id")
    content = path.read_text().replace("a,0.0,One", "a,0.0,First")
    path.write_text(content)
    for table in ROWS:
        home.table(table).remove("talks", [key_of("b")])
    assert correct(home, "talks", [path]).places == {("chapters", "a")}


def test_an_export_never_replaces_a_sheet_with_edits_that_nobody_took_over(
    home: Home, tmp_path: Path
) -> None:
    path = edited(home, tmp_path, "chapters.csv", "title", Two="Second")
    with pytest.raises(ConfigError, match="hold corrections of 1 videos that would be lost"):
        export(ChannelReader(home, "talks"), "review", tmp_path)
    assert "Second" in path.read_text()
    correct(home, "talks", [path])
    made_anew(home)
    export(ChannelReader(home, "talks"), "review", tmp_path)
    assert "Second" in path.read_text()
