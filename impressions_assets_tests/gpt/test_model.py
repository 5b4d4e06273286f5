"""The models, for both recipes: causal, cached, learn."""

import math

import pytest
import torch

from impressions_assets.gpt.cache import Cache, Reading, Step
from impressions_assets.gpt.config import ModelConfig, TrainConfig
from impressions_assets.gpt.model import GPT
from impressions_assets.gpt.model import model_of as made_model
from impressions_assets.gpt.modern import _rotated, _rotation
from impressions_assets.gpt.optimizer import optimizer_of

VOCAB_SIZE = 50
SHAPE = ModelConfig(n_layer=2, n_head=2, n_embd=32, block_size=16)
recipes = pytest.mark.parametrize("recipe", ["classic", "modern"])


def model_of(**changes) -> GPT:
    torch.manual_seed(0)
    return made_model(ModelConfig(**(SHAPE.model_dump() | changes)), VOCAB_SIZE)


def grown(**changes) -> GPT:
    """No weight is zero any more, as in a model that was trained."""
    model = model_of(**changes).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(VOCAB_SIZE, (4, 17), generator=torch.Generator().manual_seed(1))
    return ids[:, :-1], ids[:, 1:]


def losses(model: GPT, config: TrainConfig, num_steps: int) -> list[float]:
    optimizer, (inputs, targets), found = optimizer_of(model, config), batch(), []
    for _ in range(num_steps):
        loss = model(inputs, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append(loss.item())
    return found


@recipes
def test_a_token_does_not_see_those_after_it(recipe):
    model, (ids, _) = grown(recipe=recipe), batch()
    changed = ids.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % VOCAB_SIZE
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9], after[:, 9])


@recipes
def test_a_token_sees_where_those_before_it_stand(recipe):
    model, (ids, _) = grown(recipe=recipe), batch()
    swapped = ids[:, [1, 0, *range(2, 16)]]
    assert not torch.allclose(model(ids)[:, -1], model(swapped)[:, -1], atol=1e-4)


@pytest.mark.parametrize("same_shape", [False, True])
@pytest.mark.parametrize("lengths", [(6, 6, 6, 6), (0, 1, 9, 12)])
@pytest.mark.parametrize("changes", [{"recipe": "modern"}, {"recipe": "classic", "bias": True}])
def test_the_cache_changes_nothing_whatever_the_lengths(changes, lengths, same_shape):
    model, (ids, _) = grown(**changes), batch()
    expected, cache = model(ids), Cache(model, num_rows=4)
    with torch.inference_mode():
        for row, length in enumerate(lengths):
            if length:
                model.hidden(ids[row : row + 1, :length], Reading(cache, row, length))
            cache.set_length(row, length)
        for step in range(4):
            places = torch.tensor([[length + step] for length in lengths])
            logits = model.next_logits(ids.gather(1, places), Step(cache, same_shape))
            wanted = expected[torch.arange(4), places[:, 0]]
            torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=1e-4)
            cache.advance()


@recipes
def test_a_fresh_model_finds_every_token_about_as_likely(recipe):
    inputs, targets = batch()
    loss = model_of(recipe=recipe)(inputs, targets).item()
    assert loss == pytest.approx(math.log(VOCAB_SIZE), abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": "classic"},
        {"recipe": "classic", "tied": True, "bias": True},
        {"recipe": "modern"},
        {"recipe": "modern", "tied": True},
    ],
)
def test_it_overfits_one_batch(changes):
    config = TrainConfig(learning_rate=1e-2, weight_decay=0.0)
    assert losses(model_of(**changes), config, 80)[-1] < 0.1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"recipe": "classic", "tied": True},
            [3.9012, 3.6874, 3.5544, 3.4624, 3.3802, 3.3021],
        ),
        ({"recipe": "modern"}, [3.9120, 3.8537, 3.7818, 3.7001, 3.6136, 3.5258]),
    ],
)
def test_losses_are_those_they_were(changes, expected):
    """Golden numbers: a change of the model, its initialization or its optimizer shows here."""
    found = losses(model_of(**changes), TrainConfig(learning_rate=3e-3), 6)
    assert found == pytest.approx(expected, abs=1e-3)


