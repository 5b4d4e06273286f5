"""What becomes of a home when access to its bucket ends, its clock is another, or two share it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE, channel_named
from impressions_assets.errors import ConfigError, StorageError
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.storage.home import Home
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.bucket.conftest import CHANNEL, made, titles, videos
from impressions_assets_tests.houses import House
from impressions_assets_tests.servers import bucket
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_expire_amid_the_work_keep_what_was_committed(
    home: Home, open_home: Callable[[], Home], gcs: GoogleCloudStorage, tmp_path: Path, status: int
) -> None:
    home.table("videos").put(CHANNEL, videos("a one"))
    gcs.fail(".", *[status] * 500)
    with pytest.raises(StorageError, match="table 'videos' at gs://bucket/talks"):
        home.table("videos").put(CHANNEL, videos("b two"))
    with pytest.raises(StorageError, match="credentials .* open it, and have not expired"):
        home.store.add(made(tmp_path, a=b"one"))
    gcs.heal()  # a new login

    home.table("videos").put(CHANNEL, videos("b two"))
    assert titles(open_home()) == ["a one", "b two"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_bucket_that_lets_nobody_in_is_told_when_it_is_opened(
    open_home: Callable[[], Home], gcs: GoogleCloudStorage, status: int
) -> None:
    gcs.fail(".", *[status] * 500)
    with pytest.raises(StorageError, match=r"talks/home.json failed: .* and that the credentials"):
        open_home()


@pytest.mark.parametrize("wrong", ["gs://bucket/tlaks", "gs://bucket", "gs://bucket/talks/tables"])
def test_a_wrong_prefix_says_where_it_looked_and_leaves_the_right_one_alone(
    home: Home, gcs: GoogleCloudStorage, wrong: str
) -> None:
    home.store.write_text(CHANNELS_FILE, "channels:\n  talks:\n    sources: [{archive: /here}]\n")
    home.table("videos").put(CHANNEL, videos("a one"))
    before = gcs.names("talks/")

    other = Home(wrong, storage_options=gcs.storage_options, file_options=gcs.file_options)
    with pytest.raises(ConfigError, match=f"'talks' is not in {wrong}/channels.yaml; There: none"):
        channel_named(other, CHANNEL)
    assert titles(other) == []
    assert gcs.names("talks/") == sorted({*before, *gcs.names("talks/tables/home.json")})
    assert channel_named(home, CHANNEL).name == CHANNEL


def test_a_clock_that_is_hours_off_lets_no_sweep_take_what_a_run_has_just_stored(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(datetime):
        """The bucket's clock: two hours behind this machine's."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(hours=2)

    monkeypatch.setattr(bucket, "datetime", Slow)
    home.store.add(made(tmp_path, a=b"not named yet"))

    assert home.store.sweep(set(), older_than_seconds=3600) == (0, 0)
    assert home.store.sweep(set(), older_than_seconds=0)[0] == 1
    assert gcs.names("talks/clock-") == []


def test_two_instances_on_one_storage_make_each_row_once(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
    with dg.DagsterInstance.ephemeral() as one, dg.DagsterInstance.ephemeral() as other:
        first, second = House(tmp_path / "1", one), House(tmp_path / "2", other)
        first.declare(CHANNEL, archive.folder)
        other.add_dynamic_partitions(CHANNEL_DIMENSION, [CHANNEL])
        assert set(first.data(CHANNEL, "videos", "transcripts").computed().values()) == {3}
        again = second.data(CHANNEL, "videos", "transcripts")
        assert again.ok
        assert set(again.computed().values()) == {0}
        for asset in ("videos", "transcripts"):
            assert first.data_version(asset, CHANNEL) == second.data_version(asset, CHANNEL)
