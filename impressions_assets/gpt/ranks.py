"""The processes that train one model together, seen from one of them.

Each holds the whole model and takes its part of the windows of a step; their gradients are added
up, so that all move the same weights in the same way. Only the first writes, logs and samples.

Notable choices:
- Gradients are added up after the last micro-batch, weighed by their targets. torch's wrapper (DDP)
  does it in the midst of the backward pass: a rank whose memory ends there would leave the others
  waiting for ever. Here all first agree that it sufficed, and back off together.
- What they agree on travels over the CPU (gloo): no device is waited for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from impressions_assets.child import Place
from impressions_assets.errors import RankLost, TrainingError
from impressions_assets.gpt.config import Device
from impressions_assets.gpt.device import device_of

_T = TypeVar("_T")


class Ranks:
    """What processes tell each other; one that is alone hears what it said."""

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        self.rank, self.world_size = rank, world_size

    @property
    def is_first(self) -> bool:
        """Whether it is this process that writes."""
        return self.rank == 0

    def largest(self, *numbers: int) -> list[int]:
        """The largest that any of them said, place by place; all wait for each other."""
        return self._reduced(torch.tensor(numbers, dtype=torch.int64), dist.ReduceOp.MAX)

    def meet(self) -> None:
        """Wait until all have come here."""
        self.largest(0)

    def totals(self, *numbers: float) -> list[float]:
        """What all said together, place by place."""
        return self._reduced(torch.tensor(numbers, dtype=torch.float64), dist.ReduceOp.SUM)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all ranks into each tensor; the device may still be at it."""
        if self.world_size == 1:
            return
        with _telling():
            for work in [dist.all_reduce(tensor, async_op=True) for tensor in tensors]:
                work.wait()

    def from_first(self, value: _T) -> _T:
        """What the first rank said."""
        if self.world_size == 1:
            return value
        said = [value]
        with _telling():
            dist.broadcast_object_list(said, src=0, device=torch.device("cpu"))
        return said[0]

    def _reduced(self, numbers: Tensor, operation: dist.ReduceOp.RedOpType) -> list[_T]:
        if self.world_size > 1:
            with _telling():
                dist.all_reduce(numbers, operation)
        found: list[_T] = numbers.tolist()
        return found


@contextmanager
def joined(place: Place | None, device: Device) -> Iterator[Ranks]:
    """Meet the other ranks, and part from them when the work is done.

    After an error nobody waits for anybody: the process ends, and with it the others.
    """
    if place is None or place.world_size == 1:
        yield Ranks()
        return
    backend = _backend(place, device)
    with _telling():
        dist.init_process_group(
            backend, init_method=place.meeting, rank=place.rank, world_size=place.world_size
        )
    ranks = Ranks(place.rank, place.world_size)
    yield ranks
    ranks.meet()  # NCCL wants to be closed on all ranks at the same time
    dist.destroy_process_group()


def _backend(place: Place, name: Device) -> str:
    device = device_of(name)
    if device.type == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // place.world_size))
        return "gloo"
    if device.type != "cuda":
        raise TrainingError(f"several processes train on cuda or cpu, not on {device.type}")
    num_devices = torch.cuda.device_count()
    if place.local_rank >= num_devices:
        raise TrainingError(
            f"there is no CUDA device for process {place.local_rank + 1} of this machine, which "
            f"shows {num_devices}; start as many processes as there are devices"
        )
    torch.cuda.set_device(place.local_rank)
    return "cpu:gloo,cuda:nccl"


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise RankLost(
            f"another process of this training ended or cannot be reached ({reason}); what was "
            "saved before is intact: start it again, and it goes on from there"
        ) from error
