"""What many tests need: a storage root, a small archive, and a house to run the assets in."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from impressions_assets.home import Home
from impressions_assets_tests.archives import Archive

if TYPE_CHECKING:
    from impressions_assets_tests.houses import House


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
