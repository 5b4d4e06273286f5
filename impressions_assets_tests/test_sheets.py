"""The sheets of a review, as spreadsheets give them back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import ConfigError
from impressions_assets.sheets import Sheet, read_sheet, sheet_of

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


def test_another_encoding_is_an_error_that_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="saved as CSV in UTF-8"):
        read(tmp_path, "video_id,start_seconds,title\nv1,0,Größe\n", "latin-1")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_title_is_read_as_it_was_written(title: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        sheet = read(Path(folder), sheet_of("chapters", [("v", 1.0, title, "manual", "")]))
    assert [line.text("title") for line in sheet.lines] == [title]
