"""The arithmetic of a device: deterministic on CPU, TF32 on CUDA, and put back afterwards."""

import pytest
import torch

from impressions_assets.gpt import device
from impressions_assets.gpt.device import arithmetic, dtype_of, peak_flops, training_dtype_of
from impressions_assets_tests.bench.stream import Training, of_ids


def settings() -> tuple[bool, str]:
    return torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision()


def test_cpu_is_deterministic_and_cuda_uses_its_tensor_cores_while_training():
    before = settings()
    with arithmetic(torch.device("cpu")):
        assert settings() == (True, before[1])
    with arithmetic(torch.device("cuda")):
        assert settings() == (before[0], "high")
    assert settings() == before


def test_the_peak_of_this_cpu_is_that_of_a_matrix_product():
    assert 1e8 < peak_flops(torch.device("cpu"), torch.float32) < 1e14


@pytest.mark.parametrize(
    ("asked", "width", "has_tiles", "found"),
    [
        ("auto", 256, True, torch.bfloat16),
        ("auto", 128, True, torch.float32),  # tiles gain nothing
        ("auto", 256, False, torch.float32),
        ("float32", 256, True, torch.float32),
        ("bfloat16", 128, False, torch.bfloat16),
    ],
)
def test_a_cpu_with_tiles_trains_a_wide_model_in_bfloat16(
    asked, width, has_tiles, found, monkeypatch
):
    monkeypatch.setattr(device, "has_tiles", lambda: has_tiles)
    cpu = torch.device("cpu")
    assert training_dtype_of(asked, cpu, width) == found
    assert dtype_of("auto", cpu) == torch.float32  # that is how it speaks


@pytest.mark.parametrize(("width", "found"), [(256, torch.bfloat16), (128, torch.float32)])
def test_it_is_the_width_of_the_model_that_counts(width, found, monkeypatch):
    monkeypatch.setattr(device, "has_tiles", lambda: True)
    training = Training(of_ids(range(100), 100), "debug", device="cpu", n_embd=width)
    assert training.state.dtype == found


def test_whether_a_cpu_has_tiles_is_asked_of_torch(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert device.has_tiles()
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not device.has_tiles()
