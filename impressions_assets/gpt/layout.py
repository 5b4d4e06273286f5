"""How a model's weights lie in memory while it speaks: a token alone reads all of them for one row.

Notable choices, for a CPU; measured in docs/benchmarks.md:
- In float32 the head's matrix is stored by columns, where a product with one vector is 2.4 to 3
  times as fast. With 16 vectors it makes no difference.
- Rounded to bfloat16, matrices are kept in 16 bits and multiplied by FBGEMM, whose kernel reads
  half the bytes and adds up in float32; oneDNN's for bfloat16 brings a matrix into another order
  for each product. Its 16 bits are those of float16, which holds every bfloat16 from 6e-5 to 65504
  exactly, and smaller ones to within 3e-8. All else is rounded as well, but held as float32.
"""

from typing import cast

import torch
from torch import Tensor, nn

from impressions_assets.gpt.model import GPT


def laid_out(model: GPT, dtype: torch.dtype) -> GPT:
    """The model with its weights rounded to `dtype`, ready to speak, and for nothing else."""
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)
    if model.token_embedding.weight.device.type != "cpu":
        return model
    if dtype == torch.float32:
        matrix: Tensor = model.head_weight
        matrix.data = matrix.data.t().contiguous().t()
    elif "fbgemm" in torch.backends.quantized.supported_engines:  # on x86
        _pack(model)
    return model


class Packed(nn.Module):
    """A linear layer whose matrix is kept in 16 bits, in the order in which FBGEMM reads it."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.float(), bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) to (..., C'), both float32."""
        return cast(Tensor, torch.ops.quantized.linear_dynamic_fp16(x, self._packed))


def _pack(model: GPT) -> None:
    model.multiply_head = Packed(model.head_weight, None)
    if model.head is not None:  # the whole matrix is read no more
        model.head.weight.data = model.head.weight.data.new_empty(0)
    model.float()
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear) and child is not model.head
    ]
    for parent, name, linear in places:
        setattr(parent, name, Packed(linear.weight, linear.bias))
