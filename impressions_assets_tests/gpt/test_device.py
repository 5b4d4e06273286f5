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
    ("asked", "width", "is_fast", "found"),
    [
        ("auto", 128, True, torch.bfloat16),
        ("auto", 127, True, torch.float32),
        ("auto", 256, False, torch.float32),
        ("float32", 256, True, torch.float32),
        ("bfloat16", 64, False, torch.bfloat16),
    ],
)
def test_a_cpu_that_is_fast_in_bfloat16_trains_a_wide_model_in_it(
    asked, width, is_fast, found, monkeypatch
):
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: is_fast)
    cpu = torch.device("cpu")
    assert training_dtype_of(asked, cpu, width) == found
    assert dtype_of("auto", cpu) == torch.float32  # that is how it speaks


@pytest.mark.parametrize(("width", "found"), [(128, torch.bfloat16), (64, torch.float32)])
def test_it_is_the_width_of_the_model_that_counts(width, found, monkeypatch):
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: True)
    training = Training(of_ids(range(100), 100), "debug", device="cpu", n_embd=width)
    assert training.state.dtype == found


@pytest.mark.parametrize(
    ("cpu", "is_fast"),
    [
        ({"cpu_name": "Intel Xeon Processor", "amx_bf16": True, "avx512_bf16": True}, True),
        ({"cpu_name": "Intel Xeon Processor", "amx_bf16": False, "avx512_bf16": True}, False),
        ({"cpu_name": "AMD EPYC 9654", "amx_bf16": False, "avx512_bf16": True}, True),
        ({"cpu_name": "AMD EPYC 7763", "amx_bf16": False, "avx512_bf16": False}, False),
        ({}, False),
    ],
)
def test_which_cpu_is_fast_is_asked_of_torch(cpu, is_fast, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu, raising=False)
    assert device.has_fast_bfloat16() == is_fast


def test_an_older_torch_does_not_tell(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not device.has_fast_bfloat16()
