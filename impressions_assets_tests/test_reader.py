"""The reader: every table of a channel as pandas."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from impressions_assets.errors import NothingToDo
from impressions_assets.reader import ChannelReader, open_channel
from impressions_assets.rows import (
    Chapter,
    Chapters,
    Document,
    QAPair,
    QAPairs,
    Segment,
    Transcript,
    Video,
    Word,
)
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry


@pytest.fixture
def talks(home: Home) -> ChannelReader:
    """Two videos, of which the second has no words."""
    for video_id in ("a", "b"):
        home.table("videos").put("talks", [Entry(Video(video_id=video_id, source="archive"))])
    words = (Word(1.0, 1.5, "first"),)
    spoken = (Segment(1.0, 2.0, "first", "Ada", None, words), Segment(2.0, 3.5, "second"))
    transcripts = [
        Transcript(video_id="a", origin="manual", language="en", segments=spoken),
        Transcript(video_id="b", origin="none"),
    ]
    home.table("transcripts").put("talks", [Entry(row) for row in transcripts])
    chapters = (Chapter(0.0, "Start", 2.0), Chapter(2.0, "End", origin="youtube"))
    home.table("chapters").put("talks", [Entry(Chapters(video_id="a", chapters=chapters))])
    pair = QAPair(question="Why?", answer="Because.", start_seconds=1.0, end_seconds=2.0)
    home.table("qa_pairs").put("talks", [Entry(QAPairs(video_id="a", pairs=(pair,)))])
    document = Document(video_id="a", text="first second", split="train", num_characters=12)
    home.table("documents").put("talks", [Entry(document)])
    return open_channel("talks", home.root)


def test_a_transcript_becomes_a_row_per_segment(talks: ChannelReader) -> None:
    frame = talks.transcripts()
    assert frame["text"].tolist() == ["first", "second"]
    assert frame["video_id"].tolist() == ["a", "a"]
    assert frame["speaker"].tolist() == ["Ada", None]
    assert frame["origin"].unique().tolist() == ["manual"]
    assert frame["words"][0] == [
        {"start_seconds": 1.0, "end_seconds": 1.5, "text": "first", "confidence": None}
    ]
    assert frame["end_seconds"].dtype == float


def test_chapters_and_pairs_become_rows_with_their_defaults(talks: ChannelReader) -> None:
    assert talks.chapters()["origin"].tolist() == ["description", "youtube"]
    assert talks.chapters()["video_id"].tolist() == ["a", "a"]
    assert talks.qa_pairs()[["video_id", "question", "confidence"]].to_numpy().tolist() == [
        ["a", "Why?", 1.0]
    ]


def test_videos_and_documents_have_a_row_each(talks: ChannelReader) -> None:
    assert sorted(talks.videos()["video_id"]) == ["a", "b"]
    assert talks.documents()["text"].tolist() == ["first second"]


def test_what_is_not_made_yet_is_an_empty_frame_with_its_columns(talks: ChannelReader) -> None:
    assert talks.articles().empty
    assert "markdown" in talks.articles()
    assert list(talks.checkpoints()) == ["version", "promoted", "made"]
    with pytest.raises(NothingToDo, match="token_shards"):
        talks.shards()


def test_versions_of_the_model_come_with_their_figures(
    talks: ChannelReader, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    for bits in (2.5, 2.25):
        weights.write_text(str(bits))
        facts = {"val_bits_per_byte": bits, "model": {"n_layer": 2}}
        talks.home.publish(
            "talks", "checkpoint", {"weights": weights}, made_from=str(bits), facts=facts
        )
    frame = talks.checkpoints()
    assert frame["val_bits_per_byte"].tolist() == [2.5, 2.25]
    assert frame["promoted"].tolist() == [False, True]
    assert isinstance(frame, pd.DataFrame)


def test_a_channel_that_is_not_there_is_told_what_is(talks: ChannelReader) -> None:
    with pytest.raises(NothingToDo, match=r"'walks' has no videos .*\(there: talks\)"):
        open_channel("walks", talks.home.root)


def test_without_a_root_the_environment_names_it(
    talks: ChannelReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRESSIONS_STORAGE", talks.home.root)
    assert len(open_channel("talks").videos()) == 2


@pytest.mark.slow
def test_notebooks_need_neither_dagster_nor_torch() -> None:
    code = "import sys, impressions_assets.reader; print({'dagster', 'torch'} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
