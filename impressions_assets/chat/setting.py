"""A base on its device, and what is decided of its tuning."""

import shutil
from typing import Any

import psutil
import torch
from peft import prepare_model_for_kbit_training

from impressions_assets.chat.base import Base, open_base
from impressions_assets.chat.defaults import Plan, plan_of
from impressions_assets.chat.exchanges import Examples, Exchange, examples_of
from impressions_assets.chat.local_answerer import context_of
from impressions_assets.chat.run import ChatRun
from impressions_assets.chat.trainer import OURS
from impressions_assets.errors import ConfigError
from impressions_assets.gpt.device import device_of, dtype_of
from impressions_assets.gpt.ranks import Ranks

_WIDE = 512  # tokens that a question and its answer need at least


class Setting:
    """A base on its device, and all that is decided of its tuning."""

    def __init__(self, run: ChatRun, ranks: Ranks) -> None:
        variant = run.variant
        self.run, self.ranks, self.is_sharded = run, ranks, variant.sharded
        self._made, self.gathered = run.out_dir / f"base-{ranks.rank}", run.out_dir / "gathered"
        self.base = open_base(
            variant.base,
            checkpoint=run.checkpoint_dir,
            made=self._made,
            plain=variant.template == "plain",
            padding=variant.padding_token,
            pickled=variant.pickled_weights,
        )
        self.device = device_of(variant.device)
        self.dtype = dtype_of(variant.precision, self.device)
        self.num_parameters = self.base.num_parameters
        plan = plan_of(
            variant,
            self.num_parameters,
            _context_of(self.base.config),
            self.device.type,
            _memory_bytes(self.device),
        )
        self.plan: Plan = ranks.from_first(plan)
        # Adapters leave the weights as they are, in 2 bytes; what is trained itself needs 4.
        self.stored = torch.float32 if self.plan.method == "full" else self.dtype

    @property
    def is_quantized(self) -> bool:
        """Whether the base is held in 4 bits, which no weights can be merged into."""
        return self.plan.method == "qlora"

    def load(self) -> Any:
        """The model to be tuned, on its device, or in memory where it goes on several."""
        if self.is_quantized:
            prepare: Any = prepare_model_for_kbit_training
            of_four_bits, here = _four_bits(self.dtype), {"": torch.cuda.current_device()}
            model = self.base.load(quantization_config=of_four_bits, device_map=here)
            return prepare(model, use_gradient_checkpointing=self.plan.gradient_checkpointing)
        model = self.base.load(dtype=self.stored)
        if model.config.model_type == OURS:
            model.config.block_size = max(model.config.block_size, self.plan.max_length)
            self.base.tokenizer.model_max_length = model.config.block_size
        return model if self.is_sharded else model.to(self.device)

    def spread(self, base: Base) -> Any:
        """A model as it answers: on its device, or over all where one cannot hold it."""
        if not self.is_sharded or self.device.type != "cuda":
            return base.load(dtype=self.stored).to(self.device)
        return base.load(dtype=self.dtype, device_map="auto")

    def discard(self) -> None:
        """Delete what was only needed on the way."""
        shutil.rmtree(self._made, ignore_errors=True)
        if self.ranks.is_first:
            shutil.rmtree(self.gathered, ignore_errors=True)

    def examples(self, exchanges: list[Exchange]) -> Examples:
        """The exchanges as this base reads them."""
        return examples_of(self.base.tokenizer, exchanges, self.plan.max_length)


def _context_of(config: Any) -> int:
    """Tokens that the base can learn to hold: positions that are rotated have no last one."""
    return max(context_of(config), _WIDE if config.model_type == OURS else 0)


def _memory_bytes(device: torch.device) -> int:
    """All that a device has: what is free now would make another plan of a tuning that goes on."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info()[1])
    return int(psutil.virtual_memory().total)


def _four_bits(dtype: torch.dtype) -> Any:
    try:
        import bitsandbytes  # type: ignore[import-not-found]  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"qlora needs bitsandbytes, and it cannot be imported ({error}):"
            " pip install bitsandbytes, or choose lora"
        ) from error
    from transformers import BitsAndBytesConfig

    config: Any = BitsAndBytesConfig
    return config(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
