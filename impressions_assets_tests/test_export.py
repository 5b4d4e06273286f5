"""Exports: formats by name, folders, cards and what may be published."""

from pathlib import Path

import fsspec
import pytest

from impressions_assets.channels.channel import TextSource
from impressions_assets.channels.channels_yaml import save_channel
from impressions_assets.errors import ConfigError, NothingToDo
from impressions_assets.export import GROUP, export, formats, publish
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import PUBLISHED, Document
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.packages import install


def test_markdown_and_text_are_a_file_per_video(talks: ChannelReader, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    assert export(talks, "markdown", tmp_path) == [tmp_path / "a.md", card]
    assert (tmp_path / "a.md").read_text() == "# T\n"
    assert export(talks, "text", tmp_path) == [tmp_path / "a.txt", card]
    assert (tmp_path / "a.txt").read_text("utf-8") == "Größe"


def test_no_id_leaves_the_folder(home: Home, tmp_path: Path) -> None:
    video_ids = ["../../etc/passwd", "a b/c", ".hidden", "", "x" * 300, "README"]
    documents = [Document(video_id=one, text=f"words {one}", split="train") for one in video_ids]
    home.table("documents").put("other", [Entry(document) for document in documents])
    *files, card = export(ChannelReader(home, "other"), "text", tmp_path / "out")
    assert sorted(file.read_text() for file in files) == sorted(one.text for one in documents)
    assert {file.parent for file in (*files, card)} == {tmp_path / "out"}
    assert card.stem not in [file.stem for file in files]
    assert not [file for file in files if file.name.startswith(".")]


def test_ids_that_look_alike_get_files_of_their_own(home: Home, tmp_path: Path) -> None:
    documents = [Document(video_id=one, text=one, split="train") for one in ("a/b", "a:b")]
    home.table("documents").put("other", [Entry(document) for document in documents])
    *files, _ = export(ChannelReader(home, "other"), "text", tmp_path / "out")
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
    with pytest.raises(ConfigError, match="no format 'epub'; There are: parquet, csv"):
        export(talks, "epub", tmp_path)


def test_a_folder_that_is_a_file_is_told(talks: ChannelReader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file is a file; name a folder"):
        export(talks, "csv", tmp_path / "file")


def test_a_readme_of_somebody_else_is_never_replaced(talks: ChannelReader, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My notes\n")
    with pytest.raises(ConfigError, match="is not a card of ours"):
        export(talks, "csv", tmp_path)
    assert [path.name for path in tmp_path.glob("*.*")] == ["README.md"]


def test_nothing_is_published_without_a_statement_of_permission(talks: ChannelReader) -> None:
    with pytest.raises(ConfigError, match="states no permission to publish"):
        publish(talks, "parquet", "memory://refused")
    assert not fsspec.filesystem("memory").exists("/refused")


def test_what_may_be_published_goes_to_its_address_with_the_card(talks: ChannelReader) -> None:
    source = TextSource(text="/somewhere/private")
    save_channel(talks.home, "talks", [source], permission="The speakers, by letter, CC BY 4.0")
    num_files, size_bytes = publish(talks, "jsonl", "memory://allowed/talks")
    there = fsspec.filesystem("memory")
    assert num_files == len(there.ls("/allowed/talks")) == len(PUBLISHED) + 1
    assert size_bytes == sum(file["size"] for file in there.ls("/allowed/talks"))
    card = there.cat_file("/allowed/talks/README.md").decode()
    assert "The speakers, by letter, CC BY 4.0" in card
    assert "/somewhere" not in card


def test_an_address_that_nothing_writes_to_is_told(talks: ChannelReader) -> None:
    save_channel(talks.home, "talks", [TextSource(text="/x")], permission="granted")
    with pytest.raises(ConfigError, match="nothing can be written to nowhere://x"):
        publish(talks, "csv", "nowhere://x")


def test_another_package_adds_a_format(
    talks: ChannelReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "def write(channel, folder):\n"
        "    file = folder / 'shout'\n"
        "    file.write_text(channel.documents()['text'][0].upper())\n"
        "    return [file]\n"
    )
    install(tmp_path, GROUP, "shout = shouting:write", "shouting", code)
    monkeypatch.syspath_prepend(tmp_path)
    assert "shout" in formats()
    file, _ = export(talks, "shout", tmp_path / "out")
    assert file.read_text() == "GRÖSSE"


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("shout = nowhere:write", r"shout \(nowhere:write\) cannot be loaded: No module named"),
        ("shout = json:write", r"shout \(json:write\) cannot be loaded: module 'json'"),
        ("csv = json:dumps", "two formats are called 'csv': ours and json:dumps; uninstall"),
    ],
)
def test_a_package_that_is_wrong_is_named_and_spoils_no_other_format(
    talks: ChannelReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, said: str
) -> None:
    install(tmp_path, GROUP, point, "shouting")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=said):
        export(talks, point.split()[0], tmp_path / "out")
    assert export(talks, "jsonl", tmp_path / "out")
    with pytest.raises(ConfigError, match="There are: parquet, csv"):
        export(talks, "epub", tmp_path / "out")
