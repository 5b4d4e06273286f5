"""Articles of the demo channel pass what a person would check, and the checklist sees faults."""

from pathlib import Path

import pytest

from impressions_assets.demo.render import write_archive
from impressions_assets.rows import Chapter
from impressions_assets_tests.demo_articles import articles_in, main
from impressions_assets_tests.text.article_checklist import problems_of

DOCS = Path(__file__).parents[2] / "docs" / "articles"


@pytest.mark.slow
def test_every_article_of_the_demo_passes(tmp_path: Path) -> None:
    write_archive(tmp_path)
    found = {
        article.video_id: list(problems_of(article.markdown, chapters.chapters))
        for article, chapters in articles_in(tmp_path)
        if article.markdown
    }
    assert len(found) > 20
    assert {video_id: problems for video_id, problems in found.items() if problems} == {}


@pytest.mark.slow
def test_the_articles_in_the_docs_are_current(tmp_path: Path) -> None:
    main(tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    shown = {path.name: path.read_text(encoding="utf-8") for path in DOCS.iterdir()}
    assert shown == written, "run `make docs`"


GOOD = (
    "# Bread\n\nBakery · [Watch the video](https://a.example/?v=1)\n\n"
    "- [Flour & co](#flour--co-000)\n- [Salt](#salt-100)\n\n"
    "## Flour & co [0:00](https://a.example/?v=1&t=0)\n\nIt begins.\n\n"
    "## Salt [1:00](https://a.example/?v=1&t=60)\n\n**Anna:** It ends."
)
CHAPTERS = [Chapter(0.0, "Flour & co"), Chapter(60.0, "Salt")]


@pytest.mark.parametrize(
    ("fault", "mended"),
    [
        ("#salt-100", "#salt-60"),
        ("t=60", "t=61"),
        ("It begins.", "it begins."),
        ("It begins.", "It begins"),
        ("It begins.", "[Music] It begins."),
        ("It begins.", "It begins. " * 80),
    ],
)
def test_the_checklist_sees_each_fault(fault: str, mended: str) -> None:
    assert list(problems_of(GOOD, CHAPTERS)) == []
    assert len(list(problems_of(GOOD.replace(fault, mended.strip()), CHAPTERS))) == 1
