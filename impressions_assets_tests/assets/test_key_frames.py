"""Articles with pictures: stored, shown, exported, seen by a model, and forgotten."""

import os
from pathlib import Path

import pytest

from impressions_assets.export import export
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import Article
from impressions_assets.storage.forgetting import remove_rows
from impressions_assets.storage.home import Home
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House
from impressions_assets_tests.servers.language_model import LanguageModel
from impressions_assets_tests.videos import needs_ffmpeg, write_video

pytestmark = pytest.mark.slow  # whole runs

ASSETS = ("videos", "transcripts", "chapters", "articles")
CHAPTERS = "0:00 Red\n0:20 Blue\n0:40 Green"


@pytest.fixture
def filmed(tmp_path: Path) -> Archive:
    """Two talks with the same film, and one without."""
    archive = Archive(tmp_path / "archive").add("talk-c", description=CHAPTERS)
    for name in ("talk-a", "talk-b"):
        archive.add(name, description=CHAPTERS)
    write_video(archive.folder / "talk-a.mp4", "red", "blue", "green")
    os.link(archive.folder / "talk-a.mp4", archive.folder / "talk-b.mp4")
    return archive


def articles(house: House) -> dict[str, Article]:
    return {row.video_id: row for row in house.home.table("articles").rows("talks")}


def stored(home: Home) -> set[str]:
    return {path.name for path in Path(home.root, "files").rglob("*") if path.is_file()}


@needs_ffmpeg
def test_chapters_show_pictures_that_gc_keeps_and_exports_bring(
    house: House, filmed: Archive, tmp_path: Path
) -> None:
    house.declare("talks", filmed.folder, articles={"key_frames": True})
    run = house.data("talks", *ASSETS)
    assert run.ok
    assert run.metadata("articles")["key_frames"] == 6
    found = articles(house)
    assert found["talk-c"].frames == ()
    frames = found["talk-a"].frames
    assert [frame.start_seconds for frame in frames] == [0.0, 20.0, 40.0]
    assert f"![Blue]({frames[1].name})" in found["talk-a"].markdown
    house.home.gc(0)
    assert {frame.digest for frame in frames} <= stored(house.home)
    files = export(ChannelReader(house.home, "talks"), "markdown", tmp_path / "out")
    assert {frame.name for frame in frames} <= {file.name for file in files}
    assert len(files) == len(set(files)) == 3 + 3 + 1
    assert all(file.stat().st_size for file in files)
    assert {file.stat().st_nlink for file in files} == {1}, "who edits one edits the store"


@needs_ffmpeg
def test_a_film_that_comes_or_changes_makes_its_article_anew_and_no_other(
    house: House, filmed: Archive
) -> None:
    house.declare("talks", filmed.folder, articles={"key_frames": True})
    assert house.data("talks", *ASSETS).ok
    assert house.data("talks", *ASSETS).computed()["articles"] == 0
    write_video(filmed.folder / "talk-c.mp4", "red", "green", "blue")
    assert house.data("talks", *ASSETS).computed()["articles"] == 1
    assert len(articles(house)["talk-c"].frames) == 3
    (filmed.folder / "talk-c.mp4").unlink()
    assert house.data("talks", *ASSETS).computed()["articles"] == 1
    assert articles(house)["talk-c"].frames == ()


@needs_ffmpeg
def test_a_film_that_was_cut_short_fails_its_article_until_it_is_whole(
    house: House, filmed: Archive
) -> None:
    (filmed.folder / "talk-c.mp4").write_bytes(b"half a film")
    house.declare("talks", filmed.folder, articles={"key_frames": True})
    assert house.data("talks", *ASSETS).ok
    assert set(articles(house)) == {"talk-a", "talk-b"}
    write_video(filmed.folder / "talk-c.mp4", "red", "green", "blue")
    assert house.data("talks", *ASSETS).computed()["articles"] == 1
    assert len(articles(house)["talk-c"].frames) == 3


@needs_ffmpeg
def test_pictures_of_a_forgotten_video_go_unless_another_shows_them(
    house: House, filmed: Archive
) -> None:
    house.declare("talks", filmed.folder, articles={"key_frames": True})
    assert house.data("talks", *ASSETS).ok
    digests = {frame.digest for frame in articles(house)["talk-a"].frames}
    remove_rows(house.home, "talk-a")
    assert digests <= stored(house.home)
    remove_rows(house.home, "talk-b")
    assert not digests & stored(house.home)


@needs_ffmpeg
def test_a_model_that_sees_pictures_gets_them_with_their_paragraphs(
    house: House, filmed: Archive
) -> None:
    with LanguageModel().running() as model:
        model.reply = lambda key, text: f"So: {text}"
        language_model = {"url": model.url, "model": "m", "sees_pictures": True}
        wanted = {"rewrite": True, "key_frames": True}
        house.declare("talks", filmed.folder, language_model=language_model, articles=wanted)
        assert house.data("talks", *ASSETS).ok
        seen = [body["messages"][1]["content"] for body in model.bodies]
        with_pictures = [content for content in seen if isinstance(content, list)]
        assert (len(seen), len(with_pictures)) == (3, 2)
        assert [part["type"] for part in with_pictures[0]] == ["text", *["image_url"] * 3]
        assert '"pictures": [\n   "p1"' in with_pictures[0][0]["text"]
    found = articles(house)["talk-a"]
    assert len(found.frames) == found.markdown.count("](frame-") == 3


def test_without_ffmpeg_the_run_says_what_to_install(
    house: House, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.declare("talks", archive.folder, articles={"key_frames": True})
    monkeypatch.setenv("PATH", "")
    assert "install" in house.data("talks", *ASSETS).failure()
