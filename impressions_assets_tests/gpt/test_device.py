"""The arithmetic of a device: deterministic on CPU, TF32 on CUDA, and put back afterwards."""

import torch

from impressions_assets.gpt.device import arithmetic, peak_flops


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
