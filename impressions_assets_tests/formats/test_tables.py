"""The tables as files, read back by what reads them elsewhere."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import PUBLISHED, Article, Segment, Transcript, Word
from impressions_assets.storage.tables import WINDOW, Entry
from impressions_assets_tests.test_duplicates import put
from impressions_assets_tests.text.test_duplicates import changed, talk


def test_parquet_holds_each_table(talks: ChannelReader, tmp_path: Path) -> None:
    *files, _ = export(talks, "parquet", tmp_path / "out")
    assert [file.stem for file in files] == list(PUBLISHED)
    video = pd.read_parquet(tmp_path / "out/videos.parquet").iloc[0]
    assert (video["title"], list(video["tags"])) == ("Größe, «1»", ["x", "y"])
    assert len(pd.read_parquet(tmp_path / "out/transcripts.parquet")) == 3


def test_csv_holds_lists_as_json(talks: ChannelReader, tmp_path: Path) -> None:
    export(talks, "csv", tmp_path)
    video = pd.read_csv(tmp_path / "videos.csv").iloc[0]
    assert video["title"] == "Größe, «1»"
    assert json.loads(video["tags"]) == ["x", "y"]


def test_jsonl_holds_an_object_on_each_line(talks: ChannelReader, tmp_path: Path) -> None:
    export(talks, "jsonl", tmp_path)
    lines = (tmp_path / "transcripts.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["text"] for row in rows if row["video_id"] == "a"] == ["1 < 2 & 3", "later"]
    assert "Größe" in (tmp_path / "documents.jsonl").read_text("utf-8")


def test_a_table_says_the_same_in_each_format_and_in_the_reader(
    talks: ChannelReader, tmp_path: Path
) -> None:
    for name in ("parquet", "csv", "jsonl"):
        export(talks, name, tmp_path)
    read = {
        "parquet": pd.read_parquet(tmp_path / "chapters.parquet"),
        "csv": pd.read_csv(tmp_path / "chapters.csv"),
        "jsonl": pd.read_json(tmp_path / "chapters.jsonl", lines=True),
    }
    said = talks.chapters().fillna("").to_dict("records")
    for frame in read.values():
        assert frame.fillna("").to_dict("records") == said


def test_many_videos_are_written_in_order_and_in_few_row_groups(
    talks: ChannelReader, tmp_path: Path
) -> None:
    pages = [
        Article(video_id=f"v{number}", title=str(number), markdown="x", num_words=1)
        for number in range(2 * WINDOW + 1)
    ]
    talks.home.table("articles").put("many", [Entry(page) for page in pages])
    export(ChannelReader(talks.home, "many"), "parquet", tmp_path)
    ids = [row.video_id for row in talks.home.table("articles").rows("many")]
    file = pq.ParquetFile(tmp_path / "articles.parquet")
    assert file.read()["video_id"].to_pylist() == ids
    assert file.num_row_groups == 1


def test_word_times_keep_their_shape(talks: ChannelReader, tmp_path: Path) -> None:
    words = (Word(0.0, 1.0, "one"), Word(1.0, 2.0, "two", 0.5))
    spoken = (Segment(0.0, 2.0, "one two", words=words), Segment(2.0, 3.0, "three"))
    row = Transcript(video_id="w", origin="whisperx", segments=spoken)
    talks.home.table("transcripts").put("worded", [Entry(row)])
    export(ChannelReader(talks.home, "worded"), "jsonl", tmp_path)
    lines = (tmp_path / "transcripts.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert [(word["text"], word["confidence"]) for word in first["words"]] == [
        ("one", None),
        ("two", 0.5),
    ]
    assert second["words"] is None


def test_a_document_that_says_what_another_says_is_left_out_and_counted(
    talks: ChannelReader, tmp_path: Path
) -> None:
    put(talks.home, "talks", "first", talk(1), "2020")
    put(talks.home, "talks", "again", changed(talk(1), 0.05), "2021")
    for name in ("jsonl", "text"):
        export(talks, name, tmp_path)
    lines = (tmp_path / "documents.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["video_id"] for line in lines} == {"a", "first"}
    assert (tmp_path / "first.txt").exists()
    assert not (tmp_path / "again.txt").exists()
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "an earlier one says nearly the same: 1." in card
    assert "| documents | 2 |" in card
    assert len(talks.documents()) == 3
