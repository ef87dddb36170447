"""Packed weights multiply like those that they were made of."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from regard.native import packed
from regard.native.packed import PackedLinear


@pytest.mark.parametrize("rows", [(0,), (1,), (5,), (64,), (4, 7)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("here", [True, False])
def test_equals_the_plain_product(
    rows: tuple[int, ...], bias: bool, here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not here:
        monkeypatch.setattr(packed, "packs", lambda dtype: False)
    x, weight, b = torch.randn(*rows, 33), torch.randn(17, 33), torch.randn(17) if bias else None
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(weight, b)(x), F.linear(x, weight, b), rtol=1e-5, atol=1e-5)


def test_takes_views_of_any_layout() -> None:
    weight = torch.randn(20, 40)[:, :8]
    x = torch.randn(8, 6).T
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(weight)(x), x @ weight.T, rtol=1e-5, atol=1e-5)


def test_bfloat16_rounds_and_gives_back_the_type_of_x() -> None:
    x, weight, b = torch.randn(6, 64), torch.randn(9, 64), torch.randn(9)
    with torch.inference_mode():
        found = PackedLinear(weight, b, precision="bfloat16")(x)
    assert found.dtype == torch.float32
    error = (found - F.linear(x, weight, b)).abs().max() / 8
    assert 1e-5 < error < 2e-2
