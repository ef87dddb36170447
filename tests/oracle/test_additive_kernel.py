"""The additive kernel with every instruction set, and in chunks, compared with loops and float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from regard.attention.additive import chunked, native
from regard.native import available_instruction_sets, limited_to

Gradients = tuple[Tensor, Tensor, Tensor]
Forward = Callable[[Tensor, Tensor, Tensor], Tensor]
Backward = Callable[[Tensor, Tensor, Tensor, Tensor], Gradients]
BOUND = 1e-5

SHAPES = [
    (3, 1, 8, 9, 1),
    (1, 1, 1, 1, 64),  # with fewer terms all may be saturated, where 1 - tanh² has few digits in float32
    (2, 3, 5, 7, 3),
    (2, 2, 1, 15, 17),
    (1, 2, 9, 6, 33),
    (2, 1, 1, 15, 512),
    (3, 1, 6, 11, 512),
    (1, 1, 131, 18, 40),  # more queries than the kernel processes at once
    (1, 1, 4, 67, 16),
    (9, 2, 3, 4, 20),
]


def implementations() -> list[tuple[str, Forward, Backward]]:
    found: list[tuple[str, Forward, Backward]] = [("chunked", chunked.chunked_forward, chunked.chunked_backward)]
    for name in available_instruction_sets():
        found.append((name, limited_to(name)(native.forward), limited_to(name)(native.backward)))
    return found


each_implementation = pytest.mark.parametrize(
    ("forward", "backward"),
    [(forward, backward) for _, forward, backward in implementations()],
    ids=[name for name, _, _ in implementations()],
)


def draw(shape: tuple[int, ...], scale: float = 1.0, seed: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    B, H, T, S, D = shape
    torch.manual_seed(seed)
    query, key = scale * torch.randn(B, H, T, D), scale * torch.randn(B, H, S, D)
    return query, key, torch.randn(H, D), torch.randn(B, H, T, S)


def reference(query: Tensor, key: Tensor, v: Tensor, upstream: Tensor) -> tuple[Tensor, Gradients]:
    """Scores and gradients in float64, with 1 - tanh² as 1 / cosh², which is exact where tanh is nearly 1."""
    query, key, v, upstream = query.double(), key.double(), v.double(), upstream.double()[..., None]
    x = query[:, :, :, None] + key[:, :, None]
    scores = (x.tanh() * v[:, None, None]).sum(-1)
    slope = upstream * v[:, None, None] / x.clamp(-300, 300).cosh() ** 2
    return scores, (slope.sum(3), slope.sum(2), (upstream * x.tanh()).sum((0, 2, 3)))


def error(got: Tensor, expected: Tensor) -> float:
    assert got.shape == expected.shape
    return ((got.double() - expected).abs().max() / expected.abs().max()).item()


@each_implementation
def test_scores_and_gradients_match_their_formulas(forward: Forward, backward: Backward) -> None:
    (B, H, T, S, D) = (2, 2, 3, 4, 5)
    query, key, v, upstream = draw((B, H, T, S, D))
    scores = forward(query, key, v)
    query_grad, key_grad, v_grad = backward(upstream, query, key, v)
    expected_query, expected_key, expected_v = (torch.zeros_like(x).double() for x in (query, key, v))
    for b, h, t, s in ((b, h, t, s) for b in range(B) for h in range(H) for t in range(T) for s in range(S)):
        e, de = 0.0, upstream[b, h, t, s].item()
        for d in range(D):
            y = math.tanh(query[b, h, t, d].item() + key[b, h, s, d].item())
            e += v[h, d].item() * y
            expected_v[h, d] += de * y
            expected_query[b, h, t, d] += de * (1 - y * y) * v[h, d].item()
            expected_key[b, h, s, d] += de * (1 - y * y) * v[h, d].item()
        assert scores[b, h, t, s].item() == pytest.approx(e, rel=BOUND, abs=BOUND)
    assert error(query_grad, expected_query) < BOUND
    assert error(key_grad, expected_key) < BOUND
    assert error(v_grad, expected_v) < BOUND


@pytest.mark.parametrize("scale", [1e-4, 0.05, 1.0, 3.0, 6.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@each_implementation
def test_relative_error(forward: Forward, backward: Backward, shape: tuple[int, ...], scale: float) -> None:
    query, key, v, upstream = draw(shape, scale)
    scores, gradients = reference(query, key, v, upstream)
    assert error(forward(query, key, v), scores) < BOUND
    for got, expected in zip(backward(upstream, query, key, v), gradients, strict=True):
        assert error(got, expected) < BOUND


@each_implementation
def test_long_sums_of_one_sign_keep_their_precision(forward: Forward, backward: Backward) -> None:
    query, key, v, upstream = draw((1, 1, 128, 128, 48))
    v, upstream = v.abs(), upstream.abs()
    scores, gradients = reference(query, key, v, upstream)
    assert error(forward(query, key, v), scores) < BOUND
    for got, expected in zip(backward(upstream, query, key, v), gradients, strict=True):
        assert error(got, expected) < BOUND


EXTREME = [0.0, -0.0, 1e-45, -1e-40, 1e-30, 1e-8, -0.3, 2.0, -9.5, 20.0, -44.0, 80.0, -80.0, 1e4, -1e4, 3e38, -3e38]


@pytest.mark.parametrize("size", [1, 16, 17])
@each_implementation
def test_every_finite_number(forward: Forward, backward: Backward, size: int) -> None:
    values = torch.tensor(EXTREME)
    query = values[None, None, :, None].expand(1, 1, -1, size).contiguous()
    key = values[None, None, :, None].expand(1, 1, -1, size).contiguous()
    v, upstream = torch.linspace(-1.0, 1.5, size)[None], torch.ones(1, 1, len(EXTREME), len(EXTREME))
    _, gradients = reference(query, key, v, upstream)
    got = forward(query, key, v)
    # 3e38 + 3e38 overflows to infinity in float32, whose tanh is 1 as well.
    plain = (query[:, :, :, None] + key[:, :, None]).double().tanh() @ v[0].double()
    assert error(got, plain) < BOUND
    found = backward(upstream, query, key, v)
    assert all(bool(torch.isfinite(x).all()) for x in (got, *found))
    assert error(found[0], gradients[0]) < BOUND
    assert error(found[1], gradients[1]) < BOUND


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("value", [11.0, 20.0, 25.0, 80.0, 1e4])
@each_implementation
def test_saturation_within_one_block(forward: Forward, backward: Backward, value: float, sign: float) -> None:
    query, key, v, upstream = draw((2, 1, 6, 9, 24))
    query[0, 0, 3, 5], key[0, 0, 2, 5] = value, sign * value
    query[1, 0, 0, 0] = -value
    scores, gradients = reference(query, key, v, upstream)
    assert error(forward(query, key, v), scores) < BOUND
    for got, expected in zip(backward(upstream, query, key, v), gradients, strict=True):
        assert error(got, expected) < BOUND


@pytest.mark.parametrize("kind", ["zero", "single", "tiny", "wide", "huge"])
@each_implementation
def test_every_v(forward: Forward, backward: Backward, kind: str) -> None:
    query, key, v, upstream = draw((2, 2, 4, 6, 33))
    v = {
        "zero": torch.zeros_like(v),
        "single": torch.zeros_like(v).index_fill(1, torch.tensor([7]), -2.5),
        "tiny": v * 1e-35,
        "wide": v * torch.logspace(-38, 4, 33),
        "huge": v * 1e30,
    }[kind]
    scores, gradients = reference(query, key, v, upstream)
    got, found = forward(query, key, v), backward(upstream, query, key, v)
    if kind == "zero":
        assert not got.any() and not found[0].any() and not found[1].any()
    else:
        assert error(got, scores) < BOUND
        assert error(found[0], gradients[0]) < BOUND
        assert error(found[1], gradients[1]) < BOUND
    assert error(found[2], gradients[2]) < BOUND


@pytest.mark.parametrize("num_queries", [1, 5])
@each_implementation
def test_nan_is_not_hidden(forward: Forward, backward: Backward, num_queries: int) -> None:
    query, key, v, upstream = draw((2, 1, num_queries, 5, 20))
    query[0, 0, 0, 19] = torch.nan
    key[1, 0, 2, 3] = torch.inf
    expected = (query[:, :, :, None] + key[:, :, None]).tanh() @ v[0]
    torch.testing.assert_close(forward(query, key, v), expected, equal_nan=True)
    assert expected[0, 0, 0].isnan().all() and expected[1].isfinite().all()
    query_grad, key_grad, v_grad = backward(upstream, query, key, v)
    assert query_grad[0, 0, 0, 19].isnan() and key_grad[0, 0, :, 19].isnan().all() and v_grad[0, 19].isnan()
    assert query_grad[1].isfinite().all() and key_grad[1].isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@each_implementation
def test_a_v_that_is_not_finite_affects_its_own_head_only(forward: Forward, backward: Backward, value: float) -> None:
    query, key, v, upstream = draw((1, 2, 3, 5, 20))
    v[1, 4] = value
    expected = torch.einsum("bhtsd,hd->bhts", (query[:, :, :, None] + key[:, :, None]).tanh(), v)
    torch.testing.assert_close(forward(query, key, v), expected, equal_nan=True, rtol=1e-5, atol=1e-5)
    query_grad = backward(upstream, query, key, v)[0]
    assert query_grad[:, 0].isfinite().all() and not query_grad[0, 1, :, 4].isfinite().any()


@pytest.mark.parametrize("num_queries", [1, 7])
@each_implementation
def test_bfloat16_equals_float32_of_the_rounded_inputs(forward: Forward, backward: Backward, num_queries: int) -> None:
    query, key, v, upstream = draw((2, 2, num_queries, 9, 37))
    rounded_query, rounded_key = query.bfloat16(), key.bfloat16()
    scores, gradients = reference(rounded_query.float(), rounded_key.float(), v, upstream)
    got = forward(rounded_query, rounded_key, v)
    assert got.dtype == torch.float32
    assert error(got, scores) < BOUND
    query_grad, key_grad, v_grad = backward(upstream, rounded_query, rounded_key, v)
    assert query_grad.dtype == key_grad.dtype == torch.bfloat16
    assert error(query_grad, gradients[0]) < 2**-8  # the rounding of the result
    assert error(key_grad, gradients[1]) < 2**-8
    assert error(v_grad, gradients[2]) < BOUND


@pytest.mark.parametrize("shape", [(1, 1, 70, 20, 24), (2, 1, 33, 9, 16), (1, 3, 40, 8, 5), (40, 1, 1, 5, 64)], ids=str)
@each_implementation
def test_any_number_of_threads(forward: Forward, backward: Backward, shape: tuple[int, ...]) -> None:
    query, key, v, upstream = draw(shape)
    scores, gradients = reference(query, key, v, upstream)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 8):
            torch.set_num_threads(threads)
            assert error(forward(query, key, v), scores) < BOUND
            for got, expected in zip(backward(upstream, query, key, v), gradients, strict=True):
                assert error(got, expected) < BOUND
    finally:
        torch.set_num_threads(before)
