"""The logs of steps, as the pods of deploy/ keep them in the bucket, with the roles they have."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from impressions_assets_tests.servers.gcs import GoogleCloudStorage

pytest.importorskip("google.cloud.storage")
DEPLOY = Path(__file__).parents[2] / "deploy"
# https://cloud.google.com/storage/docs/access-control/iam-roles
LETS_ASK_OF_THE_BUCKET = {"roles/storage.legacyBucketReader", "roles/storage.admin"}
OF_THE_BUCKET = r"^GET /storage/v1/b/bucket(\?|$)"
KEY = ["run", "compute_logs", "step"]


@pytest.fixture
def gcs(gcs: GoogleCloudStorage, monkeypatch: pytest.MonkeyPatch) -> GoogleCloudStorage:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "of-the-test")
    return gcs


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    values = YAML(typ="safe").load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    assert values["computeLogManager"]["type"] == "GCSComputeLogManager"
    return {
        **values["computeLogManager"]["config"]["gcsComputeLogManager"],
        "bucket": "bucket",
        "local_dir": str(tmp_path / "logs"),
    }


@pytest.fixture
def ends_on_sigterm() -> Iterator[None]:
    """A script's `&` ignores SIGINT, Dagster then SIGTERM, and so would the `tail` that it ends."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def granted() -> set[str]:
    """The roles that deploy/README.md binds to the bucket, for the account of the pods."""
    page = (DEPLOY / "README.md").read_text()
    (loop,) = re.findall(r"for role in ([^;]*); do\s+gcloud storage buckets add-iam", page)
    return set(loop.split())


@pytest.mark.usefixtures("ends_on_sigterm")
def test_a_log_goes_to_the_bucket_and_comes_back_with_the_roles_that_the_page_grants(
    gcs: GoogleCloudStorage, settings: dict[str, Any]
) -> None:
    from dagster._core.storage.compute_log_manager import ComputeIOType
    from dagster_gcp.gcs.compute_log_manager import GCSComputeLogManager

    if not granted() & LETS_ASK_OF_THE_BUCKET:
        gcs.fail(OF_THE_BUCKET, *[403] * 99)
    manager = GCSComputeLogManager(**settings)
    with manager.capture_logs(KEY):
        print("what a step said")
    assert gcs.names("impressions/logs/") == [
        f"impressions/logs/storage/{'/'.join(KEY)}.{kind}" for kind in ("err", "out")
    ]
    elsewhere = GCSComputeLogManager(**{**settings, "local_dir": settings["local_dir"] + "-ui"})
    found = elsewhere.get_log_data_for_type(KEY, ComputeIOType.STDOUT, offset=0, max_bytes=None)
    assert found is not None
    assert b"what a step said\n" in (found[0] if isinstance(found, tuple) else found)


def test_logs_ask_for_the_bucket_itself_before_the_first_step(
    gcs: GoogleCloudStorage, settings: dict[str, Any]
) -> None:
    """Why objectUser alone, which has no storage.buckets.get, ended every step with 403."""
    from dagster_gcp.gcs.compute_log_manager import GCSComputeLogManager
    from google.api_core.exceptions import Forbidden

    gcs.fail(OF_THE_BUCKET, *[403] * 99)
    with pytest.raises(Forbidden):
        GCSComputeLogManager(**settings)
