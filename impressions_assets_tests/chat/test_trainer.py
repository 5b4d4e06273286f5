"""What trl's trainer is told, without a training."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

import torch

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.chat.base import open_base
from impressions_assets.chat.defaults import plan_of
from impressions_assets.chat.exchanges import examples_of
from impressions_assets.chat.trainer import Training
from impressions_assets.gpt.ranks import Ranks
from impressions_assets_tests.chat.tiny import write_llama
from impressions_assets_tests.chat.tunings import PAIRS

# trl is imported; the warnings of libraries no training minds
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def told(tmp_path: Path, device: str, **settings: Any) -> Any:
    """The arguments of a training on a device, whose weights lie in memory."""
    base = open_base(str(write_llama(tmp_path / "base")))
    variant = ChatVariant(base=base.name, **settings)
    training = Training(
        base.load(),
        base.tokenizer,
        variant,
        plan_of(variant, 1_000_000, 128, device, 10**9),
        tmp_path / "steps",
        {"train": examples_of(base.tokenizer, PAIRS, 128).rows, "val": []},
        torch.device(device),
        torch.float32,
        Ranks(),
    )
    return training._trainer.args


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_weights_that_lie_in_memory_are_trained_on_the_device_of_the_setting(
    tmp_path: Path, device: str
) -> None:
    assert told(tmp_path, device).use_cpu == (device == "cpu")
