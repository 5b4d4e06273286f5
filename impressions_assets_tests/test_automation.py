"""The automation condition, tick by tick: no change of content is lost, and nothing else fires.

A tick is what the automation sensor does every 30 seconds. Between ticks a test gives an input new
or the same content, or runs what was requested, with things happening while it runs.
"""

from collections.abc import Sequence
from functools import cache

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impressions_assets.automation import upstream_content_changed
from impressions_assets.partitions import channel_partitions

AC = dg.AutomationCondition
CHANGED = AC.any_deps_match(AC.data_version_changed())
FOLLOWER = dg.AssetSelection.assets("follower")
SIMPLER = {
    "eager": AC.eager(),
    "updated since requested": AC.any_deps_match(AC.newly_updated()).since(AC.newly_requested()),
    "changed since requested": CHANGED.since(AC.newly_requested()),
}
Step = str | tuple["Step", ...]  # a tuple: a run of what was requested, with steps inside
RUN: Step = ()
SCENARIOS: dict[str, list[Step]] = {
    "one change": ["first new", "tick", RUN],
    "the same content again": ["first same", "tick", RUN, "second same", "tick", RUN],
    "both inputs in one tick": ["first new", "second new", "tick", RUN],
    "one input after the other": ["first new", "tick", RUN, "second new", "tick", RUN],
    "a change while it runs": ["first new", "tick", ("first new", "tick"), "tick", RUN],
    "a change in the tick in which it ends": ["first new", "tick", ("first new",), "tick", RUN],
    "changes between request and run": [*["first new", "tick", "first new", "tick"] * 2, RUN],
    "a change in each tick": ["first new", "tick", ("first new",), "tick", ("second new",), "tick"],
    "many ticks while it runs": ["first new", "tick", ("tick", "second new", "tick", "tick")],
}


class World:
    """A channel's two inputs, the asset that follows them, and the ticks between."""

    def __init__(self, condition: dg.AutomationCondition, instance: dg.DagsterInstance) -> None:
        inputs = [dg.AssetSpec(n, partitions_def=channel_partitions) for n in ("first", "second")]

        @dg.asset(partitions_def=channel_partitions, deps=inputs, automation_condition=condition)
        def follower() -> None:
            self.seen = dict(self.contents)
            for step in self._during:
                self.do(step)

        self._instance = instance
        self._follower = follower
        self._defs = dg.Definitions([*inputs, follower])
        self._cursor: dg.AssetDaemonCursor | None = None  # type: ignore[name-defined]
        self._during: Sequence[Step] = ()
        self._requested = False
        self.contents: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        self.runs = self.idle_runs = 0
        instance.add_dynamic_partitions("channel", ["talks"])
        # Dagster asks the database for them hundreds of times a tick, and here they stay the same.
        instance.get_dynamic_partitions = cache(instance.get_dynamic_partitions)  # type: ignore[method-assign]

    def do(self, step: Step) -> None:
        if isinstance(step, tuple):
            self.run(step)
        elif step == "tick":
            self.tick()
        else:
            name, content = step.split()
            self.update(name, self.contents.get(name, 0) + (content == "new"))

    def update(self, name: str, content: int) -> None:
        """An input's run ends, with this content."""
        self.contents[name] = content
        self._instance.report_runless_asset_event(
            dg.AssetMaterialization(
                name, partition="talks", tags={"dagster/data_version": str(content)}
            )
        )

    def tick(self) -> bool:
        """Evaluate once; return whether the follower was requested."""
        result = dg.evaluate_automation_conditions(
            self._defs, self._instance, FOLLOWER, cursor=self._cursor
        )
        self._cursor = result.cursor
        requested = result.total_requested == 1
        self._requested |= requested
        return requested

    def run(self, during: Sequence[Step] = ()) -> None:
        """Run the follower, if it was requested."""
        if not self._requested:
            return
        self._requested = False
        self._during = during
        self.runs += 1
        self.idle_runs += self.seen == self.contents
        dg.materialize([self._follower], partition_key="talks", instance=self._instance)

    def start(self) -> None:
        """Everything is there and up to date, as after a channel's first run."""
        self.update("first", 0)
        self.update("second", 0)
        self.tick()
        self._requested = True
        self.run()
        self.tick()
        self._requested = False
        self.tick()
        self.runs = self.idle_runs = 0

    def settle(self) -> None:
        """Let the daemon tick on until it asks for nothing more."""
        for _ in range(8):
            self.tick()
            if not self._requested:
                return
            self.run()
        raise AssertionError("it never comes to rest")


def faults(condition: dg.AutomationCondition, steps: Sequence[Step]) -> list[str]:
    """What a condition does wrong in a scenario."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(condition, instance)
        world.start()
        for step in steps:
            world.do(step)
        world.settle()
        lost = ["an update is lost"] if world.seen != world.contents else []
        return lost + (["it runs for nothing"] if world.idle_runs else [])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_change_is_lost_and_nothing_runs_without_one(scenario: str) -> None:
    assert faults(upstream_content_changed, SCENARIOS[scenario]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMPLER)
def test_simpler_conditions_do_not_pass_this_test(name: str) -> None:
    failing = (scenario for scenario in SCENARIOS.values() if faults(SIMPLER[name], scenario))
    assert next(failing, None), "a simpler condition would do: use it"


_HAPPENING = st.sampled_from(["first new", "first same", "second new", "tick", "tick"])
_STEPS = st.lists(st.one_of(_HAPPENING, st.lists(_HAPPENING, max_size=3).map(tuple)), max_size=8)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(steps=_STEPS)
def test_no_order_of_events_loses_a_change(steps: list[Step]) -> None:
    assert "an update is lost" not in faults(upstream_content_changed, steps)


@pytest.mark.slow
def test_nothing_is_requested_while_an_input_is_missing_and_then_it_is() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(upstream_content_changed, instance)
        world.tick()
        world.update("first", 1)
        assert [world.tick(), world.tick()] == [False, False]
        world.update("second", 1)
        assert world.tick()
        world.run()
        assert [world.tick(), world.tick()] == [False, False]


def test_a_new_channel_is_left_to_its_first_run() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(upstream_content_changed, instance)
        assert [world.tick(), world.tick()] == [False, False]


@pytest.mark.slow
def test_it_waits_while_an_input_is_being_made() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("channel", ["talks"])
        content, requested, cursor = 0, [], None

        def tick() -> None:
            nonlocal cursor
            result = dg.evaluate_automation_conditions(
                [source, follower], instance, FOLLOWER, cursor=cursor
            )
            cursor = result.cursor
            requested.append(result.total_requested)

        @dg.asset(partitions_def=channel_partitions)
        def source() -> dg.MaterializeResult:
            tick()
            return dg.MaterializeResult(data_version=dg.DataVersion(str(content)))

        @dg.asset(
            partitions_def=channel_partitions,
            deps=[source],
            automation_condition=upstream_content_changed,
        )
        def follower() -> None: ...

        dg.materialize([source, follower], partition_key="talks", instance=instance)
        tick()
        tick()
        requested.clear()
        for content in (1, 2):  # noqa: B007 - read by `source`
            dg.materialize([source], partition_key="talks", instance=instance)
        tick()
        assert requested == [0, 0, 1]


def test_channels_that_change_together_are_runs_of_their_own_and_no_backfill() -> None:
    """Dagster failed the backfill of two channels, and lost the updates of both."""
    from impressions_assets.sensors import automation

    assert not automation.emit_backfills
