"""The card, and `datasets.load_dataset` on what lies beside it."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from impressions_assets.channels.channel import ArchiveSource, TextSource, YouTubeSource
from impressions_assets.channels.channels_yaml import save_channel
from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import (
    Article,
    Correction,
    QAPair,
    QAPairs,
    Segment,
    Transcript,
    Video,
    Word,
)
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry

CC = "Creative Commons Attribution license (reuse allowed)"


def head_of(card: Path) -> dict:
    _, front, _ = card.read_text("utf-8").split("---\n", 2)
    return YAML(typ="safe").load(front)


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_load_dataset_reads_each_table(
    talks: ChannelReader, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    export(talks, form, tmp_path / "out")
    cache = str(tmp_path / "cache")

    def load(*name: str):
        return datasets.load_dataset(str(tmp_path / "out"), *name, split="train", cache_dir=cache)

    assert load()["text"] == ["Größe"]  # documents, unless another table is named
    segments = load("transcripts")
    assert set(zip(segments["text"], segments["speaker"], strict=True)) == {
        ("written", None), ("1 < 2 & 3", "Ada"), ("later", None),
    }  # fmt: skip
    assert segments.features["start_seconds"].dtype == "float64"
    tags = load("videos")["tags"][0]
    assert tags == ('["x", "y"]' if form == "csv" else ["x", "y"])
    assert set(datasets.get_dataset_config_names(str(tmp_path / "out"))) == {
        "videos", "transcripts", "chapters", "articles", "documents",
    }  # fmt: skip


def test_types_are_those_of_the_table_though_the_first_megabytes_show_none(
    home: Home, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    mute = tuple(Segment(float(n), n + 1.0, "x" * 900) for n in range(13_000))
    named = Segment(2e5, 2e5 + 1, "x", "Ada", words=(Word(2e5, 2e5 + 1, "x"),))
    row = Transcript(video_id="a", origin="manual", segments=(*mute, named))
    home.table("transcripts").put("long", [Entry(row)])
    export(ChannelReader(home, "long"), "jsonl", tmp_path / "out")
    assert (tmp_path / "out/transcripts.jsonl").stat().st_size > 10 << 20
    read = datasets.load_dataset(
        str(tmp_path / "out"), "transcripts", split="train", cache_dir=str(tmp_path / "cache")
    )
    assert read[len(mute)]["speaker"] == "Ada"
    assert read[len(mute)]["words"][0]["text"] == "x"


def test_the_card_counts_the_licence_of_each_video(talks: ChannelReader, tmp_path: Path) -> None:
    videos = [
        Video(video_id="a", source="archive", license=CC),
        Video(video_id="b", source="archive", license=CC),
        Video(video_id="c", source="archive", license="All rights | reserved"),
        Video(video_id="d", source="archive"),
    ]
    talks.home.table("videos").put("talks", [Entry(video) for video in videos])
    *_, card = export(talks, "csv", tmp_path)
    assert head_of(card)["license"] == ["cc-by-3.0", "other", "unknown"]
    said = card.read_text("utf-8")
    assert f"| {CC} | 2 |" in said
    assert "| All rights \\| reserved | 1 |" in said
    assert "| not stated | 1 |" in said
    assert "| videos | 4 |" in said
    assert "| transcripts | 3 |" in said  # its segments


def test_the_card_counts_what_people_reviewed_and_corrected_of_what_is_here(
    talks: ChannelReader, tmp_path: Path
) -> None:
    pairs = [
        QAPair(question="?", answer="!", start_seconds=0, end_seconds=1, review=review)
        for review in ("accepted", "accepted", "rejected", "unreviewed")
    ]
    talks.home.table("qa_pairs").put("talks", [Entry(QAPairs(video_id="a", pairs=tuple(pairs)))])
    talks.home.table("videos").put("talks", [Entry(Video(video_id="a", source="archive"))])
    made = [Correction(video_id=v, table="chapters") for v in ("a", "gone")]
    talks.home.table("corrections").put("talks", [Entry(row) for row in made])
    *_, card = export(talks, "csv", tmp_path)
    said = card.read_text("utf-8")
    assert "Of the pairs, 1 unreviewed, 2 accepted, 0 edited, 1 rejected (column `review`" in said
    assert "transcripts of 0 videos and the chapters of 1." in said


def test_the_card_of_pages_lists_them_by_title(talks: ChannelReader, tmp_path: Path) -> None:
    videos = [
        Video(video_id="a", source="archive", title="The | second", published="2026-02-01"),
        Video(video_id="a.b", source="archive", title="The first", published="2026-01-01T10:00"),
    ]
    pages = [
        Article(video_id=one.video_id, title=one.title, markdown="# x", num_words=1)
        for one in videos
    ]
    talks.home.table("videos").put("talks", [Entry(video) for video in videos])
    talks.home.table("articles").put("talks", [Entry(page) for page in pages])
    *_, card = export(talks, "markdown", tmp_path)
    said = card.read_text("utf-8")
    assert "An article per video, with the pictures that it shows beside it." in said
    assert (
        "| [a.b.md](a.b.md) | The first | 2026-01-01 |\n"
        "| [a.md](a.md) | The \\| second | 2026-02-01 |" in said
    )


def test_the_card_of_tables_says_what_each_column_holds(
    talks: ChannelReader, tmp_path: Path
) -> None:
    *_, card = export(talks, "csv", tmp_path)
    said = card.read_text("utf-8")
    assert "| `origin` | `automatic`, `manual`, " in said  # of the transcript
    assert "| `end_seconds` | number | end, exclusive; 0 in untimed text |" in said  # of a segment
    assert "(#" not in said  # a link into the data dictionary leads nowhere from here
    assert "| file | title |" not in said


def test_the_card_of_sheets_says_how_to_correct_them(talks: ChannelReader, tmp_path: Path) -> None:
    *_, card = export(talks, "review", tmp_path)
    assert "write `accepted` or `rejected` into `review`" in card.read_text("utf-8")


def test_the_card_says_how_it_was_made_and_no_path(talks: ChannelReader, tmp_path: Path) -> None:
    sources = [
        ArchiveSource(archive="/home/me/talks"),
        YouTubeSource(youtube="https://www.youtube.com/@some-talks"),
    ]
    save_channel(talks.home, "talks", sources, title="Some: talks", languages=("de", "en"))
    *_, card = export(talks, "jsonl", tmp_path)
    said = card.read_text("utf-8")
    assert head_of(card)["pretty_name"] == "Some: talks"
    assert "/home/me" not in said
    assert "- youtube: https://www.youtube.com/@some-talks" in said
    assert "min_characters: 200" in said
    assert talks.home.table("documents").data_version("talks") in said
    assert "No permission is stated: do not publish" in said


def test_the_card_names_the_model_that_wrote_and_what_but_not_where_it_runs(
    talks: ChannelReader, tmp_path: Path
) -> None:
    asked = {
        "language_model": {"url": "http://gpu-7.lan:8000/v1", "model": "/srv/models/q3.gguf"},
        "chapters": {"titles": "language_model"},
        "articles": {"rewrite": True, "language": "de"},
    }
    save_channel(talks.home, "talks", [TextSource(text="/x")], **asked)
    *_, card = export(talks, "csv", tmp_path)
    said = card.read_text("utf-8")
    wrote = "model `q3.gguf` wrote the titles of `segmented` chapters and the articles in de;"
    assert wrote in said
    assert "window_words: 1500" in said
    assert "gpu-7" not in said
    assert "/srv" not in said


def test_the_card_names_no_model_that_was_not_asked(talks: ChannelReader, tmp_path: Path) -> None:
    model = {"url": "http://h/v1", "model": "q3"}
    save_channel(talks.home, "talks", [TextSource(text="/x")], language_model=model)
    *_, card = export(talks, "csv", tmp_path)
    assert "q3" not in card.read_text("utf-8")


def test_the_same_tables_give_the_same_card(talks: ChannelReader, tmp_path: Path) -> None:
    *_, first = export(talks, "parquet", tmp_path / "1")
    *_, second = export(talks, "parquet", tmp_path / "2")
    assert first.read_bytes() == second.read_bytes()
