"""The score of chapters itself, on a folder laid out like the real one."""

import json
from pathlib import Path

import pytest

from impressions_assets_tests.eval import chapters

LISTED = "0:00 Ovens\n1:00 Flour\n2:00 Salt"
CHAPTERS = [
    {"start_sec": 0, "title": "Ovens"},
    {"start_sec": 60, "title": None},
    {"start_sec": 120, "title": "Salt"},
]


def _row(description: str, expected: list[dict[str, object]]) -> str:
    return json.dumps({"video_id": "v", "description": description, "chapters": expected})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "chapters"
    folder.mkdir()
    wrong = [*CHAPTERS[:2], {"start_sec": 125, "title": "Salt"}]
    (folder / "gold.jsonl").write_text(f"{_row(LISTED, CHAPTERS)}\n{_row(LISTED, wrong)}\n")
    (folder / "negatives_a.jsonl").write_text(json.dumps({"description": LISTED}) + "\n")
    return tmp_path


def test_exact_lists_boundaries_and_false_chapters_are_counted(data: Path) -> None:
    assert list(chapters.table(data))[2:] == [
        "| gold | 2 | 1 | 50.0% | 0.8333 | 1 |",
        "| negatives_a | 1 | 0 | 0.0% | – | 3 |",
    ]


def test_what_is_not_exact_is_named(data: Path) -> None:
    assert list(chapters.failures(data)) == [
        "\ngold v (None s)",
        "  missed 125 Salt",
        "  false  120 Salt",
        "\nnegatives_a 1 (None s)",
        "  false  0 Ovens",
        "  false  60 Flour",
        "  false  120 Salt",
    ]


def test_a_wrong_title_is_not_exact(data: Path) -> None:
    row = _row(
        LISTED,
        [{"start_sec": s, "title": t} for s, t in ((0, "Ovens"), (60, "Yeast"), (120, "Salt"))],
    )
    (data / "chapters" / "gold.jsonl").write_text(row)
    assert "  title  60 'Yeast', not 'Flour'" in list(chapters.failures(data))
