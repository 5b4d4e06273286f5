"""The sensors, called as the daemon calls them: who gets a run, who gets none, and why."""

import socket
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets import sensors
from impressions_assets.definitions import defs
from impressions_assets.errors import Blocked, ConfigError
from impressions_assets.resources.impressions import Impressions
from impressions_assets.rows import Failed
from impressions_assets.runs import open_instance
from impressions_assets.sensors import partition_changes
from impressions_assets.storage.attempts import keep_pause
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import settle
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House

NAMES = st.sets(st.sampled_from("abcde"))


def call(sensor: Any, house: House, cursor: str | None = None) -> Any:
    """Return a sensor's result, or its requests and its new cursor."""
    with dg.build_sensor_context(instance=house.instance, cursor=cursor) as context:
        found = sensor(context, impressions=Impressions(storage=house.home.root))
        return found if isinstance(found, dg.SensorResult) else (list(found), context.cursor)


def keys(requests: Iterable[dg.RunRequest]) -> list[tuple[str, str | None]]:
    return [(str(request.run_key), request.partition_key) for request in requests]


def write(house: House, archive: Archive, *names: str, more: str = "") -> None:
    """Write channels.yaml; nobody has made partitions of it yet."""
    channels = [
        f"  {name}:\n    sources: [{{archive: {archive.folder}}}]\n{more}" for name in names
    ]
    house.home.store.write_text("channels.yaml", "channels:\n" + "".join(channels))


@given(wanted=NAMES, existing=NAMES, started=NAMES)
def test_channels_are_added_and_started_once_and_never_removed(
    wanted: set[str], existing: set[str], started: set[str]
) -> None:
    changes = partition_changes(wanted, existing, started)
    assert set(changes.add) == wanted - existing
    assert set(changes.first_runs) == wanted - started
    after = partition_changes(wanted, existing | set(changes.add), started | wanted)
    assert after == ([], [])


def test_a_new_channel_becomes_a_partition_with_one_first_run(
    house: House, archive: Archive
) -> None:
    write(house, archive, "talks", "more")
    first = call(sensors.new_channels, house)
    assert keys(first.run_requests) == [("first:more", "more"), ("first:talks", "talks")]
    assert first.run_requests[1].tags["impressions/lane"] == "talks:data"
    (addition,) = first.dynamic_partitions_requests
    assert list(addition.partition_keys) == ["more", "talks"]
    house.instance.add_dynamic_partitions("channel", ["more", "talks"])
    again = call(sensors.new_channels, house, first.cursor)
    assert (again.run_requests, again.dynamic_partitions_requests) == ([], [])


def test_a_channel_that_came_by_the_command_line_is_started_without_being_added_again(
    house: House, archive: Archive
) -> None:
    house.declare("talks", archive.folder)
    result = call(sensors.new_channels, house)
    assert keys(result.run_requests) == [("first:talks", "talks")]
    assert result.dynamic_partitions_requests == []


def test_a_channel_that_left_the_file_and_came_back_has_no_second_first_run(
    house: House, archive: Archive
) -> None:
    write(house, archive, "talks", "gone")
    cursor = call(sensors.new_channels, house).cursor
    house.instance.add_dynamic_partitions("channel", ["gone", "talks"])
    write(house, archive, "talks")
    retired = call(sensors.new_channels, house, cursor)
    assert (retired.run_requests, retired.dynamic_partitions_requests) == ([], [])
    write(house, archive, "talks", "gone")
    back = call(sensors.new_channels, house, retired.cursor)
    assert (back.run_requests, back.dynamic_partitions_requests) == ([], [])


def test_without_a_channels_yaml_there_is_nothing_to_do(house: House) -> None:
    result = call(sensors.new_channels, house)
    assert (result.run_requests, result.dynamic_partitions_requests) == ([], [])
    assert call(sensors.due_retries, house)[0] == []
    assert call(sensors.due_trainings, house)[0] == []


@pytest.mark.parametrize("name", ["new_channels", "due_retries", "due_trainings"])
def test_a_malformed_channels_yaml_fails_the_tick_with_its_line(house: House, name: str) -> None:
    house.instance.add_dynamic_partitions("channel", ["talks"])
    house.home.store.write_text("channels.yaml", "channels:\n  talks:\n    surces: []\n")
    with pytest.raises(ConfigError, match=r"channels\.yaml:3: .*surces"):
        call(getattr(sensors, name), house)


