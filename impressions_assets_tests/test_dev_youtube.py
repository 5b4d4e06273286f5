"""A channel of YouTube under `impressions dev`, as people run it, against the stand-in."""

from collections.abc import Iterator

import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.jobs import DATA_ASSETS
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.dagster_dev import DagsterDev, eventually
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.servers.youtube_world import Owner
from impressions_assets_tests.test_dev import partitions

pytestmark = pytest.mark.slow

KEY = "a-key-for-tests"
SETTINGS = "youtube: {requests_per_second: 0, check_every_minutes: 0.02}\n"
NUM_UPLOADS = 12


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube().running() as youtube:
        yield youtube


@pytest.fixture(scope="module")
def owner(youtube: YouTube) -> Owner:
    owner = youtube.world.open_channel("talks")
    youtube.world.uploads(owner, NUM_UPLOADS)
    return owner


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, youtube: YouTube) -> Iterator[DagsterDev]:
    home = tmp_path_factory.mktemp("dev")
    Home(str(home / "storage")).store.write_text(CHANNELS_FILE, SETTINGS)
    with DagsterDev(home, IMPRESSIONS_YOUTUBE_URL=youtube.url, DEVELOPER_KEY=KEY) as dev:
        yield dev


def computed(dev: DagsterDev, run_id: str) -> dict[str, int]:
    """How many videos each asset computed in a run."""
    found = dev.query(
        """query($id: ID!) { runOrError(runId: $id) { ... on Run { assetMaterializations {
          assetKey { path } metadataEntries { label ... on IntMetadataEntry { intValue } }
        } } } }""",
        id=run_id,
    )["runOrError"]["assetMaterializations"]
    return {
        event["assetKey"]["path"][0]: entry["intValue"]
        for event in found
        for entry in event["metadataEntries"]
        if entry["label"] == "computed"
    }


def test_a_channel_added_by_link_in_the_ui_fills_by_itself(dev: DagsterDev, owner: Owner) -> None:
    added = dev.launch_add_channel(f"https://www.youtube.com/@{owner.handle}", name="talks")
    assert dev.ended(added) == "SUCCESS", dev.messages(added)

    *_, first = eventually(lambda: dev.runs(dagster__partition="talks"), "the first run of talks")
    assert dev.ended(first["runId"]) == "SUCCESS", dev.messages(first["runId"])

    assert "talks" in partitions(dev)
    assert computed(dev, first["runId"])["videos"] == NUM_UPLOADS
    assert computed(dev, first["runId"])["transcripts"] == NUM_UPLOADS


def test_a_sensor_finds_one_new_upload_and_refreshes_it_alone(
    dev: DagsterDev, youtube: YouTube, owner: Owner
) -> None:
    eventually(lambda: youtube.asked("/feeds/videos.xml"), "a look at the feed")
    before = {run["runId"] for run in dev.runs(dagster__partition="talks")}
    asked = len(youtube.asked("/watch"))

    youtube.world.upload(owner, "A new talk")

    def started() -> str | None:
        runs = [r for r in dev.runs(dagster__sensor_name="new_uploads") if r["runId"] not in before]
        return str(runs[0]["runId"]) if runs else None

    run = eventually(started, "the sensor to start a run")
    assert dev.ended(run) == "SUCCESS", dev.messages(run)
    assert computed(dev, run)["videos"] == 1
    assert computed(dev, run)["transcripts"] == 1
    assert len(youtube.asked("/watch")) == asked + 1


def test_a_backfill_of_the_channel_asks_nothing_that_is_known(
    dev: DagsterDev, youtube: YouTube, owner: Owner
) -> None:
    asked = len(youtube.asked("/watch"))
    backfill = dev.launch_backfill(["talks"], DATA_ASSETS)

    status = dev.ended_backfill(backfill)

    (run,) = dev.runs(dagster__backfill=backfill)
    assert (status, run["status"]) == ("COMPLETED_SUCCESS", "SUCCESS")
    assert computed(dev, run["runId"]) == dict.fromkeys(computed(dev, run["runId"]), 0)
    assert len(youtube.asked("/watch")) == asked
    assert KEY not in (dev.home / "dev.log").read_text(errors="replace")
