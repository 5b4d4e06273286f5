"""A channel with a language model, and that one without asks nobody and stays as it is."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from impressions_assets.channels.channel import Channel
from impressions_assets.cli.stages import STAGES
from impressions_assets.review.corrections import undo
from impressions_assets.rows import Chapter, Chapters, Correction
from impressions_assets.storage.forgetting import bury, remove_rows
from impressions_assets.storage.records import SHARED
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House, Run
from impressions_assets_tests.servers.language_model import Fault, LanguageModel
from impressions_assets_tests.text.test_segmentation import TOPICS
from impressions_assets_tests.text.test_segmentation import talk as topics

pytestmark = pytest.mark.slow  # whole runs

KEY = "sk-a-key-that-nothing-may-show"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[LanguageModel]:
    monkeypatch.setenv("IMPRESSIONS_LLM_API_KEY", KEY)
    with LanguageModel().running() as server:
        yield server


@pytest.fixture
def long_talks(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "archive")
    for name in ("a", "b", "c"):
        archive.add(name, sentences=topics(*TOPICS), duration=600, title=f"Talk {name}")
    return archive


def settings(model: LanguageModel, name: str = "m", **more: Any) -> dict[str, Any]:
    return {"language_model": {"url": model.url, "model": name}, **more}


def titled(house: House, model: LanguageModel, archive: Archive, channel: str, name: str) -> Run:
    house.declare(
        channel, archive.folder, **settings(model, name, chapters={"titles": "language_model"})
    )
    return house.data(channel, "videos", "transcripts", "chapters")


def rows(house: House, channel: str) -> dict[str, Chapters]:
    return {row.video_id: row for row in house.home.table("chapters").rows(channel)}


def answered(house: House) -> set[str]:
    kept = house.home.table("captures").rows(SHARED)
    return {row.video_id for row in kept if row.kind.startswith("answer/")}


def test_the_model_is_asked_once_for_all_runs_and_channels_and_shows_no_key(
    house: House,
    model: LanguageModel,
    long_talks: Archive,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    assert titled(house, model, long_talks, "talks", "m").ok
    found = rows(house, "talks")
    assert all(c.title == f"About c{n}" for r in found.values() for n, c in enumerate(r.chapters))
    assert set(model.keys) == {f"Bearer {KEY}"}
    assert len(model.bodies) == 3
    assert house.data("talks", "chapters").computed() == {"chapters": 0}
    assert titled(house, model, long_talks, "same", "m").ok
    assert rows(house, "same") == found
    assert len(model.bodies) == 3
    assert titled(house, model, long_talks, "other", "another").ok
    assert len(model.bodies) == 6
    shown = capfd.readouterr()
    assert KEY not in shown.out + shown.err + caplog.text
    files = [file for file in house.folder.rglob("*") if file.is_file()]
    assert not [file for file in files if KEY.encode() in file.read_bytes()]


def test_without_the_setting_nobody_is_asked_and_no_digest_knows_of_it(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    house.declare("plain", long_talks.folder, **settings(model))
    assert house.data("plain", "videos", "transcripts", "chapters", "articles").ok
    assert model.bodies == []
    plain = Channel(name="plain", sources=[{"archive": "/a"}])
    said = {made.stage.table: made.settings_of(plain) for made in STAGES}
    assert said["chapters"] == {
        "segment": True,
        "min_duration_seconds": 300.0,
        "typical_seconds": None,
    }
    assert said["articles"] is None


def test_an_answer_of_no_use_leaves_the_titles_of_one_video_as_they_were(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    model.faults += [Fault(says="no JSON")] * 2
    house.declare(
        "talks",
        long_talks.folder,
        language_model={"url": model.url, "model": "m", "concurrency": 1},
        chapters={"titles": "language_model"},
    )
    run = house.data("talks", "videos", "transcripts", "chapters")
    assert run.ok
    assert run.metadata("chapters")["titles_not_given"] > 0
    found = rows(house, "talks").values()
    assert sorted(bool(row.notes) for row in found) == [False, False, True]
    assert list(house.home.table("attempts").rows("talks")) == []


def test_what_a_server_would_not_take_is_asked_anew_when_the_setting_that_it_names_changes(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    model.faults += [Fault(400, b"response_format is unknown")] * 3
    run = titled(house, model, long_talks, "talks", "m")
    assert run.ok
    failures = list(house.home.table("attempts").rows("talks"))
    assert [(one.status, "json_schema" in one.error) for one in failures] == [
        ("permanent", True)
    ] * 3
    assert house.data("talks", "chapters").computed() == {"chapters": 0}
    declared = house.home.store.read_text("channels.yaml") or ""
    changed = declared.replace("model: m", "model: m\n      json_schema: false")
    house.home.store.write_text("channels.yaml", changed)
    assert house.data("talks", "chapters").computed() == {"chapters": 3}
    assert "response_format" not in model.bodies[-1]
    assert list(house.home.table("attempts").rows("talks")) == []


def test_a_spent_quota_keeps_what_was_answered_and_waits(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    short = Archive(long_talks.folder.parent / "short").add("d")  # nobody is asked about it
    model.faults += [Fault(429, headers={"Retry-After": "3600"})] * 9
    house.declare(
        "talks",
        short.folder,
        long_talks.folder,
        **settings(model, chapters={"titles": "language_model"}),
    )
    run = house.data("talks", "videos", "transcripts", "chapters")
    (waiting,) = house.home.table("attempts").rows("talks")
    assert (waiting.video_id, waiting.stage, waiting.status) == ("*", "chapters", "retry")
    assert run.ok == bool(rows(house, "talks"))
    model.faults.clear()
    assert house.data("talks", "chapters").ok
    assert len(rows(house, "talks")) == 4


def test_a_days_requests_are_never_passed_and_the_rest_waits(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    house.declare(
        "talks",
        long_talks.folder,
        language_model={"url": model.url, "model": "m", "daily_requests": 2, "concurrency": 1},
        chapters={"titles": "language_model"},
    )
    assert house.data("talks", "videos", "transcripts", "chapters").ok
    assert (len(rows(house, "talks")), len(model.bodies)) == (2, 2)
    (waiting,) = house.home.table("attempts").rows("talks")
    assert (waiting.video_id, waiting.status) == ("*", "retry")
    assert "2 of the 2 units are spent that `language_model.daily_requests`" in waiting.error


def test_a_wrong_key_is_told_at_once(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    model.faults += [Fault(401, f"bad key {KEY}".encode())] * 9
    run = titled(house, model, long_talks, "talks", "m")
    assert "IMPRESSIONS_LLM_API_KEY" in run.failure()
    assert KEY not in run.failure()
    assert list(house.home.table("attempts").rows("talks")) == []


def test_videos_are_asked_about_at_the_same_time_and_no_more_than_allowed(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    both = threading.Barrier(2)

    def reply(key: str, text: str) -> str:
        if key == "c0":
            both.wait(10)
        return f"About {key}"

    long_talks.add("d", sentences=topics(*TOPICS), duration=600, title="Talk d")
    model.reply = reply
    house.declare(
        "talks",
        long_talks.folder,
        language_model={"url": model.url, "model": "m", "concurrency": 2},
        chapters={"titles": "language_model"},
    )
    assert house.data("talks", "videos", "transcripts", "chapters").ok
    assert model.most_at_once == 2


def test_forgetting_a_video_forgets_what_a_model_said_of_it(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    assert titled(house, model, long_talks, "talks", "m").ok
    assert answered(house) == {"a", "b", "c"}
    bury(house.home, "a")
    remove_rows(house.home, "a")
    assert answered(house) == {"b", "c"}


def test_nobody_is_asked_for_titles_that_a_person_gives_until_these_are_taken_back(
    house: House, model: LanguageModel, long_talks: Archive
) -> None:
    mine = Correction(video_id="a", table="chapters", chapters=(Chapter(0.0, "Mine"),))
    house.home.table("corrections").put("talks", [Entry(mine)])
    assert titled(house, model, long_talks, "talks", "m").ok
    assert answered(house) == {"b", "c"}
    assert rows(house, "talks")["a"].chapters == mine.chapters
    undo(house.home, "talks", "a")
    assert house.data("talks", "chapters").ok
    assert answered(house) == {"a", "b", "c"}


def test_articles_are_rewritten_once_and_again_in_another_language(
    house: House, model: LanguageModel, archive: Archive
) -> None:
    model.reply = lambda key, text: f"So: {text}"
    archive.add("talk-d", webpage_url="https://www.youtube.com/watch?v=talk-d")
    assets = ("videos", "transcripts", "chapters", "articles")
    house.declare("talks", archive.folder, **settings(model, articles={"rewrite": True}))
    run = house.data("talks", *assets)
    assert run.ok
    assert run.metadata("articles")["not_rewritten"] == 0
    pages = {row.video_id: row for row in house.home.table("articles").rows("talks")}
    assert "[0:00](https://www.youtube.com/watch?v=talk-d&t=0) So: " in pages["talk-d"].markdown
    assert len(model.bodies) == 4
    assert house.data("talks", *assets).computed()["articles"] == 0
    declared = house.home.store.read_text("channels.yaml") or ""
    model.reply = lambda key, text: (
        "Das ist etwas auf Deutsch, und nichts anderes. " * (1 + len(text) // 60)
    )
    german = declared.replace("rewrite: true", "rewrite: true\n      language: de")
    house.home.store.write_text("channels.yaml", german)
    assert house.data("talks", *assets).ok
    titles = house.home.table("articles").columns("talks", "title")
    assert {title[:20] for (title,) in titles} == {"Das ist etwas auf De"}
    assert len(model.bodies) == 8
