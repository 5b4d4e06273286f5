"""`add` and `channels`."""

from pathlib import Path

from impressions_assets_tests.archives import Archive
from impressions_assets_tests.cli.conftest import Impressions


def channels_yaml(tmp_path: Path) -> str:
    return (tmp_path / "home/storage/channels.yaml").read_text()


def test_a_source_becomes_a_channel(
    impressions: Impressions, archive: Archive, tmp_path: Path
) -> None:
    said = impressions("add", str(archive.folder), "--name", "mine")
    assert said.exit_code == 0
    assert "impressions materialize mine" in said.stderr
    assert f"archive: {archive.folder}" in channels_yaml(tmp_path)
    assert str(archive.folder) in impressions("channels").stdout


def test_a_name_is_made_from_the_first_source(impressions: Impressions, archive: Archive) -> None:
    impressions("add", str(archive.folder))
    assert "archive" in impressions("channels").stdout.splitlines()[1]


def test_sources_are_read_from_a_file(
    impressions: Impressions, archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "talk.txt").write_text("words " * 100)
    listed = tmp_path / "sources.txt"
    listed.write_text(f"# what we read\n{archive.folder}\n\n  {tmp_path}/talk.txt\n")
    assert impressions("add", "--from", str(listed), "--name", "mixed").exit_code == 0
    assert f"text: {tmp_path}/talk.txt" in channels_yaml(tmp_path)
    assert f"archive: {archive.folder}" in channels_yaml(tmp_path)


def test_links_are_added_beside_paths_and_from_a_file(
    impressions: Impressions, archive: Archive, tmp_path: Path
) -> None:
    listed = tmp_path / "links.txt"
    listed.write_text("\ufeff@Other\n# more\nhttps://youtu.be/aaaaaaaaaaa?t=5\n")
    links = ("https://m.youtube.com/@somebody/videos", str(archive.folder), "--from", str(listed))
    said = impressions("add", *links)
    assert said.exit_code == 0, said.stderr
    assert "a new channel: somebody" in said.stderr
    assert "youtube: https://www.youtube.com/watch?v=aaaaaaaaaaa" in said.stderr
    assert channels_yaml(tmp_path) == (
        "channels:\n  somebody:\n    sources:\n"
        "      - youtube: https://www.youtube.com/@somebody\n"
        f"      - archive: {archive.folder}\n"
        "      - youtube: https://www.youtube.com/@other\n"
        "      - youtube: https://www.youtube.com/watch?v=aaaaaaaaaaa\n"
    )
    assert "https://www.youtube.com/@other" in impressions("channels").stdout


def test_the_same_channel_by_another_link_is_nothing_new(
    impressions: Impressions, tmp_path: Path
) -> None:
    impressions("add", "@somebody")
    before = channels_yaml(tmp_path)
    said = impressions("add", "https://www.youtube.com/@SomeBody/shorts")
    assert said.exit_code == 1
    assert "nothing was added" in said.stderr
    assert channels_yaml(tmp_path) == before


def test_a_link_that_names_nothing_is_told_what_is_accepted(impressions: Impressions) -> None:
    said = impressions("add", "https://www.youtube.com/results?search_query=talks")
    assert said.exit_code == 1
    assert "accepted are links to a channel" in said.stderr


def test_a_list_that_is_missing_is_named(impressions: Impressions, tmp_path: Path) -> None:
    said = impressions("add", "--from", str(tmp_path / "none.txt"), "--name", "mixed")
    assert said.exit_code == 1
    assert "none.txt" in said.stderr


def test_a_list_may_hold_comments_behind_its_sources(
    impressions: Impressions, archive: Archive, tmp_path: Path
) -> None:
    notes = tmp_path / "talk #1.txt"
    notes.write_text("words " * 100)
    listed = tmp_path / "links.txt"
    listed.write_text(f"@somebody  # a friend\n{notes}\n#@nobody\n{archive.folder} # all of it\n")
    said = impressions("add", "--from", str(listed), "--name", "mixed")
    assert said.exit_code == 0, said.stderr
    assert said.stderr.splitlines()[1:4] == [
        "  youtube: https://www.youtube.com/@somebody",
        f"  text: {notes}",
        f"  archive: {archive.folder}",
    ]


def test_a_list_of_nothing_is_named(impressions: Impressions, tmp_path: Path) -> None:
    listed = tmp_path / "links.txt"
    listed.write_text("# later\n")
    said = impressions("add", "--from", str(listed), "--name", "mixed")
    assert said.exit_code == 1
    assert f"{listed} names none: write one on each line" in said.stderr


def test_a_known_channel_gets_more_sources(
    impressions: Impressions, archive: Archive, tmp_path: Path
) -> None:
    other = Archive(tmp_path / "other").add("talk-z")
    impressions("add", str(archive.folder), "--name", "mine")
    said = impressions("add", str(other.folder), "--name", "mine")
    assert "1 more source:" in said.stderr
    assert channels_yaml(tmp_path).count("archive:") == 2


def test_a_source_that_is_nothing_changes_nothing(impressions: Impressions, tmp_path: Path) -> None:
    said = impressions("add", str(tmp_path / "nothing"), "--name", "mine")
    assert said.exit_code == 1
    assert "is no file or folder" in said.stderr
    assert "no channels yet" in impressions("channels").stderr


def test_a_malformed_file_is_told_with_its_line(
    impressions: Impressions, archive: Archive, tmp_path: Path
) -> None:
    impressions("add", str(archive.folder), "--name", "mine")
    file = tmp_path / "home/storage/channels.yaml"
    file.write_text(file.read_text() + "    langauges: [en]\n")
    said = impressions("channels")
    assert said.exit_code == 1
    assert "channels.yaml:5: channels.mine.langauges" in said.stderr


def test_a_retired_channel_is_still_listed(in_talks: Impressions, talks: Path) -> None:
    (talks / "storage/channels.yaml").write_text("channels: {}\n")
    assert "talks    retired" in in_talks("channels").stdout
