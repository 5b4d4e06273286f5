"""Faults of a bucket: the passing are not noticed, the lasting are told and publish nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from impressions_assets.errors import StorageError
from impressions_assets.storage.home import Home
from impressions_assets_tests.bucket.conftest import CHANNEL, made, titles, videos
from impressions_assets_tests.servers.gcs import Fault, GoogleCloudStorage

# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


PASSING: list[tuple[str, Fault]] = [
    ("GET .*parquet", 503),
    ("GET .*parquet", "cut"),
    ("GET .*_delta_log", 429),
    ("PUT .*parquet", 503),
    ("PUT .*parquet", "lost"),
    ("PUT .*_delta_log", 429),
    ("PUT .*_delta_log", "lost"),
    ("POST /upload", 503),
    ("POST /upload", "lost"),
    ("GET /download", 429),
    ("GET /download", "cut"),
]


@pytest.mark.parametrize(("requests", "fault"), PASSING)
def test_a_passing_fault_is_not_noticed(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, requests: str, fault: Fault
) -> None:
    home.table("videos").put(CHANNEL, videos("a one", "b one"))
    gcs.fail(requests, fault)
    home.table("videos").put(CHANNEL, videos("b two"))
    made_now = home.publish(CHANNEL, "tokenizer", made(tmp_path, a=b"one"), made_from="1", facts={})
    home.store.fetch(made_now.files, tmp_path / "out")
    assert gcs.num_faults_left == 0
    assert titles(home) == ["a one", "b two"]
    assert (tmp_path / "out" / "a").read_bytes() == b"one"
    assert [row.version for row in home.artifacts(CHANNEL, "tokenizer")] == [1]


@pytest.mark.parametrize("fault", [503, 403])
@pytest.mark.parametrize("requests", ["GET .*parquet", "GET .*_delta_log", "PUT .*"])
def test_a_lasting_fault_of_a_table_is_told_and_publishes_nothing(
    home: Home, open_home: Callable[[], Home], gcs: GoogleCloudStorage, requests: str, fault: Fault
) -> None:
    home.table("videos").put(CHANNEL, videos("a one"))
    gcs.fail(requests, *[fault] * 500)
    with pytest.raises(
        StorageError, match="table 'videos' at gs://bucket/talks.* failed: "
    ) as told:
        home.table("videos").put(CHANNEL, videos("a two"))
    assert "\x1b" not in str(told.value)
    assert "\n" not in str(told.value)
    gcs.heal()
    assert titles(open_home()) == titles(home)
    home.table("videos").put(CHANNEL, videos("a three"))
    assert titles(open_home()) == ["a three"]


@pytest.mark.parametrize("fault", [429, 403, 400])
def test_a_lasting_fault_of_a_file_is_told_and_publishes_nothing(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, fault: Fault
) -> None:
    (stored,) = home.store.add(made(tmp_path, a=b"one"))
    home.store.write_text("channels.yaml", "old")
    before = gcs.names()
    gcs.fail("POST|GET", *[fault] * 500)
    tries: list[Callable[[], object]] = [
        lambda: home.store.add(made(tmp_path, b=b"two")),
        lambda: home.store.fetch([stored], tmp_path / "out"),
        lambda: home.store.write_text("channels.yaml", "new"),
        lambda: home.store.read_text("channels.yaml"),
        lambda: home.store.sweep(set(), 0),
    ]
    for attempt in tries:
        with pytest.raises(StorageError, match="failed: .+"):
            attempt()
    gcs.heal()
    assert gcs.names() == before
    assert home.store.read_text("channels.yaml") == "old"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_of_which_a_part_was_refused_is_not_stored(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    gcs.fail("POST /upload.*upload_id", *[503] * 500)
    with pytest.raises(StorageError, match="Nothing was published"):
        home.store.add(made(tmp_path, a=bytes(6 << 20)))
    assert gcs.names("talks/files/") == []


def test_a_bucket_that_is_not_there_is_named(gcs: GoogleCloudStorage) -> None:
    with pytest.raises(StorageError, match="gs://nowhere|nowhere/talks"):
        Home(
            "gs://nowhere/talks",
            storage_options=gcs.storage_options,
            file_options=gcs.file_options,
        )
