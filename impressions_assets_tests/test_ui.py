"""The Dagster UI in a real browser, as people click through it (docs/ui.md).

The tests share one server, and stand in the order of the page. With PICTURES naming a folder they
leave there what they saw.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.demo.render import write_archive
from impressions_assets.jobs import CHAT_ASSETS, DATA_ASSETS, MODEL_ASSETS
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.chromium import chromium
from impressions_assets_tests.servers.dagster_dev import DagsterDev, eventually, small_channel

browsers = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]

CHANNELS = ("lectures", "talks")
GROUPS = ("sources", "speech", "text", "gpt", "chat")


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterDev]:
    """Two channels with the demo's talks, whose data is made, and a training of one of them."""
    with DagsterDev(tmp_path_factory.mktemp("ui"), CUDA_VISIBLE_DEVICES="") as dev:
        texts = []
        for name in CHANNELS:
            write_archive(dev.home / name)
            texts.append(small_channel(name, dev.home / name, max_iters=200, eval_iters=4))
            texts.append("    chat: {variants: {own: {max_steps: 20}}}\n")
        home = Home(str(dev.home / "storage"))
        home.store.write_text(CHANNELS_FILE, "channels:\n" + "".join(texts))
        for name in CHANNELS:
            *_, first = eventually(
                lambda name=name: dev.runs(dagster__partition=name), f"the first run of {name}"
            )
            assert dev.ended(first["runId"]) == "SUCCESS"
        assert dev.ended(dev.launch_training("talks")) == "SUCCESS"
        yield dev


@pytest.fixture(scope="module")
def tab(dev: DagsterDev) -> Iterator[Any]:
    """A tab of a headless Chromium."""
    with browsers.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1400, "height": 860}, base_url=dev.url)
        tab.set_default_timeout(120_000)
        yield tab
        browser.close()


@pytest.fixture
def picture(tab: Any) -> Callable[[str], None]:
    """Leaves a picture of the tab, where PICTURES says so."""

    def take(name: str) -> None:
        if folder := os.environ.get("PICTURES"):
            tab.wait_for_timeout(10_000)  # it moves into its place, and takes on colours
            tab.screenshot(path=Path(folder) / f"{name}.png")

    return take


def seen(tab: Any, text: str) -> Any:
    """What stands on the page; other copies of it only measure how wide it is."""
    return tab.get_by_text(text, exact=True).filter(visible=True)


def test_the_lineage_shows_every_asset_in_its_group(
    tab: Any, picture: Callable[[str], None]
) -> None:
    groups = ",".join(f"global@global:{group}" for group in GROUPS)
    tab.goto(f"/asset-groups?expanded={quote(groups)}")
    for asset in (*DATA_ASSETS, *MODEL_ASSETS, *CHAT_ASSETS):
        seen(tab, asset).last.wait_for()
    picture("lineage")


def test_a_channel_is_materialized_from_the_page_and_turns_green(
    dev: DagsterDev, tab: Any, picture: Callable[[str], None]
) -> None:
    run = materialized(dev, tab, "chapters")
    seen(tab, "videos_with_chapters").first.wait_for()
    assert seen(tab, "Materialized (2)").count() == 1
    tab.get_by_text(run[:8]).filter(visible=True).first.wait_for()
    picture("materialized")


def test_the_loss_curve_of_a_training_is_drawn(tab: Any, picture: Callable[[str], None]) -> None:
    tab.goto("/assets/checkpoint?view=partitions&partition=talks")
    seen(tab, "[Show Markdown]").first.click()
    curve = tab.locator("img[src^='data:image']").first
    curve.wait_for()
    assert curve.evaluate("image => image.naturalWidth") > 300
    picture("checkpoint")


def test_a_chat_model_is_tuned_from_the_page_and_answers(
    dev: DagsterDev, tab: Any, picture: Callable[[str], None]
) -> None:
    materialized(dev, tab, "chat_model")
    seen(tab, "share_right").first.wait_for()
    picture("chat_model")
    said = dev.command("ask", "talks", "What does a checkpoint hold?", "--no-guard")
    assert "https://" in said, "no source is told"


def test_a_backfill_of_all_channels_is_launched_from_the_page(
    dev: DagsterDev, tab: Any, picture: Callable[[str], None]
) -> None:
    choose(tab, "chapters")
    tab.get_by_role("button", name="All", exact=True).click()
    tab.get_by_role("button", name="Launch backfill").click()
    (backfill,) = eventually(lambda: backfills(dev), "the backfill that was launched")
    assert dev.ended_backfill(backfill) == "COMPLETED_SUCCESS"
    runs = dev.runs(dagster__backfill=backfill)
    assert [run["status"] for run in runs] == ["SUCCESS", "SUCCESS"]
    tab.goto(f"/runs/b/{backfill}")
    seen(tab, "chapters").first.wait_for()
    picture("backfill")


def materialized(dev: DagsterDev, tab: Any, asset: str) -> str:
    """Materialize an asset of the channel `talks` from its page; gives the run, and looks at it."""
    before = {run["runId"] for run in dev.runs(dagster__partition="talks")}
    choose(tab, asset)
    seen(tab, "Select a partition or create one").click()
    tab.locator("[class*=popover]").get_by_text("talks", exact=True).filter(
        visible=True
    ).last.click()
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Launch 1 run").click()

    def ours() -> str | None:
        new = [run for run in dev.runs(dagster__partition="talks") if run["runId"] not in before]
        sensor = "dagster/sensor_name"  # of a run that automation began meanwhile
        ours = [run for run in new if sensor not in {tag["key"] for tag in run["tags"]}]
        return ours[0]["runId"] if ours else None

    run = eventually(ours, f"the run of {asset} that was launched")
    assert dev.ended(run) == "SUCCESS"
    tab.goto(f"/assets/{asset}?view=partitions&partition=talks")
    return str(run)


def choose(tab: Any, asset: str) -> None:
    """Press "Materialize…" on an asset's page: the dialog that asks for partitions opens."""
    tab.goto(f"/assets/{asset}?view=partitions")
    seen(tab, "lectures").first.wait_for()
    tab.get_by_role("button", name="Materialize").first.click()
    seen(tab, f"Launch runs to materialize {asset}").wait_for()


def backfills(dev: DagsterDev) -> list[str]:
    found = dev.query(
        """{ partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }"""
    )
    return [one["id"] for one in found["partitionBackfillsOrError"]["results"]]
