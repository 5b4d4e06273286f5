"""Training in processes of its own: interrupted, killed, broken down."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from impressions_assets_tests.archives import Archive
from impressions_assets_tests.assets.conftest import SHORT, train, weights
from impressions_assets_tests.houses import House

pytestmark = pytest.mark.slow  # whole runs


ROOT = Path(__file__).parent.parent.parent


JOB = """
import sys
from pathlib import Path
import dagster as dg
from impressions_assets.definitions import defs
from impressions_assets.runs import fail_dead_runs, open_instance
flags = dict(model_preset="debug", max_iters=int(sys.argv[2]), eval_interval=5, eval_iters=2,
             log_interval=1, device="cpu")
with open_instance(Path(sys.argv[1]) / "dagster") as instance:
    instance.add_dynamic_partitions("channel", ["talks"])
    fail_dead_runs(instance, nobody_starts_runs=True)
    result = defs.resolve_job_def("channel_model").execute_in_process(
        run_config={"ops": {"checkpoint": {"config": flags}}}, instance=instance,
        partition_key="talks", asset_selection=[dg.AssetKey("checkpoint")],
        raise_on_error=False)
sys.exit(0 if result.success else 1)
"""


def start_job(home: Path, max_iters: int) -> subprocess.Popen[str]:
    """Train in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", JOB, str(home), str(max_iters)],
        env={**os.environ, "IMPRESSIONS_HOME": str(home), "PYTHONPATH": str(ROOT)},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_step(process: subprocess.Popen[str], step: int) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if f"step {step:>6}  loss" in line:
            return
    raise AssertionError("".join(said[-30:]))


def last_weights(house: House) -> dict[str, str]:
    return weights(house, house.home.artifacts("talks", "checkpoint")[-1])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["terminate", "ctrl-c", "kill"])
def test_an_interrupted_training_goes_on_to_the_same_weights(
    house: House, talks: str, way: str
) -> None:
    length = 60
    process = start_job(house.folder, length)
    try:
        wait_for_step(process, 12)
        if way == "terminate":
            process.send_signal(signal.SIGTERM)
        elif way == "ctrl-c":  # a terminal sends it to the whole group, the child included
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.kill()
        output, _ = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0
    stopped = house.home.artifacts("talks", "checkpoint")
    if way == "kill":  # nobody was left to publish; the child saved and ended by itself
        time.sleep(3)
        assert stopped == []
    else:
        assert [v.fact("stopped") is not None for v in stopped] == [True], output[-3000:]
        assert stopped[0].fact("steps") < length
    resumed = start_job(house.folder, length)
    output, _ = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, output[-3000:]
    assert "going on exactly from" in output
    made = house.home.artifacts("talks", "checkpoint")[-1]
    assert (made.fact("steps"), made.fact("stopped")) == (length, None)

    shutil.rmtree(house.folder / "scratch")
    house.home.table("artifacts").remove(
        "talks",
        [f"checkpoint-{v.version:06d}" for v in house.home.artifacts("talks", "checkpoint")],
    )
    uninterrupted = start_job(house.folder, length)
    output, _ = uninterrupted.communicate(timeout=240)
    assert uninterrupted.returncode == 0, output[-3000:]
    assert "starting from scratch" in output
    assert last_weights(house) == weights(house, made)


@pytest.mark.slow
def test_a_real_child_trains_and_its_error_is_the_users(house: House, archive: Archive) -> None:
    real = House(house.folder, house.instance, real_children=True)
    real.declare("talks", archive.folder)
    assert real.data("talks").ok
    wrong = train(real, "talks", learning_rate=1e30, warmup_iters=0, grad_clip=0.0)
    assert "training broke down" in wrong.failure()
    right = real.model("talks", **SHORT, processes=2)
    assert right.ok, right.failure()
    assert right.metadata("checkpoint")["steps"] == 6
    assert isinstance(right.result, dg.ExecuteInProcessResult)
