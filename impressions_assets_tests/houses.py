"""A house to live in for one test: a home, its channels, and runs of its jobs in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg

from impressions_assets.channels.file import add_channel
from impressions_assets.channels.source_argument import source_of
from impressions_assets.definitions import defs
from impressions_assets.errors import TrainingError
from impressions_assets.gpt.manifest import Manifest, read_manifest
from impressions_assets.gpt.run import TrainingRun
from impressions_assets.gpt.shards import read_documents
from impressions_assets.gpt.tokenizer import load_tokenizer
from impressions_assets.partitions import CHANNEL_DIMENSION
from impressions_assets.resources.children import Children
from impressions_assets.settings import load_settings
from impressions_assets.storage.home import Home


class Run:
    """A run that has ended."""

    def __init__(self, result: dg.ExecuteInProcessResult) -> None:
        self.result = result
        self.ok = result.success

    def metadata(self, asset: str) -> dict[str, Any]:
        """The metadata of a materialization of this run, as plain values."""
        (made,) = [
            event.materialization
            for event in self.result.get_asset_materialization_events()
            if event.asset_key == dg.AssetKey(asset)
        ]
        return {name: value.value for name, value in made.metadata.items()}

    def computed(self) -> dict[str, int]:
        """How many videos each table's asset computed."""
        found = {
            event.asset_key.to_user_string(): event.materialization.metadata
            for event in self.result.get_asset_materialization_events()
            if event.asset_key
        }
        return {name: data["computed"].value for name, data in found.items() if "computed" in data}

    def failure(self) -> str:
        """The one message of a failed run, as the user sees it."""
        (event,) = [e for e in self.result.all_events if e.is_step_failure]
        data = event.step_failure_data
        assert data.user_failure_data is not None, data.error
        return str(data.user_failure_data.description)

    def check(self, asset: str, name: str) -> dg.AssetCheckEvaluation:
        (found,) = [
            e
            for e in self.result.get_asset_check_evaluations()
            if (e.asset_key.to_user_string(), e.check_name) == (asset, name)
        ]
        return found


class ChildrenHere(Children):
    """Runs what would be a child in this process: torch is imported once, not in each test.

    Tests that are marked slow start real children.
    """

    given: ClassVar[list[tuple[str, dict[str, str]]]] = []
    """The environment of each, beside our own."""

    def run(
        self,
        context: dg.AssetExecutionContext,
        module: str,
        file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run the module's `main`, on one thread: two workers of tests would wait in each other."""
        self.given.append((module, dict(environment or {})))
        import torch

        torch.set_num_threads(1)
        if file.name == "run.json":
            run = TrainingRun.load(file)
            run.model_copy(update={"parent_pid": None}).save(file)
        if import_module(module).main([str(file)]):
            raise TrainingError(file.with_suffix(".error").read_text("utf-8"))


@dataclass
class House:
    """A home, its channels, and the runs that fill it."""

    folder: Path
    instance: dg.DagsterInstance
    real_children: bool = False
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.home = Home(load_settings().storage)
        children = Children() if self.real_children else ChildrenHere()
        self._defs = dg.Definitions(
            assets=defs.assets,
            jobs=defs.jobs,
            resources={**(defs.resources or {}), "children": children},
            executor=defs.executor,
        )

    def declare(self, name: str, *sources: Path | Mapping[str, Any], **settings: Any) -> str:
        """Write a channel into channels.yaml, and make it a partition."""
        specs = [source_of(str(s)) if isinstance(s, Path) else s for s in sources]
        text = self.home.store.read_text("channels.yaml") or ""
        self.home.store.write_text("channels.yaml", add_channel(text, name, specs, **settings))
        self.instance.add_dynamic_partitions(CHANNEL_DIMENSION, [name])
        return name

    def data(self, channel: str, *assets: str) -> Run:
        """Run the job `channel_data`, or some of its assets."""
        return self._run("channel_data", channel, assets, {})

    def model(self, channel: str, *assets: str, **flags: Any) -> Run:
        """Run the job `channel_model`, or some of its assets, with training flags."""
        config = {"ops": {"checkpoint": {"config": flags}}} if flags else {}
        return self._run("channel_model", channel, assets, config)

    def _run(self, job: str, channel: str, assets: Sequence[str], config: Any) -> Run:
        return Run(
            self._defs.resolve_job_def(job).execute_in_process(
                run_config=config,
                instance=self.instance,
                partition_key=channel,
                asset_selection=[dg.AssetKey(name) for name in assets] or None,
                raise_on_error=False,
            )
        )

    def ids(self, table: str, channel: str) -> set[str]:
        return {video_id for (video_id,) in self.home.table(table).columns(channel, "video_id")}

    def shards(self, channel: str) -> tuple[Path, Manifest]:
        """The current shards, as local files."""
        current = self.home.version(channel, "token_shards")
        folder = self.folder / "fetched" / current.digest
        self.home.store.fetch(current.files, folder)
        return folder, read_manifest(folder)

    def decoded(self, channel: str) -> dict[str, str]:
        """The text of each document in the shards; parts of one document joined."""
        row = self.home.version(channel, "tokenizer")
        tokenizer = load_tokenizer(
            self.home.store.fetch(row.files, self.folder / "fetched" / row.digest)
        )
        texts: dict[str, str] = {}
        for video_id, text in read_documents(*self.shards(channel), tokenizer):
            texts[video_id] = texts.get(video_id, "") + text
        return texts

    def data_version(self, asset: str, channel: str) -> str:
        record = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[channel]), limit=1
        ).records[0]
        return record.asset_materialization.tags["dagster/data_version"]
