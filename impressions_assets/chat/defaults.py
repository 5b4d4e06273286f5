"""How a base is tuned unless the channel says otherwise: by its size and by the device.

Small models learn pairs by heart in many passes and at a high rate; large ones forget what they
know by that, and an adapter learns at ten times the rate of the whole (Hu et al. 2021, Dettmers et
al. 2023, "LoRA Without Regret" 2025).
"""

from typing import Any, Literal, NamedTuple

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.errors import ConfigError

Method = Literal["full", "lora", "qlora"]
# 56 pairs of the demo, 40 passes at 1e-3: loss 0.89, none of 20 right; 25 at 4e-3: loss 0.08.
_TOY, _OF_A_TOY = 10_000_000, 4e-3
_TINY, _SMALL = 100_000_000, 1_500_000_000
_A_STEP = 8  # examples
_LONGEST = 2048  # tokens of an example: memory grows with it
# Bytes a parameter: weights, gradients and AdamW's two moments; adapters add little.
_BYTES = {"full": 16.0, "lora": 2.2, "qlora": 0.8}


class Plan(NamedTuple):
    """Settings of one fine-tuning, all decided."""

    method: Method
    epochs: float
    learning_rate: float
    batch_size: int
    gradient_accumulation_steps: int
    max_length: int
    gradient_checkpointing: bool


def plan_of(
    variant: ChatVariant, num_parameters: int, context: int, device: str, memory: int
) -> Plan:
    """Decide what the channel left open; of several processes, each has its part of a step.

    Raises:
        ConfigError: qlora was asked for where there is no CUDA.
    """
    method = _method(variant, num_parameters, device, memory)
    is_tiny, is_small = num_parameters < _TINY, num_parameters < _SMALL
    at_once = min(_A_STEP if is_tiny else 4 if is_small else 1, _A_STEP // variant.processes)
    batch_size = variant.batch_size or max(1, at_once)
    chosen: dict[str, Any] = {
        "epochs": 40.0 if is_tiny else 6.0 if is_small else 3.0,
        "learning_rate": _OF_A_TOY if num_parameters < _TOY else _rate(method, is_tiny, is_small),
        "gradient_accumulation_steps": max(1, _A_STEP // (batch_size * variant.processes)),
        "gradient_checkpointing": not is_small,
    }
    chosen |= {name: said for name in chosen if (said := getattr(variant, name)) is not None}
    longest = min(context, variant.max_length or _LONGEST)
    return Plan(method=method, batch_size=batch_size, max_length=longest, **chosen)


def memory_bytes(method: Method, num_parameters: int) -> int:
    """What weights, gradients and moments take; activations come on top."""
    return int(_BYTES[method] * num_parameters)


def _method(variant: ChatVariant, num_parameters: int, device: str, memory: int) -> Method:
    if variant.method == "qlora" and device != "cuda":
        raise ConfigError(
            f"qlora computes in 4 bits on CUDA only, and this is {device}: choose lora or full"
        )
    if variant.method != "auto":
        return variant.method
    if num_parameters < _TINY:
        return "full"
    is_tight = memory_bytes("lora", num_parameters) * 1.3 > memory
    return "qlora" if device == "cuda" and is_tight and not variant.sharded else "lora"


def _rate(method: Method, is_tiny: bool, is_small: bool) -> float:
    if method == "full":
        return 5e-4 if is_tiny else 2e-5 if is_small else 1e-5
    return 2e-3 if is_tiny else 2e-4
