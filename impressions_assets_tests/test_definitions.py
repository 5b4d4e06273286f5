"""What Dagster loads: every asset described, owned and partitioned; data and training apart."""

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.definitions import defs
from impressions_assets.jobs import CHAT_ASSETS, DATA_ASSETS, MODEL_ASSETS

ROOT = Path(__file__).parent.parent
GRAPH = defs.resolve_asset_graph()
NAMES = [*DATA_ASSETS, *MODEL_ASSETS, *CHAT_ASSETS]
GROUPS = {
    "sources": {"videos"},
    "speech": {"transcripts"},
    "text": {"chapters", "articles", "qa_pairs", "documents"},
    "gpt": {"tokenizer", "token_shards", "checkpoint", "evaluation", "samples"},
    "chat": {"chat_model"},
}


def asset(name: str) -> dg.AssetsDefinition:
    return GRAPH.get(dg.AssetKey(name)).assets_def


def spec(name: str) -> dg.AssetSpec:
    return asset(name).get_asset_spec(dg.AssetKey(name))


def test_there_are_exactly_the_assets_that_the_jobs_name() -> None:
    keys = {key.to_user_string() for key in GRAPH.materializable_asset_keys}
    assert keys == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    assert keys == set.union(*GROUPS.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_asset_tells_a_user_what_it_is(name: str) -> None:
    told = spec(name)
    first_line = (told.description or "").splitlines()[0]
    assert re.fullmatch(r"[A-Z].{20,120}\.", first_line), first_line
    assert name in GROUPS[told.group_name or ""]
    assert told.kinds
    assert told.owners == ["team:impressions"]
    assert told.code_version


@pytest.mark.parametrize("name", NAMES)
def test_every_asset_is_partitioned_by_channel_and_backfilled_a_run_per_channel(name: str) -> None:
    declared = asset(name)
    assert declared.partitions_def == dg.DynamicPartitionsDefinition(name="channel")
    assert declared.backfill_policy is None


def test_every_check_is_described_partitioned_and_blocks_nothing() -> None:
    checks = [GRAPH.get_check_spec(key) for key in GRAPH.asset_check_keys]
    assert len(checks) >= 15
    for check in checks:
        assert check.description, check.key
        assert check.partitions_def == dg.DynamicPartitionsDefinition(name="channel"), check.key
        assert not check.blocking, check.key


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("transcripts", {"videos"}),
        ("articles", {"videos", "transcripts", "chapters"}),
        ("documents", {"videos", "transcripts", "chapters"}),
        ("qa_pairs", {"videos", "transcripts", "chapters"}),
        ("tokenizer", {"documents"}),
        ("token_shards", {"documents", "tokenizer"}),
        ("checkpoint", {"token_shards", "tokenizer"}),
        ("chat_model", {"qa_pairs", "documents", "checkpoint"}),
    ],
)
def test_the_lineage_is_what_each_asset_reads(name: str, reads: set[str]) -> None:
    parents = {key.to_user_string() for key in GRAPH.get(dg.AssetKey(name)).parent_keys}
    assert parents == reads


def test_training_is_never_started_by_a_condition_and_videos_only_by_name() -> None:
    automatic = {name for name in NAMES if spec(name).automation_condition is not None}
    assert automatic == set(NAMES) - {"videos", "checkpoint", "chat_model"}


def test_training_waits_in_the_pool_gpu_and_asks_kubernetes_for_one() -> None:
    pools = {name: asset(name).node_def.pools for name in NAMES}
    assert {name for name, pool in pools.items() if pool} == {
        "checkpoint",
        "chat_model",
        "transcripts",
    }
    assert pools["checkpoint"] == pools["transcripts"] == {"gpu"}
    config = asset("checkpoint").op.tags["dagster-k8s/config"]
    assert '"nvidia.com/gpu": 1' in str(config).replace("'", '"')


def test_no_job_joins_data_and_training() -> None:
    joined = {
        name: {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
        for name in ("channel_data", "channel_model")
        for job in [defs.resolve_job_def(name)]
    }
    assert joined == {"channel_data": set(DATA_ASSETS), "channel_model": set(MODEL_ASSETS)}
    assert not joined["channel_data"] & {"checkpoint", "chat_model"}


def test_every_job_sensor_and_schedule_tells_a_user_what_it_does() -> None:
    repository = defs.get_repository_def()
    named = [
        *(job for job in repository.get_all_jobs() if not job.name.startswith("__")),
        *repository.sensor_defs,
        *repository.schedule_defs,
    ]
    assert [
        one.name for one in named if not re.match(r"[A-Z].{20,}\.", one.description or "")
    ] == []


def test_sensors_and_the_nightly_sweep_run_from_the_start() -> None:
    repository = defs.get_repository_def()
    assert {s.name for s in repository.sensor_defs} == {
        "alerts",
        "stale_channels",
        "new_channels",
        "due_retries",
        "due_trainings",
        "changed_files",
        "new_uploads",
        "dead_runs",
        "automation",
    }
    assert {s.default_status for s in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}
    (sweep,) = repository.schedule_defs
    assert sweep.default_status == dg.DefaultScheduleStatus.RUNNING


def test_the_whole_definition_holds_together() -> None:
    dg.Definitions.validate_loadable(defs)


@pytest.mark.slow
def test_loading_imports_no_torch_and_opens_no_home(tmp_path: Path) -> None:
    heavy = {"torch", "transformers", "datasets", "whisperx"}
    code = f"import sys, impressions_assets.definitions; print({heavy!r} & sys.modules.keys())"
    ran = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("set()\n", "")
    assert list(tmp_path.iterdir()) == []
