"""Products in 8 bits: exact to the bit with all instructions, and close to the float32 product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from regard import native
from regard.native.int8 import Int8Linear, has_int8, int8_instructions
from regard.native.packed import MIN_INT8_SIZE, PackedLinear, pack_linear
from regard.native.system import has_vnni

if not has_int8():
    pytest.skip("nothing was compiled here", allow_module_level=True)


VARIANTS = [("avx512", True), ("avx512", False), ("avx2", True), ("avx2", False), ("default", False)]


@pytest.fixture(params=VARIANTS, ids=lambda variant: f"{variant[0]}{' VNNI' * variant[1]}")
def use_vnni(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether to multiply by VNNI, for each instruction set that kernels are compiled for."""
    name, use_vnni = request.param
    if name not in native.available_instruction_sets() or (use_vnni and not has_vnni(name)):
        pytest.skip(f"this processor has no {name}{' with VNNI' * use_vnni}")
    with native.limited_to(name):
        yield use_vnni


def expected_result(product: Int8Linear, x: Tensor, added: Tensor | None = None) -> Tensor:
    """The expected result for rows `(N, in)`: integer sums, and float32 operations with one rounding each."""
    factors, scales, bias = product.unpacked()
    low, high = (edge.astype(np.float32) for edge in (x.numpy().min(1, initial=0), x.numpy().max(1, initial=0)))
    span = high - low
    inverse = np.float32(255) / span
    zero = np.rint(-low * inverse).astype(np.int64)[:, None]
    quantized = (np.rint(x.numpy() * inverse[:, None]).astype(np.int64) + zero).clip(0, 255)
    sums = (quantized - zero) @ factors.numpy().astype(np.int64).T
    result = sums.astype(np.float32) * ((span / np.float32(255))[:, None] * scales.numpy())
    result += np.float32(0) if bias is None else bias.numpy()
    result = np.maximum(result, 0) if product.relu else result
    return torch.from_numpy(result if added is None else result + added.numpy())


@pytest.mark.parametrize("rows", [0, 1, 3, 5, 13, 27])
@pytest.mark.parametrize("size", [(1, 1), (17, 33), (32, 64), (33, 5), (70, 130)])
def test_every_product_is_exact(rows: int, size: tuple[int, int], use_vnni: bool) -> None:
    x, weight, bias = torch.randn(rows, size[1]), torch.randn(size), torch.randn(size[0])
    added = torch.randn(rows, size[0])
    for product in (Int8Linear(weight), Int8Linear(weight, bias), Int8Linear(weight, bias, relu=True)):
        product.use_vnni = use_vnni
        assert torch.equal(product(x), expected_result(product, x))
        assert torch.equal(product(x, added), expected_result(product, x, added))


def test_no_sum_overflows(use_vnni: bool) -> None:
    """The largest bytes times the largest weights, with all combinations of neighboring signs."""
    signs = torch.tensor([[(number >> place & 1) * 2.0 - 1 for place in range(8)] for number in range(256)]).repeat(
        1, 32
    )
    product = Int8Linear(signs)
    product.use_vnni = use_vnni
    for x in (torch.ones(1, 256), -torch.ones(1, 256), torch.tensor([1.0, -1.0]).repeat(1, 128)):
        assert torch.equal(product(x), expected_result(product, x))
        torch.testing.assert_close(product(x), x @ signs.T, rtol=1e-5, atol=1.01)  # 1 / 2 rounds to one of two bytes


def test_several_chunks_of_rows_and_several_threads() -> None:
    x, product = torch.randn(400, 600), Int8Linear(torch.randn(100, 600), torch.randn(100))
    single_thread, threads = product(x), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(product(x), single_thread)
    finally:
        torch.set_num_threads(threads)
    expected = expected_result(product, x[[0, 399]])
    assert torch.equal(single_thread[[0, 399]], expected)


def test_a_row_is_quantized_independently_of_others() -> None:
    x, product = torch.randn(9, 40) * torch.logspace(-3, 3, 9)[:, None], Int8Linear(torch.randn(50, 40))
    together = product(x.view(3, 3, 40))
    assert together.shape == (3, 3, 50)
    assert torch.equal(together.view(9, 50), torch.cat([product(row[None]) for row in x]))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("position", [0, 17, 36])
def test_values_that_are_not_finite_are_not_hidden(value: float, position: int, kernels: str) -> None:
    x, product = torch.randn(3, 37), Int8Linear(torch.randn(40, 37), torch.randn(40))
    before = product(x)
    x[1, position] = value
    after = product(x)
    assert not after[1].isfinite().any()
    assert torch.equal(after[::2], before[::2])


@pytest.mark.parametrize("value", [0.0, 1e-38, 1e-31, 1e-20, 3e38, -3e38])
def test_extreme_rows(value: float, kernels: str) -> None:
    product = Int8Linear(torch.full((2, 8), 0.125), torch.tensor([1.0, 2.0]))
    found = product(torch.full((1, 8), value))
    torch.testing.assert_close(found, torch.tensor([[1.0, 2.0]]) + value, rtol=1e-5, atol=0)


def test_only_the_8_bit_weights_are_kept() -> None:
    weight = torch.randn(96, 256)
    product = Int8Linear(weight, torch.randn(96))
    tensors = [value for value in vars(product).values() if isinstance(value, Tensor)]
    assert sum(tensor.numel() * tensor.element_size() for tensor in tensors) <= weight.numel() + 96 * 12
    assert not product.state_dict()


def test_other_types_and_layouts() -> None:
    product = Int8Linear(torch.randn(12, 16).T.double(), torch.randn(16).bfloat16())
    x = torch.randn(5, 24)[:, ::2]
    assert torch.equal(product(x), product(x.contiguous()))
    for dtype in (torch.bfloat16, torch.float64):
        assert product(x.to(dtype)).dtype == dtype
        assert torch.equal(product(x.to(dtype)).float(), product(x.to(dtype).float()).to(dtype).float())


def test_selected_outputs_are_unchanged() -> None:
    product, x = Int8Linear(torch.randn(77, 50), torch.randn(77)), torch.randn(6, 50)
    outputs = torch.tensor([76, 0, 5, 33, 34, 5])
    assert torch.equal(product.select_outputs(outputs)(x), product(x)[:, outputs])
    assert torch.equal(product.select_outputs(outputs[:0])(x), torch.empty(6, 0))


def test_the_error_is_small() -> None:
    x, weight, bias = torch.randn(50, 512), torch.randn(300, 512), torch.randn(300)
    exact = F.linear(x, weight, bias)
    error = (Int8Linear(weight, bias)(x) - exact).norm() / exact.norm()
    assert 1e-3 < error < 0.02


def test_small_matrices_are_not_quantized() -> None:
    assert isinstance(pack_linear(torch.randn(MIN_INT8_SIZE // 64, 64), precision="int8"), Int8Linear)
    assert isinstance(pack_linear(torch.randn(MIN_INT8_SIZE // 64 - 1, 64), precision="int8"), PackedLinear)
    assert isinstance(pack_linear(torch.randn(MIN_INT8_SIZE // 64, 64)), PackedLinear)


def test_the_instructions_are_reported() -> None:
    with native.disabled():
        assert not has_int8()
        assert int8_instructions() is None
    for name in native.available_instruction_sets():
        with native.limited_to(name):
            assert has_int8()
            if name == "default":
                assert int8_instructions() == "any processor's"
            else:
                assert int8_instructions() in ("VNNI", "AVX-512", "AVX2")
