"""Products by oneDNN, and their gradients, equal PyTorch's for every memory layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.native import linear as products
from regard.native.linear import Linear, StepProduct, fused_linear, linear, weight_gradient
from regard.native.packed import can_pack

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.T.contiguous().T,
    "view": lambda x: torch.cat((x, x), dim=-1)[..., : x.shape[-1]],
}


@pytest.fixture(params=["onednn", "torch"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both libraries, regardless of this processor."""
    if request.param == "onednn" and not can_pack(torch.float32):
        pytest.skip("no oneDNN here")
    monkeypatch.setattr(products, "onednn_is_faster", lambda: request.param == "onednn")
    monkeypatch.setattr(products, "MIN_ONEDNN_SIZE", 1)
    return str(request.param)


@pytest.mark.parametrize("of_weight", LAYOUTS)
@pytest.mark.parametrize("of_x", LAYOUTS)
@pytest.mark.parametrize("sizes", [(5, 40, 10), (64, 10, 40), (1, 12, 12)])
@pytest.mark.parametrize("bias", [True, False])
def test_product_and_gradients(
    library: str, sizes: tuple[int, int, int], of_x: str, of_weight: str, bias: bool
) -> None:
    rows, in_size, out_size = sizes
    x, weight = LAYOUTS[of_x](torch.randn(rows, in_size)), LAYOUTS[of_weight](torch.randn(out_size, in_size))
    error, offset = torch.randn(rows, out_size), torch.randn(out_size) if bias else None
    tensors = (x, weight, offset)
    doubles = [None if tensor is None else tensor.double().detach().requires_grad_() for tensor in tensors]
    inputs = [None if tensor is None else tensor.detach().requires_grad_() for tensor in tensors]
    expected = F.linear(*doubles)  # type: ignore[arg-type]
    found = linear(*inputs)  # type: ignore[arg-type]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=1e-5)
    expected.backward(error.double())
    found.backward(error)
    for tensor, double in zip(inputs, doubles, strict=True):
        if tensor is not None and double is not None:
            assert tensor.grad is not None
            assert double.grad is not None
            torch.testing.assert_close(tensor.grad.double(), double.grad, atol=1e-4, rtol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(linear(x, weight, offset), found.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weight_gradient(error, x).double(), error.double().T @ x.double(), atol=1e-4, rtol=1e-5)


def test_only_required_gradients_are_computed(library: str) -> None:
    x, weight = torch.randn(2, 3, 8), torch.randn(4, 8, requires_grad=True)
    linear(x, weight).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(weight.grad, x.sum((0, 1)).expand(4, 8))
    assert not linear(x, weight.detach()).requires_grad
    assert linear(torch.zeros(0, 8), weight).shape == (0, 4)


def test_autocast_and_other_types_are_left_to_torch(library: str) -> None:
    layer = Linear(8, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.randn(2, 8)).dtype == torch.bfloat16
    x, weight = torch.randn(3, 8).double(), torch.randn(4, 8).double()
    assert torch.equal(linear(x, weight), F.linear(x, weight))


def test_the_state_dict_has_the_names_of_torch() -> None:
    assert Linear(3, 2).state_dict().keys() == torch.nn.Linear(3, 2).state_dict().keys()


@pytest.mark.parametrize(
    ("capability", "cpuinfo", "expected"),
    [
        ("AVX512", "vendor_id : AuthenticAMD", True),
        ("AVX512", "vendor_id : GenuineIntel", False),
        ("AVX2", "vendor_id : AuthenticAMD", True),
        ("AVX2", "vendor_id : GenuineIntel", False),
        ("DEFAULT", "vendor_id : AuthenticAMD", False),
    ],
)
def test_onednn_is_used_on_processors_of_other_vendors_than_intel(
    capability: str, cpuinfo: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_pack(torch.float32):
        pytest.skip("no oneDNN here")
    products.onednn_is_faster.cache_clear()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(Path, "read_text", lambda self, **options: cpuinfo)
    try:
        assert products.onednn_is_faster() is expected
    finally:
        products.onednn_is_faster.cache_clear()


@pytest.mark.usefixtures("library")
def test_a_fused_map_concatenates_the_outputs_of_its_parts_and_adds() -> None:
    x, added = torch.randn(3, 12), torch.randn(3, 13)
    parts = [Linear(12, size) for size in (5, 1, 7)]
    fused = fused_linear(*parts)
    expected = torch.cat([part(x) for part in parts], dim=-1)
    torch.testing.assert_close(fused(x), expected)
    torch.testing.assert_close(fused(x, added), expected + added)


def test_steps_with_a_weight_that_is_frozen_or_used_otherwise() -> None:
    x, weight = torch.randn(2, 4, requires_grad=True), torch.randn(3, 4)
    StepProduct(weight)(x).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, weight.sum(0).expand(2, 4))
    weight.requires_grad_()
    (2.0 * StepProduct(weight).weight).sum().backward()  # without any step
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.full((3, 4), 2.0))