def test_untying_adds_a_head_and_biases_add_biases():
    classic = {"recipe": "classic"}
    tied, untied = (model_of(**classic, tied=tied).num_parameters() for tied in (True, False))
    assert untied - tied == VOCAB_SIZE * SHAPE.n_embd
    assert not [n for n, _ in model_of(**classic).named_parameters() if n.endswith("bias")]
    named = model_of(**classic, bias=True).named_parameters()
    assert len([n for n, _ in named if n.endswith("bias")]) == 1 + SHAPE.n_layer * 6


def test_residual_projections_start_smaller_in_classic_and_at_zero_in_modern():
    weights = dict(model_of(recipe="classic", n_layer=8, n_embd=64).named_parameters())
    assert weights["blocks.0.mlp.projection.weight"].std().item() == pytest.approx(0.005, rel=0.05)
    assert weights["blocks.0.mlp.expand.weight"].std().item() == pytest.approx(0.02, rel=0.05)
    modern = dict(model_of().named_parameters())
    zero = [name for name, weight in modern.items() if not weight.any()]
    blocks = [
        f"blocks.{n}.{part}.projection.weight" for n in (0, 1) for part in ("attention", "mlp")
    ]
    assert zero == ["head.weight", *blocks]


def test_a_modern_model_begins_at_the_frequencies_of_its_text():
    model = model_of()
    counts = torch.arange(VOCAB_SIZE) * 10
    model.expect(counts)
    shares = model(batch()[0]).softmax(-1)[0, 0]
    assert shares[0].item() == pytest.approx(1 / counts.sum().item(), rel=1e-4)
    torch.testing.assert_close(shares[2:] / shares[1], counts[2:] / 10, rtol=1e-3, atol=0)


def test_a_model_that_knows_something_keeps_its_frequencies_and_learns_new_tokens_too():
    model = model_of()
    model.expect(torch.tensor([0, 0, *[9] * (VOCAB_SIZE - 2)]))
    assert model.seen_K.tolist() == [*range(2, VOCAB_SIZE)]
    with torch.no_grad():
        model.head.weight[2:].normal_()
    before = model.prior_V.clone()
    model.expect(torch.tensor([0, 1, *[0] * (VOCAB_SIZE - 2)]))
    assert torch.equal(model.prior_V, before)
    assert model.seen_K.tolist() == [*range(1, VOCAB_SIZE)]


def test_no_logit_of_modern_is_beyond_the_cap():
    model, (ids, _) = grown(), batch()
    with torch.no_grad():
        model.head.weight.mul_(1000)
    assert 14 < model(ids).abs().max().item() <= 15


def test_what_a_text_does_not_use_costs_no_operation():
    model = model_of()
    before = model.flops_per_token(16)
    model.expect(torch.tensor([0] * 10 + [1] * (VOCAB_SIZE - 10)))
    assert before - model.flops_per_token(16) == 6 * 10 * SHAPE.n_embd


@recipes
def test_the_operations_of_a_token_are_counted(recipe):
    """By hand: 12 C² weights in a block, and a head; attention over 16 tokens."""
    shape = {"recipe": recipe, "n_layer": 3}
    by_hand = 6 * (3 * 12 * 32**2 + VOCAB_SIZE * 32) + 12 * 3 * 32 * 16
    for tied in (True, False):
        assert model_of(**shape, tied=tied).flops_per_token(16) == pytest.approx(by_hand, rel=0.01)


def test_a_model_that_was_saved_before_there_was_a_prior_begins_without_one():
    model = made_model(ModelConfig(n_layer=1, n_head=1, n_embd=8, block_size=8), 16)
    model.expect(torch.arange(16.0))
    saved = model.state_dict()
    del saved["prior_V"]
    model.load_state_dict(saved)
    assert not model.prior_V.any()


def test_rotated_queries_and_keys_know_only_how_far_they_are_apart():
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 8).expand(2, 1, 1, 9, 8)  # the same at each position
    scores = _rotated(q, _rotation(9, 8))[0, 0] @ _rotated(k, _rotation(9, 8))[0, 0].T
    for distance in range(-8, 9):
        apart = scores.diagonal(distance)
        torch.testing.assert_close(apart, apart[:1].expand_as(apart))
    assert scores.diagonal(1)[0] != scores.diagonal(-1)[0]
