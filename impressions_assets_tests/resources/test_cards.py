"""GPUs are held one by one: which there are, how many work at once, and who waits for whom."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.resources.cards import POOL, cards_for, cards_of, held, set_slots

TWO = ("3", "5")
SHOWN = "CUDA_VISIBLE_DEVICES"


def say(line: str) -> None:
    """Tell nobody."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """With a storage that knows of pools."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.mark.parametrize(
    ("visible", "cards"),
    [("3, 5", ["3", "5"]), ("", []), ("-1", []), ("GPU-a,MIG-b", ["GPU-a", "MIG-b"])],
)
def test_the_environment_says_which_cards_there_are(visible: str, cards: list[str]) -> None:
    assert cards_of(visible) == cards


def test_else_the_driver_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert cards_of(None) == []
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-1\necho GPU-2\n")
    program.chmod(0o755)
    assert cards_of(None) == ["GPU-1", "GPU-2"]
    program.write_text("#!/bin/sh\necho the driver is gone\nexit 9\n")
    assert cards_of(None) == []


def test_what_goes_on_another_device_needs_none() -> None:
    found = {device: cards_for(device, "3,5") for device in ("auto", "cuda", "cpu", "mps")}
    assert found == {"auto": ["3", "5"], "cuda": ["3", "5"], "cpu": [], "mps": []}


def test_as_many_steps_run_at_once_as_there_are_cards_unless_somebody_said(
    instance: dg.DagsterInstance,
) -> None:
    assert set_slots(instance, []) == set_slots(instance, ["3"]) == 1
    assert set_slots(instance, TWO) == 2
    assert [(x.name, x.limit) for x in instance.event_log_storage.get_pool_limits()] == [(POOL, 2)]
    assert set_slots(instance, [*TWO, "7"]) == 3  # other cards than last time
    assert set_slots(instance, []) == 1
    instance.event_log_storage.set_concurrency_slots(POOL, 2)
    assert set_slots(instance, []) == set_slots(instance, [*TWO, "7"]) == 2


def test_each_holds_a_card_of_its_own_and_gives_it_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        shown = [stack.enter_context(held(TWO, tmp_path, 1, say))[SHOWN] for _ in TWO]
    assert shown == ["3", "5"]
    with held(TWO, tmp_path, 1, say) as again:
        assert again == {SHOWN: "3"}


def test_who_wants_more_than_there_are_gets_all_and_without_cards_nothing_is_shown(
    tmp_path: Path,
) -> None:
    with held(TWO, tmp_path, 8, say) as shown:
        assert shown == {SHOWN: "3,5"}
    with held((), tmp_path, 1, say) as shown:
        assert shown == {}


def test_who_wants_all_waits_for_them_and_goes_before_those_that_come_later(
    tmp_path: Path,
) -> None:
    order: list[str] = []
    waits = {"all": threading.Event(), "one": threading.Event()}

    def take(name: str, count: int) -> None:
        with held(TWO, tmp_path, count, lambda line: waits[name].set()) as shown:
            order.append(f"{name}: {shown[SHOWN]}")

    with held(TWO, tmp_path, 1, say):
        wants_all = threading.Thread(target=take, args=("all", 2))
        wants_all.start()
        assert waits["all"].wait(30)
        comes_later = threading.Thread(target=take, args=("one", 1))
        comes_later.start()
        assert waits["one"].wait(30)
        assert order == []
    wants_all.join(30)
    comes_later.join(30)
    assert order == ["all: 3,5", "one: 3"]
