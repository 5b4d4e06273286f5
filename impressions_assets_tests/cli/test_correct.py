"""`correct`: what people changed survives every later run."""

from pathlib import Path

import pytest

from impressions_assets.rows import QAPair, QAPairs
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.cli.conftest import Impressions


@pytest.mark.slow
def test_corrections_reach_what_is_made_from_them_and_survive_a_redo(
    in_talks: Impressions, talks: Path, tmp_path: Path
) -> None:
    sheets = tmp_path / "review"
    assert in_talks("export", "talks", "--format", "review", "--to", str(sheets)).exit_code == 0
    chapters = sheets / "chapters.csv"
    chapters.write_text(chapters.read_text().replace("Middle", "The heart of it"))
    said = sheets / "talk-b.transcript.csv"
    lines = said.read_text().splitlines()
    lines[1] = lines[1].replace("talk-b 0.", "talk-b nought.", 1)
    said.write_text("\n".join(lines))

    done = in_talks("correct", "talks", str(chapters), str(said))
    assert done.exit_code == 0, done.stderr
    assert "2 videos corrected in chapters, transcripts" in done.stderr

    assert in_talks("redo", "talk-a", "--from", "transcripts").exit_code == 0
    home = Home(str(talks / "storage"))
    article = home.table("articles").get("talks", key_of("talk-a")).markdown
    assert "## The heart of it" in article
    assert "talk-b nought." in home.table("documents").get("talks", key_of("talk-b")).text
    shown = in_talks("show", "talk-a").stdout
    assert "The heart of it" in shown

    again = in_talks("correct", "talks", str(chapters))
    assert "the sheets say what the tables hold" in again.stderr
    chapters.write_text(chapters.read_text().replace("The heart of it", "Its heart"))
    twice = in_talks("correct", "talks", str(chapters))
    assert "now counts in place of what changed after the sheet was exported" in twice.stderr
    assert in_talks("correct", "talks", "--undo", "talk-a").exit_code == 0
    titles = home.table("chapters").get("talks", key_of("talk-a")).chapters
    assert [(chapter.title, chapter.origin) for chapter in titles][1] == ("Middle", "description")


@pytest.mark.slow
def test_forgetting_a_video_forgets_its_corrections(
    in_talks: Impressions, talks: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "chapters.csv"
    sheet.write_text("video_id,start_seconds,title\ntalk-b,0,By hand\n")
    assert in_talks("correct", "talks", str(sheet)).exit_code == 0
    assert in_talks("forget", "talk-b", "--yes").exit_code == 0
    assert Home(str(talks / "storage")).table("corrections").count("talks") == 0


@pytest.mark.slow
def test_pairs_alone_leave_the_tokens_as_they_are(
    in_talks: Impressions, talks: Path, tmp_path: Path
) -> None:
    pair = QAPair(
        question="Why?",
        answer="So.",
        start_seconds=1.0,
        end_seconds=2.0,
        confidence=1.0,
        origin="chapter",
    )
    home = Home(str(talks / "storage"))
    home.table("qa_pairs").put("talks", [Entry(QAPairs(video_id="talk-a", pairs=(pair,)))])
    assert in_talks("export", "talks", "--format", "review", "--to", str(tmp_path)).exit_code == 0
    sheet = tmp_path / "qa_pairs.csv"
    sheet.write_text(sheet.read_text().replace("Why?", "Why so?"))
    done = in_talks("correct", "talks", str(sheet))
    assert done.exit_code == 0, done.stderr
    assert "1 video corrected in qa_pairs" in done.stderr
    assert "token_shards" not in done.stderr


def test_it_wants_sheets_or_a_video_to_undo(in_talks: Impressions) -> None:
    assert "give sheets to read, or a video to --undo" in in_talks("correct", "talks").stderr
