"""The optimizer: which weights move how, what Muon does, and the learning rate's way."""

import pytest
import torch

from impressions_assets.gpt.config import ModelConfig, TrainConfig
from impressions_assets.gpt.model import model_of
from impressions_assets.gpt.optimizer import learning_rate_at, optimizer_of, orthogonal
from impressions_assets_tests.bench.stream import Training, of_ids

POLAR_EXPRESS = [  # the paper's first three rounds, with its margin
    (8.28721201814563 / 1.01, -23.595886519098837 / 1.01**3, 17.300387312530933 / 1.01**5),
    (4.107059111542203 / 1.01, -2.9478499167379106 / 1.01**3, 0.5448431082926601 / 1.01**5),
    (3.9486908534822946 / 1.01, -2.908902115962949 / 1.01**3, 0.5518191394370137 / 1.01**5),
]
SHAPE = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 16}


def groups_of(**changes) -> list[tuple[set[str], bool, float]]:
    model = model_of(ModelConfig(**SHAPE, **changes), 50)
    name_of = {id(weight): name for name, weight in model.named_parameters()}
    return [
        (
            {name_of[id(p)].split(".")[-2] for p in group["params"]},
            group["muon"],
            group["weight_decay"],
        )
        for group in optimizer_of(model, TrainConfig(weight_decay=0.3)).param_groups
    ]


def test_only_matrices_decay():
    decayed, kept = groups_of(recipe="classic", bias=True)
    assert decayed[1:] == (False, 0.3)
    assert kept[1:] == (False, 0.0)
    assert kept[0] == {"attention_norm", "mlp_norm", "norm", "qkv", "projection", "expand"}


def test_muon_moves_the_matrices_of_modern_blocks_and_adamw_the_rest():
    assert groups_of() == [
        ({"qkv", "projection", "expand"}, True, 0.3),
        ({"token_embedding", "head"}, False, 0.3),
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_orthogonal_brings_all_singular_values_below_two_and_keeps_the_directions(dtype):
    torch.manual_seed(0)
    given = [torch.randn(shape) * 7 for shape in [(8, 24), (24, 8), (16, 4), (8, 24)]]
    for before, after in zip(given, orthogonal(given, dtype), strict=True):
        assert (after.shape, after.dtype) == (before.shape, before.dtype)
        assert torch.equal(after, after.to(dtype).float())
        values = torch.linalg.svdvals(after)
        assert 0.1 < values.min() <= values.max() < 1.95
        u, _, vh = torch.linalg.svd(before, full_matrices=False)
        assert (u.T @ after @ vh.T).diagonal().min() > 0.1


def test_rounding_does_not_bring_a_lone_singular_value_beyond_two():
    torch.manual_seed(0)
    row = torch.zeros(128, 512)
    row[3] = torch.randn(512)
    given = [row, torch.ones(128, 128), torch.outer(torch.randn(32), torch.randn(96))]
    for direction in orthogonal(given, torch.bfloat16):
        assert torch.linalg.svdvals(direction).max() < 1.95


def test_orthogonal_is_polar_express_in_three_rounds_also_where_values_are_small():
    torch.manual_seed(0)
    spread = torch.logspace(0, -3, 96, dtype=torch.float64)
    given = torch.randn(32, 96, dtype=torch.float64) * spread
    expected = given / given.norm()
    for a, b, c in POLAR_EXPRESS:
        squares = expected @ expected.T
        expected = a * expected + (b * squares + c * squares @ squares) @ expected
    (found,) = orthogonal([given.float()])
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_muon_multiplies_in_the_arithmetic_of_the_training(dtype):
    training = Training(of_ids(range(100), 100), "debug", device="cpu", dtype=dtype)
    assert training.state.optimizer.iterates_in == getattr(torch, dtype)


def test_a_step_of_muon_is_rounded_where_it_multiplies_in_bfloat16():
    def moved(dtype: torch.dtype) -> torch.Tensor:
        torch.manual_seed(0)
        model = model_of(ModelConfig(**SHAPE), 50)
        weight = model.blocks[0].attention.qkv.weight
        before, weight.grad = weight.detach().clone(), torch.randn_like(weight)
        optimizer_of(model, TrainConfig(learning_rate=0.1, weight_decay=0.0), dtype).step()
        return weight.detach() - before

    exact, rounded = moved(torch.float32), moved(torch.bfloat16)
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=0, atol=exact.abs().max().item() / 20)


def test_a_step_moves_a_matrix_as_far_as_adamw_would_whatever_its_gradient():
    model = model_of(ModelConfig(**SHAPE), 50)
    weight = model.blocks[0].attention.qkv.weight
    optimizer = optimizer_of(model, TrainConfig(learning_rate=0.1, weight_decay=0.0))
    before = weight.detach().clone()
    weight.grad = torch.randn_like(weight) * 1e-5
    optimizer.step()
    assert (weight - before).square().mean().sqrt().item() == pytest.approx(0.1 * 0.2, rel=0.35)


def test_what_is_not_finite_moves_neither_weight_nor_momentum():
    model = model_of(ModelConfig(**SHAPE), 50)
    optimizer = optimizer_of(model, TrainConfig())

    def step(value: float) -> None:
        for weight in model.parameters():
            weight.grad = torch.full_like(weight, value)
        optimizer.found_inf = torch.tensor(float(value != value))
        optimizer.step()

    def content() -> list[torch.Tensor]:
        state = [v for s in optimizer.state.values() for v in s.values()]
        return [tensor.detach().clone() for tensor in (*model.parameters(), *state)]

    step(0.5)
    before = content()
    step(float("nan"))
    assert all(map(torch.equal, before, content()))
    step(0.5)
    assert not any(map(torch.equal, before[:3], content()[:3]))


def test_the_learning_rate_warms_up_then_falls_to_its_minimum():
    config = TrainConfig(learning_rate=1.0, min_lr=0.1, warmup_iters=10)
    rates = [learning_rate_at(step, config, 100) for step in range(101)]
    assert rates[0] == pytest.approx(1 / 11)
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)


def test_without_an_end_the_learning_rate_stays_up():
    config = TrainConfig(learning_rate=1.0, warmup_iters=10)
    assert learning_rate_at(10**6, config, None) == 1.0


def test_decay_lr_off_keeps_the_rate():
    assert learning_rate_at(0, TrainConfig(learning_rate=1.0, decay_lr=False), 100) == 1.0
