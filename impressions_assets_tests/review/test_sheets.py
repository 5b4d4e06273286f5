"""The sheets of a review, as spreadsheets give them back."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from impressions_assets.errors import ConfigError
from impressions_assets.review.sheets import Sheet, read_sheet, sheet_of

ROWS = [("v1", 0.0, "One, two; three", "description", ""), ("v1", 61.5, "=SUM(1)", "manual", "")]


def read(folder: Path, content: str, encoding: str = "utf-8") -> Sheet:
    path = folder / "sheet.csv"
    path.write_bytes(content.encode(encoding))
    return read_sheet(path)


def test_a_cell_that_looks_like_a_formula_is_written_as_text_and_read_as_it_was(
    tmp_path: Path,
) -> None:
    written = sheet_of("chapters", ROWS)
    assert "'=SUM(1)" in written
    sheet = read(tmp_path, written)
    assert sheet.table == "chapters"
    assert [line.text("title") for line in sheet.lines] == ["One, two; three", "=SUM(1)"]


@pytest.mark.parametrize(
    "mangled",
    [
        "123456789E1", "01234567890", "2020-01-02", "-dQw4w9WgX", "1/2", "12 May", "MAR1", "5 pm",
        "€ 5", "True", "+1", "@x", "'68", "''=x",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_take_for_something_else_is_written_as_text(
    tmp_path: Path, mangled: str
) -> None:
    written = sheet_of("chapters", [(mangled, 0.0, mangled, "manual", "")])
    assert written.splitlines()[1].startswith(f"'{mangled},0.0,'{mangled},")
    (line,) = read(tmp_path, written).lines
    assert (line.text("video_id"), line.text("title")) == (mangled, mangled)
    (stripped,) = read(
        tmp_path, f"video_id,start_seconds,title\nv1,0,{mangled.lstrip(chr(39))}\n"
    ).lines
    assert stripped.text("title") == mangled.lstrip("'")


@pytest.mark.parametrize("plain", ["Part 2", "'Tis 1 of us", "1. Why?", "Maybe 5 of 7", "10 ways"])
def test_what_a_spreadsheet_leaves_alone_is_written_as_it_is(plain: str) -> None:
    assert f"v,0.0,{plain},manual" in sheet_of("chapters", [("v", 0.0, plain, "manual", "")])


def test_a_long_line_of_marks_is_looked_at_once() -> None:
    line = "-. 1" * 50_000 + "x"
    assert sheet_of("chapters", [("v", 0.0, "." + line, "manual", "")]).count("'") == 0


def test_semicolons_decimal_commas_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    content = 'video_id;start_seconds;title\r\nv1;0;"One; two"\r\nv1;61,5;Two\r\n'
    (first, second) = read(tmp_path, content, "utf-8-sig").lines
    assert (first.text("title"), second.number("start_seconds")) == ("One; two", 61.5)
    assert second.line_number == 3


@pytest.mark.parametrize("cell", ["1:30", "", "-1", "nan", "inf"])
def test_what_is_no_time_is_an_error_that_names_the_line(tmp_path: Path, cell: str) -> None:
    (line,) = read(tmp_path, f'video_id,start_seconds,title\nv1,"{cell}",One\n').lines
    with pytest.raises(ConfigError, match=r"sheet\.csv failed at line 2: start_seconds"):
        line.number("start_seconds")


def test_another_csv_is_an_error_that_says_what_a_sheet_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has the columns a, b, and a sheet"):
        read(tmp_path, "a,b\n1,2\n")


def test_a_comma_without_quotes_is_an_error_and_cuts_no_title(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2: it has more cells than columns"):
        read(tmp_path, "video_id,start_seconds,title\nv1,0,Hello, world\n")


def test_a_quote_that_never_ends_is_an_error_and_swallows_no_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unexpected end of data"):
        read(tmp_path, 'video_id,start_seconds,title\nv1,0,"One\nv1,5,Two\n')


def test_an_answer_of_hours_is_read(tmp_path: Path) -> None:
    (line,) = read(tmp_path, f"video_id,start_seconds,title\nv1,0,{'word ' * 40_000}\n").lines
    assert len(line.words("title")) == 199_999


def test_a_transcript_with_notes_in_a_column_named_title_is_a_transcript(tmp_path: Path) -> None:
    columns = "video_id,segment_id,start_seconds,end_seconds,speaker,text,title"
    assert read(tmp_path, f"{columns}\nv1,s1,0,1,,One,\n").table == "transcripts"


def test_another_encoding_is_an_error_that_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="saved as CSV in UTF-8"):
        read(tmp_path, "video_id,start_seconds,title\nv1,0,Größe\n", "latin-1")


@example("0 ")
@example(" 0")
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_title_is_read_as_it_was_written(title: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        sheet = read(Path(folder), sheet_of("chapters", [("v", 1.0, title, "manual", "")]))
    assert [line.text("title") for line in sheet.lines] == [title]
