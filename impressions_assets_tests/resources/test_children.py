"""Child processes: what they say reaches the log, and their own error reaches the user."""

from pathlib import Path

import dagster as dg
import pytest

from impressions_assets.assets.declare import translated
from impressions_assets.resources.children import Children


def run_child(module: str, file: Path) -> dg.ExecuteInProcessResult:
    @dg.asset
    @translated
    def parent(context: dg.AssetExecutionContext, children: Children) -> dg.MaterializeResult:
        """Start the child."""
        children.run(context, module, file)
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [parent], resources={"children": Children()}, instance=instance, raise_on_error=False
        )


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [e for e in result.all_events if e.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None, event.step_failure_data.error
    return str(data.description)


def test_the_childs_own_error_is_what_the_user_reads(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text('{"no": "settings"}')
    message = failure(run_child("impressions_assets.gpt.train", file))
    assert f"the training's settings {file} are wrong" in message
    assert "code 1" not in message


def test_a_child_that_dies_without_a_word_is_named_with_its_command(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.with_suffix(".error").write_text("of an earlier run")
    message = failure(run_child("impressions_assets.no_such_module", file))
    assert "failed with code 1" in message
    assert f"-m impressions_assets.no_such_module {file}" in message
    assert "earlier run" not in message


def test_a_child_that_ends_well_leaves_nothing_behind(tmp_path: Path) -> None:
    result = run_child("this", tmp_path / "run.json")
    assert result.success
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "advice"),
    [("SIGBUS", "materialize token_shards again"), ("SIGKILL", "memory ran out")],
)
def test_a_child_that_the_system_ends_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, advice: str
) -> None:
    dies = f"import os, signal\nos.kill(os.getpid(), signal.{name})"
    (tmp_path / "dies.py").write_text(dies)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    message = failure(run_child("dies", tmp_path / "run.json"))
    assert f"was ended by {name}" in message
    assert advice in message
    assert "the same run goes on from there" in message
