"""The model: causal, cached, learns; the optimizer's groups and the learning rate's way."""

import math

import pytest
import torch

from impressions_assets.gpt.config import ModelConfig, TrainConfig
from impressions_assets.gpt.model import GPT, Cache
from impressions_assets.gpt.optimizer import learning_rate_at, optimizer_of

VOCAB_SIZE = 50
SHAPE = ModelConfig(n_layer=2, n_head=2, n_embd=32, block_size=16)


def model_of(**changes) -> GPT:
    torch.manual_seed(0)
    return GPT(ModelConfig(**(SHAPE.model_dump() | changes)), VOCAB_SIZE)


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


def test_a_token_does_not_see_those_after_it():
    model, (ids, _) = model_of().eval(), batch()
    changed = ids.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % VOCAB_SIZE
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9], after[:, 9])


@pytest.mark.parametrize("sizes", [[16], [1] * 16, [5, 1, 1, 9], [1, 15]])
def test_the_cache_changes_nothing_however_the_text_is_cut(sizes):
    model, (ids, _) = model_of(bias=True).eval(), batch()
    expected, cache = model(ids), Cache(model, batch_size=4)
    with torch.inference_mode():
        for part in ids.split(sizes, dim=1):
            logits = model.next_logits(part, cache)
            torch.testing.assert_close(logits, expected[:, cache.length - 1], atol=1e-5, rtol=1e-4)


def test_a_fresh_model_finds_every_token_about_as_likely():
    inputs, targets = batch()
    assert model_of()(inputs, targets).item() == pytest.approx(math.log(VOCAB_SIZE), abs=0.1)


@pytest.mark.parametrize("changes", [{}, {"tied": False}, {"bias": True}])
def test_it_overfits_one_batch(changes):
    config = TrainConfig(learning_rate=1e-2, weight_decay=0.0)
    assert losses(model_of(**changes), config, 80)[-1] < 0.1


def test_losses_are_those_they_were():
    """Golden numbers: a change of the model, its initialization or its optimizer shows here."""
    found = losses(model_of(), TrainConfig(learning_rate=3e-3), 6)
    assert found == pytest.approx([3.9012, 3.6874, 3.5544, 3.4624, 3.3802, 3.3021], abs=2e-3)


def test_untying_adds_a_head_and_biases_add_biases():
    tied, untied = model_of().num_parameters(), model_of(tied=False).num_parameters()
    assert untied - tied == VOCAB_SIZE * SHAPE.n_embd
    assert not [name for name, _ in model_of().named_parameters() if name.endswith("bias")]
    biases = [n for n, _ in model_of(bias=True).named_parameters() if n.endswith("bias")]
    assert len(biases) == 1 + SHAPE.n_layer * 6


def test_residual_projections_start_smaller():
    model = model_of(n_layer=8, n_embd=64)
    weights = dict(model.named_parameters())
    assert weights["blocks.0.mlp.projection.weight"].std().item() == pytest.approx(0.005, rel=0.05)
    assert weights["blocks.0.mlp.expand.weight"].std().item() == pytest.approx(0.02, rel=0.05)


def test_only_matrices_decay():
    decayed, kept = optimizer_of(model_of(bias=True), TrainConfig(weight_decay=0.3)).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
    assert {p.dim() for p in decayed["params"]} == {2}
    assert {p.dim() for p in kept["params"]} == {1}


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
