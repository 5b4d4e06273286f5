"""What many tests need: a storage root, a small archive, and a house to run the assets in."""

import gc
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before any test imports torch: many tiny products are faster on one thread than on busy cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from impressions_assets.reader import ChannelReader
from impressions_assets.rows import (
    Article,
    Chapter,
    Chapters,
    Document,
    Segment,
    Transcript,
    Video,
)
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.archives import Archive

if TYPE_CHECKING:
    from impressions_assets_tests.houses import House

# The modules that take minutes, the longest first: none of them is left for the end, where it
# would keep one worker busy and the others waiting.
_LONGEST = (
    "test_chat_acceptance",
    "test_deployed",
    "test_finetune",
    "test_dev",
    "test_crash",
    "test_ui",
    "test_recognizer",
    "test_ranks",
    "test_dev_speech",
    "test_dev_youtube",
)
_NO_WAITING = "PRAGMA synchronous = OFF"  # for the disk


def pytest_configure(config: pytest.Config) -> None:
    """How many examples of a property `make test` and `make test-slow` try.

    In any time: one example that took 0.8 s on a busy machine, of a deadline of 0.2, is no bug.
    """
    if config.getoption("--hypothesis-profile"):
        from hypothesis import HealthCheck, settings  # a second that other tests need not spend

        patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.register_profile("quick", patient, max_examples=15)
        settings.register_profile("thorough", patient, max_examples=200)

    gc.disable()  # all that is imported and collected stays: looking through it frees nothing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take minutes."""
    place = {name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def pytest_collection_finish() -> None:
    """Have the collector pass over what is there for good: it took a tenth of the time."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _quick_databases() -> Iterator[None]:
    """Spare Dagster's databases what a test need not wait for.

    Dagster reads all migrations of a database whenever it opens one, and for each event that it
    stores it compiles its statements, writes to the disk and waits for it. A run of three videos
    makes a hundred events: that was half of its time.
    """
    from alembic.script import ScriptDirectory
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from sqlalchemy import create_engine, event

    read = ScriptDirectory.from_config
    scripts: dict[Any, Any] = {}
    engines: dict[str, Any] = {}

    def from_config(config: Any) -> Any:
        place = config.get_main_option("script_location")
        if place not in scripts:
            scripts[place] = read(config)
        return scripts[place]

    def engine_of(place: str, **options: Any) -> Any:
        if place not in engines:
            engines[place] = create_engine(place, **options)
            event.listen(engines[place], "connect", lambda c, _: c.execute(_NO_WAITING))
        return engines[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        for storage in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
            patch.setattr(storage, "create_engine", engine_of)
        yield


@pytest.fixture(scope="session", autouse=True)
def _definitions() -> None:
    """Resolve the definitions before any test opens an instance.

    Dagster resolves them once, with the instance that was opened last, alive or not.
    """
    from impressions_assets.definitions import defs

    defs.get_repository_def()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path / "storage"))


@pytest.fixture(scope="session")
def _made_talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("talks")
    home = Home(str(root))
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
    return root


@pytest.fixture
def talks(home: Home, _made_talks: Path) -> ChannelReader:
    """A talk with a row in each table but one, and a text that nobody spoke."""
    shutil.copytree(_made_talks, home.root, dirs_exist_ok=True)
    return ChannelReader(home, "talks")


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from impressions_assets_tests.review.reviews import filled

    root = tmp_path_factory.mktemp("reviews")
    filled(Home(str(root)))
    return root


@pytest.fixture
def to_review(_filled: Path, tmp_path: Path) -> Home:
    """The channel that `reviews` has, in a home of the test's own."""
    return Home(str(shutil.copytree(_filled, tmp_path / "storage")))


@pytest.fixture
def full_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return the log in which every library says all it can, whatever raised its level before."""
    caplog.set_level(logging.DEBUG)
    # Not of each: whenever a level is set, Python looks through all loggers.
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level > logging.DEBUG:
            caplog.set_level(logging.DEBUG, name)
    return caplog


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Three talks."""
    return Archive(tmp_path / "archive").add("talk-a").add("talk-b").add("talk-c")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["House"]:
    """An empty house in a folder of the test's own; its instance lives in memory."""
    import dagster as dg  # seconds that tests of the rooms need not spend

    from impressions_assets_tests.houses import House

    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
    with dg.DagsterInstance.ephemeral() as instance:
        yield House(tmp_path / "home", instance)
