"""A training that is asked to stop saves where it is and ends well."""

import os
import signal
import threading
import time

import pytest
from filelock import FileLock

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.run import TrainingResult
from impressions_assets.gpt.start import only_training_in
from impressions_assets.gpt.stop import StopRequest
from impressions_assets.gpt.train import main
from impressions_assets.gpt.trainer import train
from impressions_assets_tests.gpt.driving import (
    content_of,
    posix,
    send,
    started,
    trained,
    wait_for_line,
)

PARENT = """
import os, subprocess, sys
from pathlib import Path
from impressions_assets.gpt.run import TrainingRun

path = Path(sys.argv[-1])
TrainingRun.load(path).model_copy(update={"parent_pid": os.getpid()}).save(path)
subprocess.run(sys.argv[1:])
"""


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1"])
def test_a_signal_saves_where_it_is(corpus, tmp_path, name):
    number = getattr(signal, name)
    handler = signal.getsignal(number)
    stopped = trained(corpus.run(tmp_path), at=("step 7 loss", send(number)))
    assert (stopped.stopped, stopped.steps) == (name, 7)
    assert Checkpoint.open(tmp_path / "last").meta.step == 7
    assert signal.getsignal(number) == handler


@posix
def test_what_a_signal_stopped_goes_on_from_there(corpus, tmp_path, uninterrupted):
    trained(corpus.run(tmp_path), at=("step 17 loss", send(signal.SIGTERM)))
    resumed = trained(corpus.run(tmp_path))
    assert (resumed.resumed_from, resumed.stopped) == (17, None)
    for folder in ("best", "last"):
        assert content_of(tmp_path / folder) == content_of(uninterrupted[0] / folder)


@posix
def test_what_is_stopped_before_its_first_evaluation_still_has_a_model(corpus, tmp_path):
    result = trained(corpus.run(tmp_path), at=("step 4 loss", send(signal.SIGINT)))
    assert result.best_val_loss is None
    assert Checkpoint.open(tmp_path / "best").meta.step == 4


@posix
def test_a_stop_never_overwrites_a_better_model(corpus, tmp_path):
    # A weight decay above 2 / learning_rate makes the weights grow: it only gets worse.
    run = corpus.run(tmp_path, weight_decay=2500.0, decay_lr=False, eval_interval=2)
    trained(run, at=("step 15 loss", send(signal.SIGTERM)))
    history = Checkpoint.open(tmp_path / "last").meta.history
    best = min((p.val_loss, p.step) for p in history if p.val_loss and p.step)
    assert best[1] < 14
    assert Checkpoint.open(tmp_path / "best").meta.step == best[1]


@posix
def test_a_second_ctrl_c_counts_only_when_it_is_another_press(monkeypatch):
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.reason == "SIGINT"
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 5)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@posix
def test_a_parent_that_was_gone_from_the_start_is_noticed(corpus, tmp_path):
    with StopRequest(parent_pid=2**22 + 1) as stop:
        result = train(corpus.run(tmp_path, max_iters=None), lambda _: None, stop)
    assert (result.stopped, result.steps) == ("parent died", 0)


def test_the_file_of_an_earlier_run_trains_by_hand(corpus, tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_PIPES_CONTEXT", raising=False)
    run = corpus.run(tmp_path / "out", max_iters=3)
    run.model_copy(update={"parent_pid": 2**22 + 1}).save(tmp_path / "run.json")
    assert main([str(tmp_path / "run.json")]) == 0
    result = TrainingResult.load(tmp_path / "out" / "result.json")
    assert (result.stopped, result.steps) == (None, 3)


def test_a_second_training_into_a_folder_waits_for_the_first(corpus, tmp_path):
    first, lines = FileLock(tmp_path / "training.lock"), []
    first.acquire()
    result = trained(
        corpus.run(tmp_path, max_iters=3),
        at=("another training writes", first.release),
        lines=lines,
    )
    assert (result.steps, len([line for line in lines if "another training" in line])) == (3, 1)


def test_a_folder_that_stays_taken_is_named(tmp_path):
    with (
        FileLock(tmp_path / "training.lock"),
        pytest.raises(TrainingError, match=f"cannot train into {tmp_path}.*stop it, or wait"),
        only_training_in(tmp_path, lambda _: None, wait_seconds=0.1),
    ):
        pass


@posix
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_process_ends_well(corpus, tmp_path, number):
    run = corpus.run(tmp_path / "out", max_iters=None)
    with started(run, tmp_path) as process:
        wait_for_line(process, "step     12")
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 0
    result = TrainingResult.load(tmp_path / "out" / "result.json")
    assert result.stopped == signal.Signals(number).name
    assert Checkpoint.open(tmp_path / "out" / "last").meta.step == result.steps


@posix
@pytest.mark.slow
def test_a_training_whose_parent_is_killed_saves_and_ends(corpus, tmp_path):
    run = corpus.run(tmp_path / "out", max_iters=None)
    with started(run, tmp_path, PARENT) as parent:
        wait_for_line(parent, "step     12")
        parent.kill()
        reader = threading.Thread(target=parent.stdout.read)
        reader.start()
        reader.join(timeout=60)  # the pipe closes when the training has ended
        assert not reader.is_alive()
    assert TrainingResult.load(tmp_path / "out" / "result.json").stopped in (
        "SIGTERM",
        "parent died",
    )
