"""Packed linear maps compute the same products as the original weights."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from regard.native import disabled, packed
from regard.native.int8 import Int8Linear
from regard.native.packed import PackedLinear


@pytest.mark.parametrize("rows", [(0,), (1,), (3,), (2, 2), (5,), (6,), (64,), (4, 7)])
@pytest.mark.parametrize("size", [(17, 33), (1, 40), (300, 128)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("onednn", [True, False])
def test_equals_the_plain_product(
    rows: tuple[int, ...],
    size: tuple[int, int],
    bias: bool,
    onednn: bool,
    instructions: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not onednn:
        monkeypatch.setattr(packed, "can_pack", lambda dtype: False)
    x, weight, b = torch.randn(*rows, size[1]), torch.randn(size), torch.randn(size[0]) if bias else None
    added, expected = (
        torch.randn(*rows, size[0]),
        F.linear(x.double(), weight.double(), None if b is None else b.double()),
    )
    with torch.inference_mode():
        plain, rectified = PackedLinear(weight, b), PackedLinear(weight, b, relu=True)
        for found, double in (
            (plain(x), expected),
            (plain(x, added), expected + added),
            (rectified(x), expected.relu()),
            (rectified(x, added), expected.relu() + added),
        ):
            torch.testing.assert_close(found.double(), double, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_with_few_rows_do_not_pack_the_weight(precision: str, kernels: str) -> None:
    if not packed.can_pack(torch.float32 if precision == "float32" else torch.bfloat16):
        pytest.skip("oneDNN cannot pack weights of this type here")
    product = PackedLinear(torch.randn(300, 128), precision=precision)
    with torch.inference_mode():
        for rows in range(1, packed.MAX_FEW_ROWS + 1):
            product(torch.randn(rows, 128))
        assert product._packed is None
        product(torch.randn(packed.MAX_FEW_ROWS + 1, 128))
        packed_weight = product._packed
        product(torch.randn(packed.MAX_FEW_ROWS + 1, 128))
    assert packed_weight is not None
    assert product._packed is packed_weight


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(1, 1), (3, 15), (5, 16), (6, 17), (43, 200)])
def test_every_number_of_few_rows(rows: int, size: tuple[int, int], kernels: str) -> None:
    x, weight, bias, added = (
        torch.randn(rows, size[1]),
        torch.randn(size),
        torch.randn(size[0]),
        torch.randn(rows, size[0]),
    )
    with torch.inference_mode():
        found = PackedLinear(weight, bias, relu=True)(x, added)
    expected = F.linear(x.double(), weight.double(), bias.double()).relu() + added
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_nan_is_not_hidden(kernels: str) -> None:
    x = torch.randn(5, 40)
    x[3, 39] = torch.nan
    with torch.inference_mode():
        found = PackedLinear(torch.randn(30, 40), relu=True)(x)
    assert found[3].isnan().all()
    assert found[[0, 1, 2, 4]].isfinite().all()


def test_views_with_any_strides() -> None:
    weight = torch.randn(20, 40)[:, :8]
    x = torch.randn(8, 6).T
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(weight)(x), x @ weight.T, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 4, 6])
def test_bfloat16_results_are_rounded_and_have_the_type_of_x(rows: int) -> None:
    x, weight, b = torch.randn(rows, 64), torch.randn(9, 64), torch.randn(9)
    with torch.inference_mode():
        found = PackedLinear(weight, b, precision="bfloat16")(x)
        with_added = PackedLinear(weight, b, precision="bfloat16")(x, torch.full((rows, 9), 1000.0))
    assert found.dtype == with_added.dtype == torch.float32
    assert torch.equal(found, found.bfloat16().float())
    torch.testing.assert_close(with_added, found + 1000.0, rtol=0, atol=1e-4)  # the addend is not rounded
    error = (found - F.linear(x, weight, b)).abs().max() / 8
    assert 1e-5 < error < 2e-2


def test_layers_say_that_their_kernel_is_missing() -> None:
    with disabled():
        layer, small = PackedLinear(torch.ones(3, 4), None), Int8Linear(torch.ones(3, 4))
    with pytest.raises(AssertionError, match="there is no compiled kernel for matrix products with up to"):
        layer._few_rows(torch.ones(1, 4), None)
    with pytest.raises(AssertionError, match="there is no compiled int8 kernel"):
        small(torch.ones(1, 4))
