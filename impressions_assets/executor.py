"""Where the steps of a run execute: in the run's own process, or each in a pod of its own.

Does not belong here: what a step does, or how large its pod is (deploy/kubernetes/pods.yaml).
"""

from pathlib import Path
from typing import Any

import dagster as dg
from dagster._config import process_config  # no public name for what checks a config
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from impressions_assets.errors import ConfigError
from impressions_assets.jobs import CHAT_ASSETS, DATA_ASSETS, MODEL_ASSETS
from impressions_assets.settings import load_settings


def created(init_context: dg.InitExecutorContext) -> dg.Executor:
    """Run the steps here, or in pods where IMPRESSIONS_PODS names a file that says how.

    It is decided when a run starts, not when the code is loaded: the same image then serves both.
    One process per run is the default, for a step of its own costs 2 s, and training is a child
    anyway. Pods cost more, but only a step's own pod can have what op tags and this file ask for.
    """
    pods = load_settings().pods
    if pods is None:
        return _executor_of(dg.in_process_executor, init_context)
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError as error:
        raise ConfigError(
            f"IMPRESSIONS_PODS={pods} asks for pods, and dagster-k8s is not installed;"
            " install the extra `deploy`, or unset it"
        ) from error
    in_pods = init_context._replace(executor_config=pods_config(pods, k8s_job_executor))
    return _executor_of(k8s_job_executor, in_pods)


def _executor_of(
    definition: dg.ExecutorDefinition, init_context: dg.InitExecutorContext
) -> dg.Executor:
    create = definition.executor_creation_fn
    assert create is not None
    return create(init_context)


executor = dg.ExecutorDefinition(
    "impressions",
    config_schema=dg.in_process_executor.config_schema,  # type: ignore[arg-type]
    executor_creation_fn=created,
    description="In the run's process, or a pod for each step where IMPRESSIONS_PODS says how.",
)


def pods_config(path: Path, of: dg.ExecutorDefinition) -> dict[str, Any]:
    """Read the file that says what pods steps get: the configuration of `k8s_job_executor`.

    Raises:
        ConfigError: it cannot be read, is no such configuration, or names a step that is none.
    """
    try:
        said = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"IMPRESSIONS_PODS={path} cannot be read: {error}") from error
    checked = process_config(of.config_schema.config_type, said)
    if not checked.success:
        problems = "; ".join(error.message for error in checked.errors or [])
        raise ConfigError(f"IMPRESSIONS_PODS={path} is no configuration of pods: {problems}")
    config = dict(checked.value or {})
    if unknown := config["per_step_k8s_config"].keys() - {
        *DATA_ASSETS,
        *MODEL_ASSETS,
        *CHAT_ASSETS,
    }:
        raise ConfigError(
            f"IMPRESSIONS_PODS={path}: no asset is called {', '.join(sorted(unknown))}"
        )
    return config
