"""Products in 8 bits: exact to the bit, whatever instructions multiply, and never more than was rounded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Literal, Protocol

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


WAYS = [("avx512", True), ("avx512", False), ("avx2", True), ("avx2", False), ("default", False)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}{' VNNI' * way[1]}")
def by_vnni(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether to multiply by VNNI, for every set of instructions that kernels are compiled for."""
    name, wanted = request.param
    if name not in native.available_instruction_sets() or (wanted and not has_vnni(name)):
        pytest.skip(f"this processor has no {name}{' with VNNI' * wanted}")
    with native.limited_to(name):
        yield wanted


def exactly(product: Int8Linear, x: Tensor, added: Tensor | None = None) -> Tensor:
    """What `product` owes for rows `(N, in)`: sums of integers, each step in float32 rounded once."""
    factors, scales, bias = product.unpacked()
    low, high = (edge.astype(np.float32) for edge in (x.numpy().min(1, initial=0), x.numpy().max(1, initial=0)))
    span = high - low
    inverse = np.float32(255) / span
    zero = np.rint(-low * inverse).astype(np.int64)[:, None]
    given = (np.rint(x.numpy() * inverse[:, None]).astype(np.int64) + zero).clip(0, 255)
    sums = (given - zero) @ factors.numpy().astype(np.int64).T
    found = sums.astype(np.float32) * ((span / np.float32(255))[:, None] * scales.numpy())
    found += np.float32(0) if bias is None else bias.numpy()
    found = np.maximum(found, 0) if product.relu else found
    return torch.from_numpy(found if added is None else found + added.numpy())


@pytest.mark.parametrize("rows", [0, 1, 3, 5, 13, 27])
@pytest.mark.parametrize("size", [(1, 1), (17, 33), (32, 64), (33, 5), (70, 130)])
def test_every_product_is_exact(rows: int, size: tuple[int, int], by_vnni: bool) -> None:
    x, weight, bias = torch.randn(rows, size[1]), torch.randn(size), torch.randn(size[0])
    added = torch.randn(rows, size[0])
    for product in (Int8Linear(weight), Int8Linear(weight, bias), Int8Linear(weight, bias, relu=True)):
        product.use_vnni = by_vnni
        assert torch.equal(product(x), exactly(product, x))
        assert torch.equal(product(x, added), exactly(product, x, added))


def test_no_sum_overflows(by_vnni: bool) -> None:
    """The largest bytes by the largest weights, whichever signs lie side by side."""
    signs = torch.tensor([[(number >> place & 1) * 2.0 - 1 for place in range(8)] for number in range(256)]).repeat(
        1, 32
    )
    product = Int8Linear(signs)
    product.use_vnni = by_vnni
    for x in (torch.ones(1, 256), -torch.ones(1, 256), torch.tensor([1.0, -1.0]).repeat(1, 128)):
        assert torch.equal(product(x), exactly(product, x))
        torch.testing.assert_close(product(x), x @ signs.T, rtol=1e-5, atol=1.01)  # 1 / 2 goes to one of two bytes


def test_long_rows_that_are_more_than_one_chunk_and_several_threads() -> None:
    x, product = torch.randn(400, 600), Int8Linear(torch.randn(100, 600), torch.randn(100))
    alone, threads = product(x), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(product(x), alone)
    finally:
        torch.set_num_threads(threads)
    wanted = exactly(product, x[[0, 399]])
    assert torch.equal(alone[[0, 399]], wanted)


def test_a_row_is_rounded_by_itself() -> None:
    x, product = torch.randn(9, 40) * torch.logspace(-3, 3, 9)[:, None], Int8Linear(torch.randn(50, 40))
    together = product(x.view(3, 3, 40))
    assert together.shape == (3, 3, 50)
    assert torch.equal(together.view(9, 50), torch.cat([product(row[None]) for row in x]))


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("place", [0, 17, 36])
def test_what_is_not_finite_is_seen(odd: float, place: int, kernels: str) -> None:
    x, product = torch.randn(3, 37), Int8Linear(torch.randn(40, 37), torch.randn(40))
    sound = product(x)
    x[1, place] = odd
    found = product(x)
    assert not found[1].isfinite().any()
    assert torch.equal(found[::2], sound[::2])


