"""Channels that nobody looks at: the check that only time can fail."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from impressions_assets import staleness
from impressions_assets.alerts import alerts
from impressions_assets.assets.videos import IS_FRESH
from impressions_assets.resources.impressions import Impressions
from impressions_assets.runs import open_instance
from impressions_assets.staleness import mark_stale, stale_channels, stale_of
from impressions_assets.storage.home import Home

VIDEOS = dg.AssetKey("videos")
HOUR = 3600.0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """As a home has it by default, where SQLite keeps the events."""
    with open_instance(tmp_path / "dagster") as opened:
        yield opened


def look_at(instance: dg.DagsterInstance, *channels: str) -> None:
    for name in channels:
        looked = dg.AssetMaterialization(asset_key=VIDEOS, partition=name)
        instance.report_runless_asset_event(looked)


def test_a_channel_is_stale_when_its_last_look_is_too_old(instance: dg.DagsterInstance) -> None:
    hours_of = {"old": 48.0, "daily": 24.0, "new": 48.0, "never": 48.0}
    assert stale_of(instance, hours_of, time.time()) == {}
    look_at(instance, "old", "daily")
    between = time.time()
    look_at(instance, "new", "unknown")
    assert stale_of(instance, hours_of, time.time()) == {}
    assert stale_of(instance, hours_of, between + 24 * HOUR) == {"daily": 24.0}
    assert stale_of(instance, hours_of, between + 48 * HOUR) == {"daily": 24.0, "old": 48.0}
    look_at(instance, "old")
    assert stale_of(instance, hours_of, between + 48 * HOUR) == {"daily": 24.0}


class House:
    """A home with two channels, of which one may be looked at hourly."""

    def __init__(self, instance: dg.DagsterInstance, folder: Path) -> None:
        self.instance, self.root = instance, str(folder / "storage")
        channels = (
            "channels:\n  talks:\n    sources: [{archive: /a}]\n"
            "  hourly:\n    sources: [{archive: /b}]\n    stale_after_hours: 1.5\n"
        )
        Home(self.root).store.write_text("channels.yaml", channels)
        instance.add_dynamic_partitions("channel", ["talks", "hourly"])
        self.cursors: dict[str, str | None] = {}
        self.num_runs = 0

    def passed(self, channel: str) -> None:
        """Pass the check, as `videos` does in its run."""

        @dg.op
        def look(context: dg.OpExecutionContext) -> None:
            context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=VIDEOS,
                    check_name=IS_FRESH,
                    passed=True,
                    partition=channel,
                    metadata={},
                )
            )

        @dg.job
        def looked() -> None:
            look()

        assert looked.execute_in_process(instance=self.instance).success

    def tick(self, sensor: Any) -> str | None:
        """Evaluate a sensor, and run what it asks for, as the daemon does."""
        before = self.cursors.get(sensor.name)
        with dg.build_sensor_context(instance=self.instance, cursor=before) as context:
            found = sensor(context, impressions=Impressions(storage=self.root))
        for request in found.run_requests or ():
            self.num_runs += 1
            config = request.run_config
            assert mark_stale.execute_in_process(config, instance=self.instance).success
        self.cursors[sensor.name] = found.cursor
        return found.skip_reason.skip_message if found.skip_reason else None


def test_a_stale_channel_is_told_once_until_it_is_looked_at(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setenv("IMPRESSIONS_ALERT_WEBHOOK", "http://127.0.0.1:9")
    monkeypatch.setattr("impressions_assets.notices._post", lambda _to, text: told.append(text))
    house = House(instance, tmp_path)
    house.tick(alerts)
    for times in (1, 2):  # a channel may become stale again
        monkeypatch.setattr(staleness, "time", time)
        look_at(instance, "talks", "hourly")
        house.passed("hourly")
        assert house.tick(stale_channels) == "0 of 2 channels are stale"
        house.tick(alerts)

        later = time.time() + 2 * HOUR
        monkeypatch.setattr(staleness, "time", SimpleNamespace(time=lambda at=later: at))
        assert house.tick(stale_channels) is None
        assert house.tick(stale_channels) == "1 of 2 channels are stale"
        house.tick(alerts)
        assert house.num_runs == len(told) == times
        assert "hourly: videos is_fresh failed. no_look_for_hours: 1.5" in told[-1]
