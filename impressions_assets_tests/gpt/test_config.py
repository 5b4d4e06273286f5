"""Presets, layers of overrides, and errors that say what is allowed."""

import subprocess
import sys

import pytest

from impressions_assets.errors import ConfigError
from impressions_assets.gpt.config import LENGTH_PRESETS, MODEL_PRESETS, resolve


@pytest.mark.parametrize("model", MODEL_PRESETS)
@pytest.mark.parametrize("length", LENGTH_PRESETS)
def test_every_pair_of_presets_resolves(model, length):
    shape, train = resolve(model, length)
    assert shape.n_embd % shape.n_head == 0
    assert (train.max_iters is None) == (length == "forever")


def test_tinystories_has_the_known_shape():
    shape, _ = resolve("tinystories", "default")
    assert (shape.n_layer, shape.n_head, shape.n_embd, shape.block_size) == (4, 4, 256, 512)


def test_later_layers_win_over_earlier_ones_and_over_the_presets():
    shape, train = resolve("debug", "quick", {"n_layer": 3, "batch_size": 7}, {"batch_size": 9})
    assert (shape.n_layer, train.batch_size) == (3, 9)


def test_the_recipe_decides_the_learning_rate_unless_it_is_given():
    def rate(**settings) -> float:
        return resolve("baby", "quick", settings)[1].learning_rate

    assert (rate(), rate(recipe="classic")) == (5e-3, 1e-3)
    assert rate(learning_rate=2e-3) == 2e-3


def test_many_passes_over_a_text_bring_dropout_and_weight_decay_unless_they_are_given():
    def found(train_tokens: int | None, **settings) -> tuple[float, float]:
        length = {"max_iters": 1000, "batch_size": 10, "block_size": 100} | settings
        model, train = resolve("baby", "quick", length, train_tokens=train_tokens)
        return model.dropout, train.weight_decay

    assert found(None) == found(1_000_000) == found(2_000_000) == (0.0, 0.1)
    assert found(125_000) == (0.1, 1.0)  # 8 passes
    assert found(1_000) == (0.2, 1.0)
    assert found(1_000_000, max_epochs=8, max_iters=None) == (0.1, 1.0)
    assert found(125_000, gradient_accumulation_steps=8) == (0.2, 1.0)
    assert found(125_000, dropout=0.0) == (0.0, 1.0)
    assert found(125_000, weight_decay=0.3) == (0.1, 0.3)


def test_a_length_in_epochs_replaces_a_length_in_steps_of_an_earlier_layer():
    _, train = resolve("debug", "quick", {"max_epochs": 2})
    assert (train.max_iters, train.max_epochs) == (None, 2)
    _, train = resolve("debug", "quick", {"max_epochs": 2}, {"max_iters": 5})
    assert (train.max_iters, train.max_epochs) == (5, None)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"n_head": 3}, ["n_embd 32", "n_head 3", "30 is"]),
        ({"bias": True}, ["neither biases (bias is True)", "classic"]),
        ({"gelu": "tanh"}, ["nor a GELU (gelu is 'tanh')", "classic"]),
        ({"n_embd": 18}, ["n_embd 18 / n_head 2 is 9", "even size", "classic"]),
        ({"max_iters": 5, "max_epochs": 5}, ["max_iters and max_epochs"]),
        ({"batch_size": 0}, ["batch_size is 0", "greater than or equal to 1"]),
        ({"device": "tpu"}, ["device is 'tpu'", "'auto', 'cpu', 'cuda' or 'mps'"]),
        ({"dropout": "much"}, ["dropout is 'much'", "number"]),
        ({"min_lr": 1.0}, ["min_lr 1.0 is above learning_rate"]),
        ({"warmup_iters": 9, "lr_decay_iters": 5}, ["warmup_iters 9", "lr_decay_iters 5"]),
        ({"lerning_rate": 1}, ["'lerning_rate'", "did you mean 'learning_rate'"]),
        ({"zzz": 1}, ["'zzz'", "n_layer"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(overrides, words):
    with pytest.raises(ConfigError) as caught:
        resolve("debug", "quick", overrides)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_unknown_preset_lists_those_there_are():
    with pytest.raises(ConfigError, match=r"'huge'.*debug, baby, small, tinystories, gpt2"):
        resolve("huge", "quick")
    with pytest.raises(ConfigError, match=r"'soon'.*quick, default, long, forever"):
        resolve("debug", "soon")


@pytest.mark.slow
def test_settings_and_the_training_process_start_without_torch():
    code = (
        "import sys, impressions_assets.gpt.config, impressions_assets.gpt.run, "
        "impressions_assets.gpt.train; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
