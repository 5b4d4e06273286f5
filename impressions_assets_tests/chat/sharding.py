"""A fine-tuning whose weights are sharded, on CPUs: `python -m … chat.json` as the product's own.

accelerate shards on accelerators alone, and takes what it was told of CPUs for nothing said. torch
itself (`fully_shard`) does both. So that all else is the product's, two of accelerate's answers are
others here: what kind of processes these are, and on which device.
"""

import sys

import torch
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from impressions_assets.chat.train import main

_of_machine = PartialState._prepare_backend


def _of_several(
    self: PartialState, *arguments: object, **named: object
) -> tuple[str, DistributedType]:
    backend, kind = _of_machine(self, *arguments, **named)
    return backend, DistributedType.MULTI_GPU if kind is DistributedType.MULTI_CPU else kind


def _on_cpu(self: PartialState) -> None:
    self.device = torch.device("cpu")


if __name__ == "__main__":
    PartialState._prepare_backend = _of_several
    PartialState.set_device = _on_cpu
    sys.exit(main())
