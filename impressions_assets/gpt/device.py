"""Where a training computes, and in which arithmetic.

Weights stay float32; matrix products run in `dtype` under autocast. "auto" takes what the device
does well: CUDA bfloat16 (float16 before Ampere), everything else float32.
"""

from contextlib import AbstractContextManager, nullcontext

import torch

from impressions_assets.errors import TrainingError
from impressions_assets.gpt.config import Device, DType


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


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """A context in which matrix products run in `dtype`."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device_type=device.type, dtype=dtype)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
