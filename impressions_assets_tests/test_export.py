"""The formats that leave the house, read back by what reads them elsewhere."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import ConfigError, NothingToDo, StorageError
from impressions_assets.export import export, formats, vtt_of
from impressions_assets.home import Home
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import (
    PUBLISHED,
    Article,
    Chapter,
    Chapters,
    Document,
    Segment,
    Transcript,
    Video,
)
from impressions_assets.speech.captions import read_captions
from impressions_assets.tables import Entry


@pytest.fixture
def talks(home: Home) -> ChannelReader:
    rows = {
        "videos": Video(video_id="a", source="archive", title="Größe, «1»", tags=("x", "y")),
        "transcripts": Transcript(
            video_id="a",
            origin="manual",
            language="en",
            segments=(Segment(1.0, 2.0, "1 < 2 & 3", "Ada"), Segment(2.0, 3600.5, "later")),
        ),
        "chapters": Chapters(video_id="a", chapters=(Chapter(0.0, "Start"),)),
        "articles": Article(video_id="a", title="T", markdown="# T\n", num_words=1),
        "documents": Document(video_id="a", text="Größe", split="train"),
    }
    for table, row in rows.items():
        home.table(table).put("talks", [Entry(row)])
    untimed = Transcript(video_id="b", origin="text", segments=(Segment(0, 0, "written"),))
    home.table("transcripts").put("talks", [Entry(untimed)])
    return ChannelReader(home, "talks")


def test_parquet_holds_each_table(talks: ChannelReader, tmp_path: Path) -> None:
    files = export(talks, "parquet", tmp_path / "out")
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


def test_markdown_and_text_are_a_file_per_video(talks: ChannelReader, tmp_path: Path) -> None:
    assert export(talks, "markdown", tmp_path) == [tmp_path / "a.md"]
    assert (tmp_path / "a.md").read_text() == "# T\n"
    assert export(talks, "text", tmp_path) == [tmp_path / "a.txt"]
    assert (tmp_path / "a.txt").read_text("utf-8") == "Größe"


def test_captions_are_read_back_as_they_were(talks: ChannelReader, tmp_path: Path) -> None:
    (file,) = export(talks, "vtt", tmp_path)  # untimed text is no captions
    assert file.name == "a.en.vtt"
    read = read_captions(file.read_text("utf-8"), "vtt")
    assert [(s.start_seconds, s.end_seconds, s.text, s.speaker) for s in read] == [
        (1.0, 2.0, "1 < 2 & 3", "Ada"),
        (2.0, 3600.5, "later", None),
    ]


@given(st.integers(0, 10**8), st.integers(1, 10**5))
def test_times_survive_to_the_millisecond(start_ms: int, length_ms: int) -> None:
    segment = Segment(start_ms / 1000, (start_ms + length_ms) / 1000, "word")
    text = vtt_of(Transcript(video_id="a", origin="manual", segments=(segment,)))
    (read,) = read_captions(text, "vtt")
    assert (round(read.start_seconds * 1000), round(read.end_seconds * 1000)) == (
        start_ms,
        start_ms + length_ms,
    )


@pytest.mark.parametrize("video_id", ["../../etc/passwd", "a b/c", ".hidden", "", "x" * 300])
def test_no_id_leaves_the_folder(talks: ChannelReader, tmp_path: Path, video_id: str) -> None:
    document = Document(video_id=video_id, text="words", split="train")
    talks.home.table("documents").put("other", [Entry(document)])
    (file,) = export(ChannelReader(talks.home, "other"), "text", tmp_path / "out")
    assert file.parent == tmp_path / "out"
    assert file.read_text() == "words"
    assert not file.name.startswith(".")


def test_ids_that_look_alike_get_files_of_their_own(talks: ChannelReader, tmp_path: Path) -> None:
    for video_id in ("a/b", "a:b"):
        document = Document(video_id=video_id, text=video_id, split="train")
        talks.home.table("documents").put("other", [Entry(document)])
    files = export(ChannelReader(talks.home, "other"), "text", tmp_path)
    assert sorted(file.read_text() for file in files) == ["a/b", "a:b"]


def test_an_export_again_replaces_and_leaves_no_part(talks: ChannelReader, tmp_path: Path) -> None:
    export(talks, "csv", tmp_path)
    export(talks, "csv", tmp_path)
    assert sorted(path.stem for path in tmp_path.glob("*.csv")) == sorted(PUBLISHED)
    assert not list(tmp_path.glob(".*"))


def test_nothing_to_write_is_said(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="'empty' has nothing to write as markdown"):
        export(ChannelReader(home, "empty"), "markdown", tmp_path)


def test_an_unknown_format_is_told_what_there_is(talks: ChannelReader, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no format 'epub'; there are: parquet, csv"):
        export(talks, "epub", tmp_path)


def test_a_folder_that_is_a_file_is_told(talks: ChannelReader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="exporting 'talks' to"):
        export(talks, "csv", tmp_path / "file")


def test_another_package_adds_a_format(
    talks: ChannelReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "shouting-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[impressions.export]\nshout = shouting:write\n")
    (tmp_path / "shouting.py").write_text(
        "def write(channel, folder):\n"
        "    file = folder / 'shout'\n"
        "    file.write_text(channel.documents()['text'][0].upper())\n"
        "    return [file]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert "shout" in formats()
    (file,) = export(talks, "shout", tmp_path / "out")
    assert file.read_text() == "GRÖSSE"
