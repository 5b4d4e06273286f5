"""One server as deploy/ describes it: Postgres, webserver, daemon and code server apart.

Channels are backfilled while each of them is killed in turn. Each channel ends with every asset
made by one run that went well, and with what was killed on the way shown as failed. A run is a
process of some seconds, so there are ten; with IMPRESSIONS_TEST_CHANNELS=50 it takes a quarter of
an hour.
"""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.dagster_dev import REPOSITORY, eventually
from impressions_assets_tests.servers.deployed import Deployed
from impressions_assets_tests.servers.postgres import Postgres, programs

pytestmark = pytest.mark.skipif(
    programs() is None, reason="no PostgreSQL here: apt-get install postgresql"
)
pytest.importorskip("dagster_postgres", reason="the extra `deploy` is not installed")

NUM_CHANNELS = int(os.environ.get("IMPRESSIONS_TEST_CHANNELS", "10"))
CHANNELS = tuple(f"channel-{number:02}" for number in range(NUM_CHANNELS))
ASSETS = ("videos", "transcripts", "chapters")
SOONER = {"start_timeout_seconds: 180": "start_timeout_seconds: 90"}
"""How long a run that was killed before it began is waited for."""
LONGEST_WAIT_SECONDS = 900.0
ENDED = ("SUCCESS", "FAILURE")
NEVER_BEGUN = "NOT_STARTED"
"""Made by the daemon when the database went, and not queued: it holds nothing, another was made."""
AWAY_SECONDS = 20.0
"""How long the database is away: longer than Dagster tries to reach it (6 s), and a run dies."""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def deployed(postgres: Postgres, tmp_path: Path) -> Iterator[Deployed]:
    deployed = Deployed(tmp_path, postgres.environ, SOONER)
    deployed.prepare()
    with deployed:
        yield deployed


def test_webserver_daemon_and_code_server_make_a_channel_together(deployed: Deployed) -> None:
    begin(deployed, one := CHANNELS[:1])
    assert deployed.ended_backfill(deployed.launch_backfill(one, ASSETS)) == "COMPLETED_SUCCESS"
    assert [len(materializations(deployed, asset, *one)) for asset in ASSETS] == [1] * len(ASSETS)
    assert deployed.ended_services() == []