def fail(house: House, channel: str, tried: datetime, *, retry: bool = True) -> None:
    """Record that a video of a channel failed at a time; its first retry is 5 minutes later."""
    failure = Failed(video_id="talk-a", error="away", retry=retry)
    settle(house.home, channel, "transcripts", [], [failure], {}, tried)


def test_a_channel_is_started_when_the_retry_of_one_of_its_videos_is_due(
    house: House, archive: Archive
) -> None:
    for name in ("due", "later", "permanent", "fine"):
        house.declare(name, archive.folder)
    now = datetime.now(UTC)
    fail(house, "due", now - timedelta(minutes=6))
    fail(house, "later", now)
    fail(house, "permanent", now - timedelta(days=9), retry=False)
    requests, _ = call(sensors.due_retries, house)
    assert [request.partition_key for request in requests] == ["due"]
    assert requests[0].tags["impressions/lane"] == "due:data"
    # The same retry has the same run key, so Dagster starts it once; the next one has another.
    assert keys(call(sensors.due_retries, house)[0]) == keys(requests)
    fail(house, "due", now - timedelta(minutes=20))
    assert keys(call(sensors.due_retries, house)[0]) != keys(requests)


def test_no_retry_is_due_in_a_stage_that_waits_as_a_whole(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    now = datetime.now(UTC)
    fail(house, "talks", now - timedelta(hours=1))

    def pause(until: datetime) -> None:
        keep_pause(house.home, "talks", "transcripts", Blocked("a robot?", until, "captions"))

    pause(now + timedelta(hours=5))
    assert call(sensors.due_retries, house)[0] == []
    house.declare("more", archive.folder)
    fail(house, "more", now - timedelta(hours=1))
    assert [r.partition_key for r in call(sensors.due_retries, house)[0]] == ["more"]
    settle(house.home, "more", "transcripts", {key_of("talk-a")}, [], {}, now)
    pause(now - timedelta(minutes=1))
    assert [r.partition_key for r in call(sensors.due_retries, house)[0]] == ["talks"]


@pytest.mark.slow
def test_a_retired_channel_is_not_retried(house: House, archive: Archive) -> None:
    house.declare("talks", archive.folder)
    fail(house, "talks", datetime.now(UTC) - timedelta(hours=1))
    house.home.store.write_text("channels.yaml", "channels: {}\n")
    assert call(sensors.due_retries, house)[0] == []


def published(house: House, channel: str, kind: str, train_tokens: int) -> None:
    file = house.folder / f"{kind}-{train_tokens}"
    file.write_text(file.name)
    facts = {"train_tokens": train_tokens}
    house.home.publish(channel, kind, {"file": file}, made_from=file.name, facts=facts)


@pytest.mark.parametrize(
    ("retrain", "tokens", "due"),
    [
        ("", 10_000, False),
        ("    retrain: {after_new_tokens_percent: 20}\n", 1_190, False),
        ("    retrain: {after_new_tokens_percent: 20}\n", 1_200, True),
    ],
)
def test_training_starts_by_itself_only_when_a_channel_has_grown_as_it_says(
    house: House, archive: Archive, retrain: str, tokens: int, due: bool
) -> None:
    write(house, archive, "talks", more=retrain)
    house.instance.add_dynamic_partitions("channel", ["talks"])
    published(house, "talks", "token_shards", 1_000)
    published(house, "talks", "checkpoint", 1_000)
    assert call(sensors.due_trainings, house)[0] == []
    published(house, "talks", "token_shards", tokens)
    requests, _ = call(sensors.due_trainings, house)
    assert keys(requests) == ([("grown:talks:2", "talks")] if due else [])
    assert all(request.tags["impressions/lane"] == "talks:model" for request in requests)


def test_the_growth_of_all_channels_is_that_of_their_current_shards_and_newest_models(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("bytes")

    def publish(channel: str, kind: str, num_tokens: int) -> None:
        home.publish(
            channel,
            kind,
            {"file": tmp_path / "file"},
            made_from=str(num_tokens),
            facts={"train_tokens": num_tokens},
            promote=lambda current: kind == "token_shards" or current is None,
        )

    publish("talks", "token_shards", 100)
    publish("talks", "checkpoint", 100)
    publish("talks", "token_shards", 150)
    publish("talks", "checkpoint", 150)  # not promoted: it is the newest nevertheless
    publish("notes", "token_shards", 7)
    publish("retired", "checkpoint", 9)

    assert sensors.growths_of_all(home) == {"talks": (2, 150, 150), "notes": (1, 7, None)}


def test_growth_alone_does_not_start_a_first_training(house: House, archive: Archive) -> None:
    write(house, archive, "talks", more="    retrain: {after_new_tokens_percent: 1}\n")
    house.instance.add_dynamic_partitions("channel", ["talks"])
    published(house, "talks", "token_shards", 1_000_000)
    assert call(sensors.due_trainings, house)[0] == []


def test_a_scheduled_training_starts_once_after_its_time(house: House, archive: Archive) -> None:
    write(house, archive, "talks", more='    retrain: {schedule: "* * * * *"}\n')
    house.instance.add_dynamic_partitions("channel", ["talks"])
    assert call(sensors.due_trainings, house, "2020-01-01T00:00:00+00:00")[0] == []  # no shards
    published(house, "talks", "token_shards", 1_000)
    assert call(sensors.due_trainings, house)[0] == []  # its first look is no due time
    long_ago = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    requests, cursor = call(sensors.due_trainings, house, long_ago)
    assert [request.partition_key for request in requests] == ["talks"]
    if datetime.now(UTC).minute == datetime.fromisoformat(cursor).minute:
        assert call(sensors.due_trainings, house, cursor)[0] == []


def test_a_new_channel_of_the_file_alone_is_not_trained_before_it_is_a_partition(
    house: House, archive: Archive
) -> None:
    write(house, archive, "talks", more='    retrain: {schedule: "* * * * *"}\n')
    published(house, "talks", "token_shards", 1_000)
    assert call(sensors.due_trainings, house, "2020-01-01T00:00:00+00:00")[0] == []


def test_the_nightly_sweep_visits_every_channel_that_is_not_retired(
    house: House, archive: Archive, tmp_path: Path
) -> None:
    write(house, archive, "talks", "more", "new")
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        dg.build_schedule_context(instance=instance) as context,
    ):
        instance.add_dynamic_partitions("channel", ["talks", "more", "retired"])
        requests = sensors.nightly_sweep(context, impressions=Impressions(storage=house.home.root))
        assert [request.partition_key for request in requests] == ["more", "talks"]


@dg.op
def waits() -> None: ...


@dg.job
def waiting() -> None:
    waits()


def started_run(instance: dg.DagsterInstance, mark: str) -> str:
    """A run that is marked as started, with the mark of a process."""
    run = instance.create_run_for_job(waiting, tags={"impressions/process": mark})
    instance.report_engine_event("started", run)
    instance.handle_new_event(_started(run))
    return run.run_id


def _started(run: dg.DagsterRun) -> dg.EventLogEntry:
    return dg.EventLogEntry(
        error_info=None,
        level="debug",
        user_message="",
        run_id=run.run_id,
        timestamp=datetime.now(UTC).timestamp(),
        job_name=run.job_name,
        dagster_event=dg.DagsterEvent("PIPELINE_START", run.job_name),
    )


def test_a_run_whose_process_is_gone_is_ended_and_a_living_one_is_not(
    house: House, tmp_path: Path
) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    created = psutil.Process(child.pid).create_time()
    mark = f"{socket.gethostname()}/{child.pid}/{created:.2f}"
    ours = started_run(house.instance, mark)
    elsewhere = started_run(house.instance, f"another-machine/{child.pid}/1.0")

    def tick() -> str:
        with dg.build_sensor_context(instance=house.instance) as context:
            return str(sensors.dead_runs(context))

    assert "no dead runs" in tick()
    child.communicate(b"\n")
    assert ours in tick()
    status = {run.run_id: run.status for run in house.instance.get_runs()}
    assert status == {ours: dg.DagsterRunStatus.FAILURE, elsewhere: dg.DagsterRunStatus.STARTED}
    assert "no dead runs" in tick()


@pytest.mark.parametrize(
    "sensor",
    [one for one in defs.sensors or () if one.name != "automation"],  # the daemon's own work
    ids=lambda sensor: sensor.name,
)
def test_each_sensor_ticks_again_and_again_in_a_home_as_it_is_by_default(
    sensor: dg.SensorDefinition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's stores are not those of memory: one sensor ended each tick with an error there."""
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path))
    cursor = None
    with open_instance(tmp_path / "dagster") as instance:
        for _ in range(2):
            with dg.build_sensor_context(
                instance, cursor, definitions=defs, resources={"impressions": Impressions()}
            ) as context:
                cursor = sensor.evaluate_tick(context).cursor
