"""What trl's trainer is told, without a training."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

import torch

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.chat.base import open_base
from impressions_assets.chat.defaults import plan_of
from impressions_assets.chat.exchanges import examples_of
from impressions_assets.chat.trainer import Training, keeps_apart
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.configuration_impressions import ImpressionsConfig
from impressions_assets.gpt.modeling_impressions import ImpressionsForCausalLM
from impressions_assets.gpt.ranks import Ranks
from impressions_assets.gpt.stop import StopRequest
from impressions_assets_tests.chat.tiny import write_llama
from impressions_assets_tests.chat.tunings import PAIRS

# trl is imported; the warnings of libraries no training minds
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def laid_out(tmp_path: Path, device: str = "cpu", **settings: Any) -> Training:
    """A training on a device, whose weights lie in memory."""
    texts = [f"{one.question} {one.answer}" for one in PAIRS]
    base = open_base(str(write_llama(tmp_path / "base", texts)))
    variant = ChatVariant(base=base.name, **settings)
    return Training(
        base.load(),
        base.tokenizer,
        variant,
        plan_of(variant, 1_000_000, 128, device, 10**9),
        tmp_path / "steps",
        {split: examples_of(base.tokenizer, PAIRS, 128).rows for split in ("train", "val")},
        torch.device(device),
        torch.float32,
        Ranks(),
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_weights_that_lie_in_memory_are_trained_on_the_device_of_the_setting(
    tmp_path: Path, device: str
) -> None:
    args = laid_out(tmp_path, device)._trainer.args
    assert args.use_cpu == (device == "cpu")


def test_packed_examples_lose_what_they_lose_apart(tmp_path: Path) -> None:
    """Else they would see each other: no loss of an example may change with its neighbours."""
    packed = laid_out(tmp_path, packing=True)._trainer
    apart = laid_out(tmp_path)._trainer
    assert len(packed.train_dataset) < len(apart.train_dataset)
    with torch.no_grad():
        losses = [
            float(one.compute_loss(one.model, next(iter(one.get_train_dataloader()))))
            for one in (packed, apart)
        ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_base_in_which_packed_examples_see_each_other_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("impressions_assets.chat.trainer.keeps_apart", lambda _: False)
        laid_out(tmp_path)
        with pytest.raises(ConfigError, match="as one text"):
            laid_out(tmp_path, packing=True)
    assert keeps_apart(open_base(str(write_llama(tmp_path / "base"))).load())
    torch.manual_seed(0)
    ours = ImpressionsConfig(vocab_size=16, n_layer=2, n_head=2, n_embd=16, block_size=16)
    assert not keeps_apart(ImpressionsForCausalLM(ours))


def test_patience_counts_on_where_a_stopped_tuning_goes_on(tmp_path: Path) -> None:
    """With weights that do not move, no evaluation is better than the first, at step 10."""
    settings = {"patience": 4, "max_steps": 100, "learning_rate": 1e-30}

    def stop_at_30(text: str) -> None:
        if text.startswith("step 30 ") and "validation" in text:
            os.kill(os.getpid(), signal.SIGUSR1)

    first, again = (laid_out(tmp_path, **settings) for _ in range(2))
    with StopRequest(None) as stop:
        first.run(stop_at_30, stop, tmp_path / "gathered")
    assert 30 <= first.steps < 40
    with StopRequest(None) as stop:
        assert again.run(print, stop, tmp_path / "gathered") == first.steps
    assert again.steps == 50


@pytest.mark.parametrize(("num_parameters", "processes"), [(10**6, 4), (10**9, 8), (10**9, 2)])
def test_more_processes_make_no_larger_step(num_parameters: int, processes: int) -> None:
    alone, shared = (
        plan_of(ChatVariant(processes=number), num_parameters, 128, "cpu", 10**12)
        for number in (1, processes)
    )
    step = alone.batch_size * alone.gradient_accumulation_steps
    assert shared.batch_size * shared.gradient_accumulation_steps * processes == step
