"""Where the steps of a run execute: in the run's own process, each in one, or each in a pod.

Does not belong here: what a step does, or how large its pod is (deploy/kubernetes/pods.yaml).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._config import process_config  # no public name for what checks a config
from dagster._core.storage.tags import PARTITION_NAME_TAG
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from impressions_assets.assets.transcripts import BATCH_STEP, STAGE, STEPS
from impressions_assets.channels.channels_yaml import channel_named
from impressions_assets.errors import ConfigError, ImpressionsError
from impressions_assets.jobs import CHAT_ASSETS, DATA_ASSETS, MODEL_ASSETS
from impressions_assets.resources.cards import cards_for, set_slots
from impressions_assets.resources.impressions import leave_mark
from impressions_assets.settings import load_settings
from impressions_assets.storage.home import Home

# What a step's process has imported already: it starts in a tenth of a second, not in two.
_FORKED = {"forkserver": {"preload_modules": ["impressions_assets.definitions"]}}


def created(init_context: dg.InitExecutorContext) -> dg.Executor:
    """Run the steps here, or in pods where IMPRESSIONS_PODS names a file that says how.

    "Here" is a process for each step only where speech is recognized on several GPUs.

    It is decided when a run starts, not when the code is loaded: the same image then serves both.
    One process per run is the default, for a step of its own costs 2 s, and training is a child
    anyway. Pods cost more, but only a step's own pod can have what op tags and this file ask for.
    """
    pods = load_settings().pods
    if pods is None:
        return OnAllCards(_executor_of(dg.in_process_executor, init_context), init_context)
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError as error:
        raise ConfigError(
            f"IMPRESSIONS_PODS={pods} asks for pods, and dagster-k8s is not installed;"
            " install the extra `deploy`, or unset it"
        ) from error
    in_pods = init_context._replace(executor_config=pods_config(pods, k8s_job_executor))
    return _executor_of(k8s_job_executor, in_pods)


class OnAllCards(dg.Executor):
    """Runs steps in this process, or side by side where the run recognizes speech on many cards.

    Only a run that wants several cards pays what a process for each step costs.
    """

    def __init__(self, here: dg.Executor, init_context: dg.InitExecutorContext) -> None:
        """Decide nothing yet: only a run tells its channel."""
        self._here, self._init_context = here, init_context

    @property
    def retries(self) -> Any:
        """As the executor of this process has them."""
        return self._here.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Run the steps of a plan."""
        workers = _workers(plan_context, execution_plan)
        if workers == 1:
            yield from self._here.execute(plan_context, execution_plan)
            return
        leave_mark(plan_context.instance, plan_context.dagster_run)
        config = process_config(
            dg.multiprocess_executor.config_schema.config_type,
            {"max_concurrent": workers, "start_method": _FORKED},
        )
        ours = self._init_context._replace(executor_config=config.value or {})
        side_by_side = _executor_of(dg.multiprocess_executor, ours)
        yield from side_by_side.execute(plan_context, execution_plan)


def _workers(plan_context: Any, execution_plan: Any) -> int:
    """How many batches of speech a run recognizes at once on this machine."""
    run, settings = plan_context.dagster_run, load_settings()
    name = run.tags.get(PARTITION_NAME_TAG)
    if not name or not any(BATCH_STEP in key for key in execution_plan.step_keys_to_execute):
        return 1
    try:
        speech = channel_named(Home(settings.storage), name).speech
    except ImpressionsError:  # the first step says it, to whom it concerns
        return 1
    if speech.use == "captions":
        return 1
    return set_slots(plan_context.instance, cards_for(speech.device, settings.visible_cards))


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
    if unknown := config["per_step_k8s_config"].keys() - (
        {*DATA_ASSETS, *MODEL_ASSETS, *CHAT_ASSETS, *STEPS} - {STAGE.table}
    ):
        raise ConfigError(
            f"IMPRESSIONS_PODS={path}: no step is called {', '.join(sorted(unknown))}"
        )
    return config
