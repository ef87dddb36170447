"""Products by oneDNN are PyTorch's own, whatever lies where in memory, and so are their gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.native import linear as products
from regard.native.linear import Linear, fused_linear, linear, weight_gradient
from regard.native.packed import can_pack

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "whole": lambda x: x,
    "turned": lambda x: x.T.contiguous().T,
    "part": lambda x: torch.cat((x, x), dim=-1)[..., : x.shape[-1]],
}


@pytest.fixture(params=["onednn", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways, whatever this processor is."""
    if request.param == "onednn" and not can_pack(torch.float32):
        pytest.skip("no oneDNN here")
    monkeypatch.setattr(products, "onednn_is_faster", lambda: request.param == "onednn")
    monkeypatch.setattr(products, "MIN_ONEDNN_SIZE", 1)
    return str(request.param)


@pytest.mark.parametrize("of_weight", LAYOUTS)
@pytest.mark.parametrize("of_x", LAYOUTS)
@pytest.mark.parametrize("sizes", [(5, 40, 10), (64, 10, 40), (1, 12, 12)])
@pytest.mark.parametrize("bias", [True, False])
def test_product_and_gradients(way: str, sizes: tuple[int, int, int], of_x: str, of_weight: str, bias: bool) -> None:
    rows, inward, outward = sizes
    x, weight = LAYOUTS[of_x](torch.randn(rows, inward)), LAYOUTS[of_weight](torch.randn(outward, inward))
    error, offset = torch.randn(rows, outward), torch.randn(outward) if bias else None
    exact = [None if one is None else one.double().detach().requires_grad_() for one in (x, weight, offset)]
    given = [None if one is None else one.detach().requires_grad_() for one in (x, weight, offset)]
    wanted = F.linear(*exact)  # type: ignore[arg-type]
    found = linear(*given)  # type: ignore[arg-type]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), wanted, atol=1e-4, rtol=1e-5)
    wanted.backward(error.double())
    found.backward(error)
    for one, other in zip(given, exact, strict=True):
        if one is not None and other is not None:
            assert one.grad is not None
            assert other.grad is not None
            torch.testing.assert_close(one.grad.double(), other.grad, atol=1e-4, rtol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(linear(x, weight, offset), found.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weight_gradient(error, x).double(), error.double().T @ x.double(), atol=1e-4, rtol=1e-5)


def test_only_what_is_asked_for_is_computed(way: str) -> None:
    x, weight = torch.randn(2, 3, 8), torch.randn(4, 8, requires_grad=True)
    linear(x, weight).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(weight.grad, x.sum((0, 1)).expand(4, 8))
    assert not linear(x, weight.detach()).requires_grad
    assert linear(torch.zeros(0, 8), weight).shape == (0, 4)


def test_autocast_and_other_types_are_left_to_torch(way: str) -> None:
    layer = Linear(8, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.randn(2, 8)).dtype == torch.bfloat16
    x, weight = torch.randn(3, 8).double(), torch.randn(4, 8).double()
    assert torch.equal(linear(x, weight), F.linear(x, weight))


def test_a_layer_keeps_the_names_of_torchs() -> None:
    assert Linear(3, 2).state_dict().keys() == torch.nn.Linear(3, 2).state_dict().keys()


@pytest.mark.parametrize(
    ("capability", "described", "wins"),
    [
        ("AVX512", "vendor_id : AuthenticAMD", True),
        ("AVX512", "vendor_id : GenuineIntel", False),
        ("AVX2", "vendor_id : AuthenticAMD", True),
        ("AVX2", "vendor_id : GenuineIntel", False),
        ("DEFAULT", "vendor_id : AuthenticAMD", False),
    ],
)
def test_which_processors_it_is_for(
    capability: str, described: str, wins: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_pack(torch.float32):
        pytest.skip("no oneDNN here")
    products.onednn_is_faster.cache_clear()
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(Path, "read_text", lambda self, **options: described)
    try:
        assert products.onednn_is_faster() is wins
    finally:
        products.onednn_is_faster.cache_clear()


@pytest.mark.usefixtures("way")
def test_a_joined_map_gives_its_parts_side_by_side_and_adds() -> None:
    x, added = torch.randn(3, 12), torch.randn(3, 13)
    parts = [Linear(12, size) for size in (5, 1, 7)]
    whole = fused_linear(*parts)
    wanted = torch.cat([part(x) for part in parts], dim=-1)
    torch.testing.assert_close(whole(x), wanted)
    torch.testing.assert_close(whole(x, added), wanted + added)
