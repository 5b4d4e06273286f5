"""What is done number by number has the values and the gradients of torch's own operations."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own habit

from impressions_assets.gpt import pointwise
from impressions_assets.gpt.pointwise import rms_norm, squared_relu

WAYS = [
    (rms_norm, lambda x: F.rms_norm(x, (x.shape[-1],))),
    (squared_relu, lambda x: F.relu(x).square()),
]


@pytest.mark.parametrize(("ours", "theirs"), WAYS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-6), (torch.bfloat16, 0.02)])
def test_values_and_gradients_are_those_of_torch(ours, theirs, dtype, near):
    torch.manual_seed(0)
    x = torch.randn(3, 5, 16, dtype=dtype, requires_grad=True)
    exact = x.detach().float().requires_grad_()
    gradient = torch.randn(3, 5, 16)
    y, expected = ours(x), theirs(exact)
    assert (y.dtype, y.shape) == (dtype, x.shape)
    y.backward(gradient.to(dtype))
    expected.backward(gradient)
    for found, wanted in ((y, expected), (x.grad, exact.grad)):
        assert (found.float() - wanted).norm() < near * wanted.norm()


def test_where_nothing_is_learned_it_is_torchs_own(monkeypatch):
    x = torch.randn(2, 16)
    with monkeypatch.context() as patched:
        patched.setattr(pointwise, "_RMSNorm", None)
        patched.setattr(pointwise, "_SquaredReLU", None)
        assert torch.equal(rms_norm(x), F.rms_norm(x, (16,)))
        assert torch.equal(squared_relu(x), F.relu(x).square())
    assert rms_norm(x.requires_grad_()).grad_fn.name() == "_RMSNormBackward"
    assert squared_relu(x).grad_fn.name() == "_SquaredReLUBackward"


def test_a_large_gradient_in_half_precision_stays_finite():
    x = torch.randn(4, 64, dtype=torch.float16, requires_grad=True)
    rms_norm(x).backward(torch.full((4, 64), 2e4, dtype=torch.float16) * x.detach().sign())
    assert x.grad.isfinite().all()


def test_zeros_stay_zeros():
    x = torch.zeros(2, 8, requires_grad=True)
    y = rms_norm(x)
    y.sum().backward()
    assert not y.any()
    assert x.grad.isfinite().all()