@pytest.mark.parametrize("value", [0.0, 1e-38, 1e-31, 1e-20, 3e38, -3e38])
def test_extreme_rows(value: float, kernels: str) -> None:
    product = Int8Linear(torch.full((2, 8), 0.125), torch.tensor([1.0, 2.0]))
    found = product(torch.full((1, 8), value))
    torch.testing.assert_close(found, torch.tensor([[1.0, 2.0]]) + value, rtol=1e-5, atol=0)


def test_nothing_is_kept_but_bytes() -> None:
    weight = torch.randn(96, 256)
    product = Int8Linear(weight, torch.randn(96))
    held = [one for one in vars(product).values() if isinstance(one, Tensor)]
    assert sum(one.numel() * one.element_size() for one in held) <= weight.numel() + 96 * 12
    assert not product.state_dict()


def test_other_types_and_layouts() -> None:
    product = Int8Linear(torch.randn(12, 16).T.double(), torch.randn(16).bfloat16())
    x = torch.randn(5, 24)[:, ::2]
    assert torch.equal(product(x), product(x.contiguous()))
    for dtype in (torch.bfloat16, torch.float64):
        assert product(x.to(dtype)).dtype == dtype
        assert torch.equal(product(x.to(dtype)).float(), product(x.to(dtype).float()).to(dtype).float())


def test_some_outputs_are_as_among_all() -> None:
    product, x = Int8Linear(torch.randn(77, 50), torch.randn(77)), torch.randn(6, 50)
    words = torch.tensor([76, 0, 5, 33, 34, 5])
    assert torch.equal(product.select_outputs(words)(x), product(x)[:, words])
    assert torch.equal(product.select_outputs(words[:0])(x), torch.empty(6, 0))


def test_is_near_the_exact_product() -> None:
    x, weight, bias = torch.randn(50, 512), torch.randn(300, 512), torch.randn(300)
    wanted = F.linear(x, weight, bias)
    error = (Int8Linear(weight, bias)(x) - wanted).norm() / wanted.norm()
    assert 1e-3 < error < 0.02


def test_small_matrices_are_not_rounded() -> None:
    assert isinstance(pack_linear(torch.randn(MIN_INT8_SIZE // 64, 64), precision="int8"), Int8Linear)
    assert isinstance(pack_linear(torch.randn(MIN_INT8_SIZE // 64 - 1, 64), precision="int8"), PackedLinear)
    assert isinstance(pack_linear(torch.randn(MIN_INT8_SIZE // 64, 64)), PackedLinear)


Level = Literal["avx512", "avx2", "generic"]


class OlderCpu(Protocol):
    """See `tests/conftest.py`."""

    def environment(self, level: Level) -> dict[str, str]: ...


HASH = """
import hashlib
import torch
from regard.native.int8 import Int8Linear, int8_instructions

ways = torch.arange(90 * 210).view(90, 210)  # no draws: PyTorch's own differ between instructions
product = Int8Linear((ways * 7919 % 1009 - 500) / 77, ways[:, 3] % 13 / 7)
x = (ways[:14] * 104729 % 2003 - 900) / 321
print(int8_instructions(), hashlib.sha256(product(x).numpy().tobytes()).hexdigest(), sep=",")
"""


@pytest.fixture(scope="module")
def own_hash() -> str:
    done = subprocess.run([sys.executable, "-c", HASH], check=True, capture_output=True, text=True)
    return done.stdout.strip().split(",")[1]


@pytest.mark.parametrize(("level", "by"), [("avx512", "AVX-512"), ("avx2", "AVX2"), ("generic", "any processor's")])
def test_older_processors_compute_the_same(older_cpu: OlderCpu, own_hash: str, level: Level, by: str) -> None:
    if level not in (*native.available_instruction_sets(), "generic"):
        pytest.skip(f"this processor has no {level}")
    environment = older_cpu.environment(level)
    done = subprocess.run([sys.executable, "-c", HASH], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"{by},{own_hash}"


def test_is_told_by_which_instructions() -> None:
    told = {None: None, "default": "any processor's"}
    for name in (None, *native.available_instruction_sets()):
        with native.limited_to(name):
            assert has_int8() == (name is not None)
            if name in told:
                assert int8_instructions() == told[name]
            else:
                assert int8_instructions() in ("VNNI", "AVX-512", "AVX2")
