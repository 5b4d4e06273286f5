"""The one dimension: channels, by the name that sensors, jobs and assets share."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Connection, Engine, event

from impressions_assets.partitions import CHANNEL_DIMENSION, add_channel, channel_partitions


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_channels_can_be_added_while_everything_runs(instance: dg.DagsterInstance) -> None:
    add_channel(instance, "talks")
    add_channel(instance, "talks")

    assert channel_partitions.get_partition_keys(dynamic_partitions_store=instance) == ["talks"]


def test_a_channel_that_another_run_adds_at_this_moment_is_added_once(
    instance: dg.DagsterInstance,
) -> None:
    others: list[str] = []

    def be_first(
        connection: Connection, cursor: object, statement: str, values: Any, *_: object
    ) -> None:
        if statement.startswith("INSERT INTO dynamic_partitions") and not others:
            others.append(statement)
            with sqlite3.connect(str(connection.engine.url.database)) as other:
                other.execute(statement, values)

    event.listen(Engine, "before_cursor_execute", be_first)
    try:
        add_channel(instance, "talks")
    finally:
        event.remove(Engine, "before_cursor_execute", be_first)

    assert others
    assert instance.get_dynamic_partitions(CHANNEL_DIMENSION) == ["talks"]
