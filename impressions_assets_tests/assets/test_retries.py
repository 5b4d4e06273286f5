"""Which runs the instance begins anew, as deploy/ has it: those that lost something, no others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.dependency import NodeHandle
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
)
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG
from ruamel.yaml import YAML
from sqlalchemy.exc import OperationalError

from impressions_assets.assets.retries import retry_where_it_helps
from impressions_assets.definitions import defs

DEPLOY = Path(__file__).parents[2] / "deploy"


class LostPods(StepHandler):
    """Starts nothing, and finds each step's pod gone, as `K8sStepHandler` does after a drain."""

    name = "LostPods"

    def launch_step(self, _: Any) -> Iterator[Any]:
        yield from ()

    def check_step_health(self, _: Any) -> CheckStepHealthResult:
        return CheckStepHealthResult.unhealthy("its Kubernetes job could not be found")

    def terminate_step(self, _: Any) -> Iterator[Any]:
        yield from ()


@dg.executor(name="pods", requirements=multiple_process_executor_requirements())
def pods(_: dg.InitExecutorContext) -> dg.Executor:
    return StepDelegatingExecutor(
        LostPods(),
        retries=RetryMode.DISABLED,
        sleep_seconds=0.05,
        check_step_health_interval_seconds=0,
    )


@dg.op(config_schema=dg.Field(str, default_value=""))
def work(context: dg.OpExecutionContext) -> None:
    if context.op_config == "database":
        raise OperationalError("INSERT", {}, OSError())
    raise dg.Failure("the source is away", allow_retries=context.op_config == "later")


def job_of(executor: dg.ExecutorDefinition) -> dg.JobDefinition:
    @dg.job(executor_def=executor, hooks={retry_where_it_helps})
    def job() -> None:
        work()

    return job


def in_pods() -> dg.JobDefinition:
    return job_of(pods)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    values = YAML(typ="safe").load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    run_retries = values["additionalInstanceConfig"]["run_retries"]
    with dg.instance_for_test(overrides={"run_retries": run_retries}) as instance:
        yield instance


def test_a_run_that_lost_a_steps_pod_is_begun_anew(instance: dg.DagsterInstance) -> None:
    job = dg.reconstructable(in_pods)
    with dg.execute_job(job, instance=instance, raise_on_error=False) as ended:
        tags = instance.get_run_by_id(ended.run_id).tags
    assert tags[RUN_FAILURE_REASON_TAG] == "STEP_FAILURE", "as Dagster has it, and no hook ran"
    assert tags[WILL_RETRY_TAG] == "true"


@pytest.mark.parametrize(
    ("why", "again"), [("", "false"), ("later", "false"), ("database", "true")]
)
def test_a_run_whose_step_failed_for_a_reason_is_not(
    instance: dg.DagsterInstance, why: str, again: str
) -> None:
    config = {"ops": {"work": {"config": why}}}
    ended = job_of(dg.in_process_executor).execute_in_process(
        config, instance=instance, raise_on_error=False
    )
    assert instance.get_run_by_id(ended.run_id).tags[WILL_RETRY_TAG] == again


def test_each_step_of_ours_says_whether_a_retry_helps() -> None:
    for name in ("channel_data", "channel_model", "channel_chat", "add_channel"):
        job = defs.resolve_job_def(name)
        for node in job.nodes:
            handle = NodeHandle(node.name, None)
            assert retry_where_it_helps in job.get_all_hooks_for_handle(handle), (name, node.name)
