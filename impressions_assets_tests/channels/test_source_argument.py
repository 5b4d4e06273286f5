"""What a word of the command line means as a source."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.channels.channel import (
    NAME_PATTERN,
    ArchiveSource,
    DatasetSource,
    TextSource,
    YouTubeSource,
)
from impressions_assets.channels.source_argument import source_of, suggest_name
from impressions_assets.errors import ConfigError


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_with_info_json_anywhere_below_is_an_archive(tmp_path: Path) -> None:
    put(tmp_path / "talks/2024/abc.info.json")
    put(tmp_path / "talks/table.parquet")
    place = tmp_path / "talks"
    assert source_of(str(place)) == ArchiveSource(archive=str(place))


def test_a_relative_path_becomes_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "talks/abc.info.json")
    monkeypatch.chdir(tmp_path)
    assert source_of("talks") == ArchiveSource(archive=str(tmp_path / "talks"))


def test_any_other_file_or_folder_is_text(tmp_path: Path) -> None:
    note = put(tmp_path / "notes/a.txt")
    assert source_of(str(note)) == TextSource(text=str(note))
    assert source_of(str(note.parent)) == TextSource(text=str(note.parent))


@pytest.mark.parametrize("file", ["data/train.parquet", "dataset_info.json", "dataset_dict.json"])
def test_a_folder_that_holds_a_dataset_is_one(tmp_path: Path, file: str) -> None:
    put(tmp_path / "set" / file)
    assert source_of(str(tmp_path / "set")) == DatasetSource(dataset=str(tmp_path / "set"))


def test_a_dataset_is_named_with_its_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "set/a.parquet")
    assert source_of("hf:owner/name") == DatasetSource(dataset="owner/name")
    assert source_of("dataset:name") == DatasetSource(dataset="name")
    assert source_of("dataset:./set") == DatasetSource(dataset=str(tmp_path / "set"))


@pytest.mark.parametrize(
    "argument",
    [
        "https://www.youtube.com/@Somebody/videos",
        "m.youtube.com/@somebody?pp=" + "x" * 300,
        "@somebody",
    ],
    ids=["link", "longer-than-a-file-name", "handle"],
)
def test_two_spellings_of_a_link_are_one_source(argument: str) -> None:
    assert source_of(argument) == YouTubeSource(youtube="https://www.youtube.com/@somebody")


def test_a_bare_id_is_a_video_unless_a_file_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    watched = YouTubeSource(youtube="https://www.youtube.com/watch?v=aaaaaaaaaaa")
    assert source_of("aaaaaaaaaaa") == watched
    put(tmp_path / "aaaaaaaaaaa")
    assert source_of("aaaaaaaaaaa") == TextSource(text=str(tmp_path / "aaaaaaaaaaa"))
    put(tmp_path / "@somebody/abc.info.json")
    assert source_of("@somebody") == ArchiveSource(archive=str(tmp_path / "@somebody"))


@pytest.mark.parametrize(
    "link", ["https://YouTube.com/playlist?list=PLx", "youtu.be/abc", "youtube.com/feed", "@a:b"]
)
def test_a_link_that_names_nothing_is_answered_with_the_links_that_do(link: str) -> None:
    with pytest.raises(ConfigError, match="accepted are links to a channel"):
        source_of(link)


@pytest.mark.parametrize(
    "argument",
    ["", " ", "nowhere", "a\0b", "https://example.org/x", "http://notyoutube.com/x", "ftp://x/y"],
)
def test_anything_else_is_answered_with_what_is_accepted(argument: str) -> None:
    with pytest.raises(ConfigError, match="a source is one of"):
        source_of(argument)


@pytest.mark.parametrize("argument", ["hf:", "hf: ", "hf:../x", "dataset:a/b/c", "hf:a\0"])
def test_a_wrong_dataset_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str
) -> None:
    monkeypatch.chdir(tmp_path)  # where no folder has such a name
    with pytest.raises(ConfigError, match="cannot be a source"):
        source_of(argument)


@pytest.mark.parametrize("name", ["abc.info.json", "part-0.parquet"])
def test_one_file_of_many_is_answered_with_its_folder(tmp_path: Path, name: str) -> None:
    file = put(tmp_path / name)
    with pytest.raises(ConfigError, match=f"name its folder: {re.escape(str(tmp_path))}"):
        source_of(str(file))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no file"):
        source_of(str(tmp_path))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/data/Crash Course: Psychology", "crash-course-psychology"),
        ("/data/tiny_shakespeare.txt/", "tiny_shakespeare"),
        ("/data/Élan vital", "elan-vital"),
        ("/data/.hidden", "hidden"),
        ("/data/日本", "channel"),
        ("gs://bucket/talks", "talks"),
    ],
)
def test_a_name_is_suggested_from_the_last_part_of_the_place(place: str, name: str) -> None:
    assert suggest_name(TextSource(text=place)) == name


def test_a_dataset_is_called_by_its_name_without_the_owner() -> None:
    assert suggest_name(DatasetSource(dataset="roneneldan/TinyStories")) == "tinystories"


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://www.youtube.com/@Some.Body/videos", "some-body"),
        ("https://www.youtube.com/c/Élan", "elan"),
        ("https://www.youtube.com/user/SomeUser", "someuser"),
        ("https://youtu.be/-_aB3xYz019", "ab3xyz019"),
        ("https://www.youtube.com/playlist?list=PLAYlist_0123456789", "playlist_0123456789"),
    ],
)
def test_a_link_is_called_by_its_handle_or_id(link: str, name: str) -> None:
    assert suggest_name(source_of(link)) == name


def test_channels_without_a_latin_letter_get_different_names() -> None:
    names = {suggest_name(source_of(handle)) for handle in ("@こん", "@にち")}
    assert len(names) == 2
    assert all(re.fullmatch(r"channel-[0-9a-f]{8}", name) for name in names)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"]), max_size=200))
def test_every_suggestion_is_a_valid_name(text: str) -> None:
    source = TextSource.model_construct(text=f"/{text}")
    assert re.fullmatch(NAME_PATTERN, suggest_name(source))
