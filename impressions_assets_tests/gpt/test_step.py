"""A step: the device is never waited for, and what is not finite moves no weight."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.config import TrainConfig
from impressions_assets.gpt.data import open_data
from impressions_assets.gpt.state import TrainingState
from impressions_assets.gpt.step import Stepper, compiles


class Waits(TorchDispatchMode):
    """Counts how often a value is read from the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function._overloadpacket is torch.ops.aten._local_scalar_dense
        return function(*args, **(kwargs or {}))


def stepper_of(corpus, lines=None, /, **settings) -> tuple[Stepper, TrainingState]:
    run = corpus.run(**settings)
    state = TrainingState(run, open_data(run.shards_dir))
    return Stepper(state, run.train, 30, [].append if lines is None else lines.append), state


def take(stepper: Stepper, num_steps: int) -> None:
    for _ in range(num_steps):
        stepper.step()


@pytest.mark.slow
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
    with pytest.raises(
        TrainingError,
        match=r"after step 4, epoch 0, window 12 \(of video report\d(, report\d)*.*\): .*norm nan",
    ):
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


class Small(torch.nn.Module):
    """A model on a device that holds so many windows at once."""

    def __init__(self, model: torch.nn.Module, most: int) -> None:
        super().__init__()
        self.model, self.most = model, most

    def forward(self, inputs, targets):
        if len(inputs) > self.most:
            raise torch.OutOfMemoryError("tried to allocate")
        return self.model(inputs, targets)


def losses(stepper: Stepper, num_steps: int) -> list[float]:
    found = []
    for _ in range(num_steps):
        stepper.step()
        stepper.settle()
        found.append(stepper.loss)
    return found


def test_where_memory_ends_smaller_parts_give_the_same_losses(corpus):
    settings = {"batch_size": 7, "dropout": 0.0, "gradient_accumulation_steps": 2}
    lines = []
    (free, _), (cramped, state) = (stepper_of(corpus, lines, **settings) for _ in range(2))
    cramped._model = cramped._plain = Small(state.model, most=3)
    assert losses(cramped, 5) == pytest.approx(losses(free, 5), abs=1e-4)
    assert [line.partition(": ")[0] for line in lines] == [
        f"the device ran out of memory with {number} windows at once" for number in (7, 4)
    ]


def test_smaller_parts_weigh_a_window_with_room_left_by_its_tokens(make_corpus):
    corpus = make_corpus({"a": "Of sixteen tokens and four.", "b": "One more."})
    settings = {"batch_size": 4, "dropout": 0.0}
    (free, _), (cramped, state) = (stepper_of(corpus, **settings) for _ in range(2))
    cramped._model = cramped._plain = Small(state.model, most=1)
    assert losses(cramped, 5) == pytest.approx(losses(free, 5), abs=1e-5)


def test_where_no_window_fits_it_says_what_to_lower(corpus):
    stepper, state = stepper_of(corpus)
    stepper._model = stepper._plain = Small(state.model, most=0)
    with pytest.raises(TrainingError, match=r"single window of 16 tokens; lower block_size"):
        stepper.step()


def held(state: TrainingState) -> int:
    """How many numbers a forward pass keeps for the backward pass."""
    sizes = []

    def pack(tensor):
        sizes.append(tensor.numel())
        return tensor

    inputs, targets = map(torch.from_numpy, state.loader.next_batch(4))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        state.model(inputs, targets)
    return sum(sizes)


@pytest.mark.parametrize("recipe", ["modern", "classic"])
def test_blocks_that_are_computed_twice_hold_less_and_learn_the_same(corpus, recipe):
    settings = {"recipe": recipe, "dropout": 0.1, "n_layer": 4}
    (plain, state), (twice, lean) = (
        stepper_of(corpus, activation_checkpointing=again, **settings) for again in (False, True)
    )
    assert losses(twice, 4) == losses(plain, 4)
    assert held(lean) < 0.3 * held(state)


@pytest.mark.slow
def test_what_cannot_be_compiled_trains_without_and_says_so(corpus):
    lines: list[str] = []
    stepper, state = stepper_of(corpus, lines, dropout=0.0)
    plain, _ = stepper_of(corpus, dropout=0.0)

    def no_compiler(graph, inputs):
        raise RuntimeError("no C++ compiler was found")

    stepper._model = torch.compile(state.model, backend=no_compiler)
    assert losses(stepper, 3) == losses(plain, 3)
    assert len(lines) == 1
    assert "cannot be compiled here" in lines[0]
    assert "no C++ compiler was found" in lines[0]


def test_a_long_training_on_cuda_compiles_by_itself():
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert compiles(TrainConfig(), cuda, 1000)
    assert compiles(TrainConfig(), cuda, None)
    assert not compiles(TrainConfig(), cuda, 999)
    assert not compiles(TrainConfig(), cpu, 10**6)
    assert compiles(TrainConfig(compile=True), cpu, 1)
    assert not compiles(TrainConfig(compile=False), cuda, None)
