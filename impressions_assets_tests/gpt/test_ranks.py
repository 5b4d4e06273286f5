"""Several processes train one model: the same steps as one, and none waits for one that is gone."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import torch
from torch import Tensor

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.config import TrainConfig
from impressions_assets.gpt.data import open_data
from impressions_assets.gpt.peers import num_processes
from impressions_assets.gpt.ranks import Ranks
from impressions_assets.gpt.run import TrainingResult, TrainingRun
from impressions_assets.gpt.state import TrainingState
from impressions_assets.gpt.step import Stepper
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.gpt.trainer import train
from impressions_assets_tests.gpt.conftest import Corpus, weather, write_corpus
from impressions_assets_tests.gpt.driving import content_of, posix, started, trained, wait_for_line
from impressions_assets_tests.gpt.test_step import Small, losses

# 23 windows of which the last has room, so that a step of 10 reaches into the next epoch
STEP = {"dropout": 0.0, "batch_size": 5, "gradient_accumulation_steps": 2, "max_iters": 12}


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    texts = {f"report{n}": weather(n, num_sentences=3) for n in range(4)}
    return write_corpus(tmp_path_factory.mktemp("brief"), texts, val=frozenset(["report3"]))


class Threads(Ranks):
    """Ranks that are threads of this process."""

    def __init__(self, rank: int, said: list[object], barrier: threading.Barrier) -> None:
        super().__init__(rank, len(said))
        self._said, self._barrier = said, barrier

    def _exchange(self, mine: object) -> list:
        self._said[self.rank] = mine
        self._barrier.wait()
        all_said = list(self._said)
        self._barrier.wait()
        return all_said

    def largest(self, *numbers: int) -> list[int]:
        return [max(place) for place in zip(*self._exchange(numbers), strict=True)]

    def totals(self, *numbers: float) -> list[float]:
        return [sum(place) for place in zip(*self._exchange(numbers), strict=True)]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        copies = self._exchange([tensor.clone() for tensor in tensors])
        for tensor, parts in zip(tensors, zip(*copies, strict=True), strict=True):
            tensor.copy_(sum(parts[1:], parts[0]))

    def from_first(self, value):
        return self._exchange(value)[0]


def threads(world_size: int) -> list[Threads]:
    said: list[object] = [None] * world_size
    barrier = threading.Barrier(world_size, timeout=60)
    return [Threads(rank, said, barrier) for rank in range(world_size)]


def together(work: Callable[..., object], things: Sequence) -> list:
    """What the work gave on each of several ranks, done to the thing that each has."""
    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(work, things))


def stepper_of(run: TrainingRun, ranks: Ranks, log: list[str]) -> tuple[Stepper, TrainingState]:
    state = TrainingState(run, open_data(run.shards_dir), ranks)
    return Stepper(state, run.train, 30, log.append), state


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_take_the_steps_of_one(brief, world_size):
    run = brief.run(**STEP)
    alone, state = stepper_of(run, Ranks(), [])
    expected = losses(alone, 6)
    assert state.loader.position.epoch > 0
    # made one after the other: threads share torch's random state
    steppers = [stepper_of(run, ranks, [])[0] for ranks in threads(world_size)]
    found = together(lambda stepper: losses(stepper, 6), steppers)
    assert found == [pytest.approx(expected, abs=1e-6)] * world_size


def test_where_one_ranks_memory_ends_all_go_on_with_smaller_parts(brief):
    run, lines, steppers = brief.run(**STEP), ([], []), []
    expected = losses(stepper_of(run, Ranks(), [])[0], 4)
    for ranks, most in zip(threads(2), (5, 3), strict=True):
        stepper, state = stepper_of(run, ranks, lines[ranks.rank])
        stepper._model = stepper._plain = Small(state.model, most)
        steppers.append(stepper)
    found = together(lambda stepper: losses(stepper, 4), steppers)
    assert found == [pytest.approx(expected, abs=1e-5)] * 2
    assert [line.partition(": ")[0] for line in lines[0]] == [
        "the device ran out of memory with 5 windows at once"
    ]
    assert lines[1] == lines[0]


def test_a_step_with_fewer_windows_than_processes_is_refused(brief):
    with pytest.raises(TrainingError, match="2 windows cannot be shared by 3 processes"):
        stepper_of(brief.run(batch_size=2), Ranks(0, 3), [])


def test_what_one_rank_is_told_stops_all_and_one_writes(brief, tmp_path):
    run = brief.run(tmp_path, **STEP | {"max_iters": 60}, eval_interval=30)

    def told(ranks: Ranks) -> TrainingResult:
        stop = StopRequest()
        if not ranks.is_first:
            stop._reason = "SIGTERM"
        return train(run, lines.append, stop, ranks)

    lines: list[str] = []
    first, second = together(told, threads(2))
    assert (first.stopped, first.steps) == (second.stopped, second.steps) == ("SIGTERM", 0)
    assert Checkpoint.open(tmp_path / "last").meta.step == 0
    assert len([line for line in lines if line.startswith("SIGTERM: saving")]) == 1


def test_ranks_share_the_evaluation_and_stop_for_the_same_reasons(brief, tmp_path):
    settings = STEP | {
        "learning_rate": 1e-9,
        "weight_decay": 0.0,
        "patience": 2,
        "eval_interval": 1,
    }
    alone = trained(brief.run(**settings))
    run = brief.run(tmp_path, **settings)
    found = together(lambda ranks: train(run, lambda _: None, StopRequest(), ranks), threads(2))
    assert {result.stopped for result in found} == {alone.stopped} == {"patience"}
    for result in found:
        ours = [p.val_loss for p in result.history]
        assert ours == pytest.approx([p.val_loss for p in alone.history], abs=1e-6)


@pytest.mark.parametrize(
    ("devices", "settings", "expected"),
    [(8, {}, 8), (8, {"batch_size": 3}, 3), (1, {}, 1), (8, {"processes": 2}, 2)],
)
def test_each_device_gets_a_process_while_there_are_windows(
    monkeypatch, devices, settings, expected
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert num_processes(TrainConfig(**settings)) == expected
    with pytest.raises(TrainingError, match=f"shows {devices} CUDA devices; set {devices} at most"):
        num_processes(TrainConfig(processes=9))
    assert num_processes(TrainConfig(device="cpu")) == 1


# With processes

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.mark.slow
def test_under_torchrun_two_processes_give_the_losses_of_one(brief, tmp_path):
    run = brief.run(tmp_path / "out", **STEP)
    run.save(tmp_path / "run.json")
    command = [*TORCHRUN, "-m", "impressions_assets.gpt.train", str(tmp_path / "run.json")]
    subprocess.run(command, check=True)
    alone, found = trained(brief.run(**STEP)), TrainingResult.load(tmp_path / "out" / "result.json")
    for name in ("train_loss", "val_loss"):
        ours = [getattr(point, name) for point in found.history]
        expected = [getattr(point, name) for point in alone.history]
        assert ours == pytest.approx(expected, abs=1e-6)
    assert (found.steps, found.stopped) == (12, None)


@posix
@pytest.mark.slow
def test_two_processes_go_on_where_they_were_killed_and_one_goes_on_for_them(brief, tmp_path):
    settings = STEP | {"eval_interval": 4, "max_iters": 30}
    run = brief.run(tmp_path / "out", **settings, processes=2)
    with started(run, tmp_path) as process:
        wait_for_line(process, "step      6  loss")
        others = psutil.Process(process.pid).children()
        process.kill()
        assert len(psutil.wait_procs(others, timeout=30)[0]) == 1
    shutil.copytree(tmp_path / "out", tmp_path / "alone" / "out")
    with started(run, tmp_path) as process:
        output = process.communicate()[0]
        assert (process.returncode, "going on exactly from" in output) == (0, True)
    whole = tmp_path / "whole"
    whole.mkdir()
    with started(brief.run(whole / "out", **settings, processes=2), whole) as process:
        process.communicate()
    for name in ("best", "last"):
        assert content_of(tmp_path / "out" / name) == content_of(whole / "out" / name)
    alone = trained(brief.run(tmp_path / "alone" / "out", **settings))
    assert alone.resumed_from in (4, 8)
    expected = [p.train_loss for p in TrainingResult.load(whole / "out" / "result.json").history]
    assert [p.train_loss for p in alone.history] == pytest.approx(expected, abs=1e-5)


@posix
@pytest.mark.slow
def test_a_signal_to_one_process_saves_and_ends_all(brief, tmp_path):
    settings = STEP | {"max_iters": None}
    with started(brief.run(tmp_path / "out", **settings, processes=2), tmp_path) as process:
        wait_for_line(process, "step      6  loss")
        (other,) = psutil.Process(process.pid).children()
        os.kill(other.pid, signal.SIGUSR1)
        process.communicate(timeout=60)
        assert (process.returncode, other.is_running()) == (0, False)
    result = TrainingResult.load(tmp_path / "out" / "result.json")
    assert result.stopped == "SIGUSR1"
    assert Checkpoint.open(tmp_path / "out" / "last").meta.step == result.steps


@posix
@pytest.mark.slow
def test_a_process_that_dies_ends_the_training_and_what_was_saved_stays(brief, tmp_path):
    settings = STEP | {"max_iters": None, "eval_interval": 4}
    with started(brief.run(tmp_path / "out", **settings, processes=2), tmp_path) as process:
        wait_for_line(process, "step      6  loss")
        (other,) = psutil.Process(process.pid).children()
        other.kill()
        process.communicate(timeout=60)
        assert process.returncode == 1
    said = (tmp_path / "run.error").read_text()
    assert "another process of this training ended" in said
    assert "start it again" in said
    assert Checkpoint.open(tmp_path / "out" / "last").meta.step % 4 == 0


@posix
@pytest.mark.slow
def test_what_breaks_down_on_two_processes_is_said_as_on_one(brief, tmp_path):
    wrong = {"learning_rate": 1e30, "warmup_iters": 0, "grad_clip": 0.0, "processes": 2}
    with started(brief.run(tmp_path / "out", **STEP, **wrong), tmp_path) as process:
        process.communicate(timeout=120)
        assert process.returncode == 1
    assert (tmp_path / "run.error").read_text().startswith("training broke down in the step")


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are no two CUDA devices here")
def test_each_cuda_device_takes_its_part(brief, tmp_path):
    settings = STEP | {"device": "cuda", "dtype": "float32"}
    alone = trained(brief.run(**settings))
    with started(brief.run(tmp_path / "out", **settings, processes=2), tmp_path) as process:
        process.communicate()
    found = TrainingResult.load(tmp_path / "out" / "result.json")
    expected = [point.train_loss for point in alone.history]
    assert [point.train_loss for point in found.history] == pytest.approx(expected, abs=1e-3)
