"""A storage root in a bucket, and what is put into it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from impressions_assets.rows import Video
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

ROOT = "gs://bucket/talks"
CHANNEL = "talks"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gcsfs wait milliseconds before it tries again, where it would wait 33 seconds in all."""
    import gcsfs.retry

    class Clock:
        @staticmethod
        def random() -> float:
            return -40.0

    monkeypatch.setattr(gcsfs.retry, "random", Clock)


@pytest.fixture
def gcs() -> Iterator[GoogleCloudStorage]:
    with GoogleCloudStorage().running() as server:
        yield server


@pytest.fixture
def open_home(gcs: GoogleCloudStorage) -> Callable[[], Home]:
    """Open the same root anew, as another process would."""

    def opened() -> Home:
        fsspec.get_filesystem_class("gs").clear_instance_cache()
        return Home(ROOT, storage_options=gcs.storage_options, file_options=gcs.file_options)

    return opened


@pytest.fixture
def home(open_home: Callable[[], Home]) -> Home:
    return open_home()


def videos(*titles: str) -> list[Entry]:
    return [Entry(Video(video_id=t[0], source="archive", title=t), f"from {t}") for t in titles]


def titles(home: Home) -> list[str]:
    return sorted(row.title for row in home.table("videos").rows(CHANNEL))


def made(tmp_path: Path, **contents: bytes) -> dict[str, Path]:
    folder = tmp_path / "made"
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}
