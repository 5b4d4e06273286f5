"""A step: the device is never waited for, and what is not finite moves no weight."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.data import open_data
from impressions_assets.gpt.state import TrainingState
from impressions_assets.gpt.step import Stepper


class Waits(TorchDispatchMode):
    """Counts how often a value is read from the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function._overloadpacket is torch.ops.aten._local_scalar_dense
        return function(*args, **(kwargs or {}))


def stepper_of(corpus, **settings) -> tuple[Stepper, TrainingState]:
    run = corpus.run(**settings)
    state = TrainingState(run, open_data(run.shards_dir))
    return Stepper(state, run.train, 30), state


def take(stepper: Stepper, num_steps: int) -> None:
    for _ in range(num_steps):
        stepper.step()


def test_only_settling_reads_from_the_device(corpus):
    stepper, _ = stepper_of(corpus, gradient_accumulation_steps=2)
    stepper.step()  # settles, for it may have compiled
    with Waits() as waits:
        take(stepper, 10)
        assert waits.count == 0
        float(stepper._unsettled[-1][1])  # it would be seen
        assert waits.count == 1


def test_a_broken_step_moves_nothing_and_is_named_with_its_batch(corpus):
    stepper, state = stepper_of(corpus, batch_size=3)
    take(stepper, 4)
    stepper.settle()
    weights = {name: weight.detach().clone() for name, weight in state.model.named_parameters()}
    handle = next(state.model.parameters()).register_hook(lambda gradient: gradient * torch.nan)
    stepper.step()
    handle.remove()
    moved = [n for n, w in state.model.named_parameters() if not torch.equal(w, weights[n])]
    assert moved == []
    stepper.step()
    with pytest.raises(TrainingError, match=r"after step 4, epoch 0, window 12: .*norm nan"):
        stepper.settle()


def test_a_broken_step_is_noticed_without_anyone_asking(corpus):
    stepper, state = stepper_of(corpus)
    stepper.step()
    next(state.model.parameters()).register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(TrainingError, match=r"after step 1, epoch 0"):
        take(stepper, 60)


def test_the_rate_counts_the_waiting_and_leaves_out_the_pauses(corpus, monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("impressions_assets.gpt.step.time.monotonic", lambda: next(clock))
    stepper, _ = stepper_of(corpus, batch_size=2)
    stepper.step()
    assert stepper.tokens_per_second == 0
    take(stepper, 3)
    stepper.settle()
    for _ in range(5):
        next(clock)  # an evaluation
    stepper.step()
    stepper.settle()
    assert stepper.tokens_per_second == 4 * 2 * 16 / 20
