"""Where a training computes, and in which arithmetic.

Weights stay float32; matrix products run in `dtype` under autocast. "auto" takes what the device
does well: CUDA bfloat16 (float16 before Ampere), everything else float32. A CPU that multiplies
bfloat16 twice as fast trains a wide model in it, but speaks in float32: a step of one token reads
all weights for one row, and what is said does not depend on the CPU.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.config import Device, DType

_WORTH_ROUNDING = 128  # width of a model; what it gains: docs/training.md
_OF_DEVICE = re.compile("CUDA error|CUBLAS_STATUS|CUDNN_STATUS|NCCL error|MPS backend")


def device_of(name: Device) -> torch.device:
    """The torch device for a setting; `TrainingError` when this machine has none such."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if not available[name]:
        raise TrainingError(
            f"device {name!r} was asked for, but torch {torch.__version__} sees none here; "
            "use device auto, or install a torch that supports it"
        )
    return torch.device(name)


def dtype_of(name: DType, device: torch.device) -> torch.dtype:
    """The type of the arithmetic on a device."""
    if name == "auto":
        name = "float32"
        if device.type == "cuda":
            name = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if name == "float16" and device.type != "cuda":
        raise TrainingError(
            f"dtype float16 needs its gradients scaled, which works on cuda only, not on "
            f"{device.type}; use float32 or bfloat16"
        )
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def training_dtype_of(name: DType, device: torch.device, width: int) -> torch.dtype:
    """The type of the arithmetic in which a model of that width trains on a device."""
    if name == "auto" and device.type == "cpu" and width >= _WORTH_ROUNDING and has_fast_bfloat16():
        name = "bfloat16"
    return dtype_of(name, device)


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 at least twice as fast as float32.

    Intel's do where they have tiles (AMX: Xeons since 2023), AMD's where they have AVX-512 BF16
    (since Zen 4: 200 against 90 GFLOP/s). A Xeon without tiles takes 1.4 times as long in it.
    """
    tell = getattr(torch.cpu, "get_capabilities", None)  # older versions of torch do not
    cpu: Mapping[str, Any] = tell() if tell else {}
    is_amd = str(cpu.get("cpu_name", "")).startswith("AMD")
    return bool(cpu.get("amx_bf16") or (is_amd and cpu.get("avx512_bf16")))


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """A context in which matrix products run in `dtype`."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device_type=device.type, dtype=dtype)


@contextmanager
def telling_of_failure(device: torch.device) -> Iterator[None]:
    """Have a device that fails, or is gone, say so in an error that tells what to do."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    try:
        yield
    except RuntimeError as error:
        accelerator = getattr(torch, "AcceleratorError", ())  # torch 2.8 and newer
        if not isinstance(error, accelerator) and not _OF_DEVICE.search(str(error)):
            raise
        raise TrainingError(
            f"the device {name} failed or is gone: {str(error).splitlines()[0]}; what was saved "
            "before is intact. See whether the system still shows it (nvidia-smi; a restart may "
            "bring it back), then start the same training again: it goes on from its last "
            "checkpoint"
        ) from error


@contextmanager
def arithmetic(device: torch.device) -> Iterator[None]:
    """On CPU the same inputs give the same bits; that would cost speed elsewhere: no promise.

    Which operations are allowed is all that determinism asks for: to fill fresh memory with NaN as
    well, torch's habit then, took 4% of a step.

    CUDA rounds the factors of what float32 products there are to TF32, for tensor cores.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision()
    filling = torch.utils.deterministic  # a module whose class has the property: mypy sees none
    filled = filling.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(device.type == "cpu" or before[0])
    filling.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.set_float32_matmul_precision(before[1])
        filling.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of one large matrix product, the best of a few.

    Measured, not looked up: sheets promise what no kernel reaches (989 TFLOP/s for an H200, of
    which a product gets 790), and name no CPU's.
    """
    size = 8192 if device.type == "cuda" else 512
    matrix = torch.zeros(size, size, device=device, dtype=dtype)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # waits for the device
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
