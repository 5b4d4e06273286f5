"""Where steps run: here, unless a file says that they run in pods, and what it may say."""

from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.definitions import defs
from impressions_assets.errors import ConfigError
from impressions_assets.executor import pods_config


@pytest.fixture
def k8s() -> dg.ExecutorDefinition:
    reason = "dagster-k8s is not installed (the extra `deploy`)"
    return pytest.importorskip("dagster_k8s", reason=reason).k8s_job_executor


def test_every_job_may_run_its_steps_in_pods() -> None:
    for name in ("channel_data", "channel_model", "add_channel"):
        assert defs.resolve_job_def(name).executor_def.name == "impressions"


def test_a_file_of_pods_that_is_missing_is_named(
    tmp_path: Path, k8s: dg.ExecutorDefinition
) -> None:
    with pytest.raises(ConfigError, match=r"IMPRESSIONS_PODS=.*pods.yaml cannot be read"):
        pods_config(tmp_path / "pods.yaml", k8s)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("per_step_k8s_config: {chekpoint: {}}", "no step is called chekpoint"),
        ("max_concurent: 3", 'Received unexpected config entry "max_concurent"'),
        (
            "per_step_k8s_config: {checkpoint: {container: {}}}",
            'unexpected config entry "container"',
        ),
        ("[", "cannot be read"),
    ],
)
def test_a_mistyped_file_of_pods_says_what_is_wrong(
    text: str, problem: str, tmp_path: Path, k8s: dg.ExecutorDefinition
) -> None:
    (tmp_path / "pods.yaml").write_text(text)
    with pytest.raises(ConfigError, match=problem):
        pods_config(tmp_path / "pods.yaml", k8s)


def test_an_empty_file_of_pods_asks_for_nothing_special(
    tmp_path: Path, k8s: dg.ExecutorDefinition
) -> None:
    (tmp_path / "pods.yaml").write_text("# nothing\n")
    assert pods_config(tmp_path / "pods.yaml", k8s)["per_step_k8s_config"] == {}