@pytest.mark.slow
def test_whatever_is_killed_in_a_backfill_each_channel_is_made_once_or_failed_and_made_again(
    deployed: Deployed, postgres: Postgres
) -> None:
    begin(deployed, CHANNELS)
    backfill = deployed.launch_backfill(CHANNELS, ASSETS)

    def until(num_channels: int) -> None:
        eventually(
            lambda: statuses(deployed, backfill)["SUCCESS"] >= num_channels,
            f"{num_channels} channels to be made",
            LONGEST_WAIT_SECONDS,
        )

    def until_under_way() -> None:
        def is_under_way() -> bool:
            stand = statuses(deployed, backfill)
            return stand["STARTED"] > 0 or stand["SUCCESS"] == len(CHANNELS)

        eventually(is_under_way, "a run to be under way", LONGEST_WAIT_SECONDS)

    until(len(CHANNELS) // 10)
    deployed.kill_service("code")  # and with it all runs that are under way
    deployed.start_service("code")
    until(len(CHANNELS) * 3 // 10)
    deployed.kill_service("daemon")
    deployed.start_service("daemon")
    until(len(CHANNELS) // 2)
    postgres.restart("fast")
    until_under_way()
    postgres.restart("immediate")
    until_under_way()
    postgres.crash()
    time.sleep(AWAY_SECONDS)
    postgres.start()
    back = time.time()
    until(len(CHANNELS))

    assert deployed.ended_backfill(backfill)
    assert deployed.ended_services() == []
    eventually(lambda: min(deployed.heartbeats().values()) > back, "the daemon to go on")
    runs = runs_by_channel(deployed, backfill)
    assert runs.keys() == set(CHANNELS)
    for channel, ours in runs.items():
        successes, failures = ours["SUCCESS"], ours["FAILURE"]
        assert len(successes) == 1, channel
        assert ours.keys() <= {*ENDED, NEVER_BEGUN}, "one never ended"
        for asset in ASSETS:
            makers = materializations(deployed, asset, channel)
            assert len(makers) == len(set(makers)), "a run made an asset twice"
            assert set(makers) <= {run["runId"] for run in (*successes, *failures)}
            assert len(makers) == 1 or failures, f"{asset} of {channel} was made without need"
    assert any(ours["FAILURE"] for ours in runs.values()), (
        "nothing was under way when it was killed"
    )
    home = Home(str(deployed.home / "storage"))
    for asset in ASSETS:
        assert [len(list(home.table(asset).rows(name))) for name in CHANNELS] == [1] * len(CHANNELS)
    assert deployed.ended(deployed.launch_data(CHANNELS[0], *ASSETS)) == "SUCCESS"
    assert {run["status"] for run in deployed.runs()} <= {*ENDED, NEVER_BEGUN}


def begin(deployed: Deployed, channels: Sequence[str]) -> None:
    """Add channels, whose first runs a person is to start, and start the daemon."""
    write_channels(deployed, channels)
    for name in ("new_channels", "automation", "due_retries"):
        stop_sensor(deployed, name)  # whose runs would come between
    for name in channels:
        add_partition(deployed, name)
    deployed.start_service("daemon")


def write_channels(deployed: Deployed, channels: Sequence[str]) -> None:
    """Write a channel of one text each to channels.yaml."""
    notes = deployed.home / "notes"
    for name in channels:
        (notes / name).mkdir(parents=True)
        (notes / name / "note.txt").write_text(f"What {name} says of itself. " * 20, "utf-8")
    lines = [f"  {n}:\n    sources:\n      - text: {notes / n}\n" for n in channels]
    home = Home(str(deployed.home / "storage"))
    home.store.write_text(CHANNELS_FILE, "channels:\n" + "".join(lines))


def stop_sensor(deployed: Deployed, name: str) -> None:
    found = deployed.query(
        """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) {
          ... on Sensor { sensorState { id } } } }""",
        s={**REPOSITORY, "sensorName": name},
    )["sensorOrError"]
    stopped = deployed.query(
        "mutation($id: String!) { stopSensor(id: $id) { __typename } }",
        id=found["sensorState"]["id"],
    )
    assert stopped["stopSensor"]["__typename"] == "StopSensorMutationResult", stopped


def add_partition(deployed: Deployed, name: str) -> None:
    added = deployed.query(
        """mutation($r: RepositorySelector!, $key: String!) { addDynamicPartition(
          repositorySelector: $r, partitionsDefName: "channel", partitionKey: $key
        ) { __typename } }""",
        r=REPOSITORY,
        key=name,
    )
    assert added["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess", added


def statuses(deployed: Deployed, backfill: str) -> Counter[str]:
    """How many runs of a backfill stand how; a query that costs a busy server little."""
    try:
        found = deployed.query(
            """query($filter: RunsFilter) { runsOrError(filter: $filter) {
              ... on Runs { results { status } } } }""",
            filter={"tags": [{"key": "dagster/backfill", "value": backfill}]},
        )["runsOrError"]["results"]
    except (AssertionError, OSError):  # the database is just coming back
        return Counter()
    time.sleep(1)
    return Counter(run["status"] for run in found)


def runs_by_channel(deployed: Deployed, backfill: str) -> dict[str, dict[str, list[Any]]]:
    """The runs of each channel, by their status."""
    runs: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for run in deployed.runs(dagster__backfill=backfill):
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        runs[tags["dagster/partition"]][run["status"]].append(run)
    return runs


def materializations(deployed: Deployed, asset: str, channel: str) -> list[str]:
    """The runs that made an asset of a channel."""
    found = deployed.query(
        """query($key: AssetKeyInput!, $of: [String!]) { assetOrError(assetKey: $key) {
          ... on Asset { assetMaterializations(partitions: $of) { runId } } } }""",
        key={"path": [asset]},
        of=[channel],
    )
    return [made["runId"] for made in found["assetOrError"]["assetMaterializations"]]
