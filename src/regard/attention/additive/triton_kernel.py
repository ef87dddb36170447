"""Additive scores and their gradients on a GPU, in Triton: no tensor is larger than inputs and outputs.

Only `native` imports this module, and only for tensors on a GPU, so Triton need not be installed. Every kernel sums the
terms `(T, S, D)` over one axis: it adds up tiles along this axis element by element, in registers, and sums within the
resulting tile at the end. There are no atomic additions, so the same call gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:  # documentation tools import every module; nothing below can be called then
    if TYPE_CHECKING:
        raise
    triton = None

_Function = TypeVar("_Function")


class _Launch(Protocol):
    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]: ...


def _inline(function: _Function) -> _Function:
    compiled: _Function = function if triton is None else triton.jit(function)
    return compiled


def _kernel(function: Callable[..., None]) -> _Launch:
    # T and S change with every batch, so one compiled kernel serves all their values.
    compiled = function if triton is None else triton.jit(do_not_specialize=["T", "S"])(function)
    return cast("_Launch", compiled)


_TILE = (8, 16, 32)
"""Queries, keys and dimensions of a tile: 32 terms for each of 128 threads."""

_SINGLE_QUERY_TILE = (1, 16, 128)
"""The same for a single query, as in a decoding step."""


def triton_forward(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    """Computes the additive attention scores `v · tanh(q_t + k_i)` on a GPU, summed in float32.

    Args:
        query: Projected queries `q_t`, `(B, H, T, D)`, in float32, bfloat16 or float16; D = width of the hidden layer.
        key: Projected keys `k_i`, `(B, H, S, D)`, in the type of `query`.
        v: Weights of the output, `(H, D)` float32: one vector per head.

    Returns:
        The scores, `(B, H, T, S)` float32.
    """
    query, key, v = query.contiguous(), key.contiguous(), v.contiguous()
    (B, H, T, D), S = query.shape, key.shape[2]
    if not query.numel() or not key.numel():
        return v.new_zeros((B, H, T, S))
    scores = v.new_empty((B, H, T, S))
    rows, columns, width = _tile(T)
    with torch.cuda.device_of(query):
        _forward[(B * H, -(-T // rows), -(-S // columns))](
            query, key, v, scores, H, T, S, D, ROWS=rows, COLUMNS=columns, WIDTH=width
        )
    return scores


def triton_backward(upstream: Tensor, query: Tensor, key: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Computes the gradients of `triton_forward` on a GPU; `tanh` is recomputed instead of stored.

    Args:
        upstream: Gradient of the loss with respect to the scores, `(B, H, T, S)`.
        query: Projected queries, `(B, H, T, D)`, as passed to `triton_forward`.
        key: Projected keys, `(B, H, S, D)`.
        v: Weights of the output, `(H, D)` float32.

    Returns:
        Gradients of the loss with respect to `query`, `key` and `v`, each with the shape and type of its tensor.
    """
    query, key, v, upstream = query.contiguous(), key.contiguous(), v.contiguous(), upstream.to(v.dtype).contiguous()
    (B, H, T, D), S = query.shape, key.shape[2]
    if not query.numel() or not key.numel():
        return torch.zeros_like(query), torch.zeros_like(key), torch.zeros_like(v)
    rows, columns, width = _tile(T)
    tiles = -(-T // rows)
    query_grad, key_grad = torch.empty_like(query), torch.empty_like(key)
    v_grad = v.new_empty((B, H, tiles, D))
    sizes = {"ROWS": rows, "COLUMNS": columns, "WIDTH": width}
    with torch.cuda.device_of(query):
        _backward_of_query[(B * H, tiles, -(-D // width))](
            upstream, query, key, v, query_grad, v_grad, H, T, S, D, **sizes
        )
        _backward_of_key[(B * H, -(-S // columns), -(-D // width))](
            upstream, query, key, v, key_grad, H, T, S, D, **sizes
        )
    return query_grad, key_grad, v_grad.sum((0, 2))


def _tile(T: int) -> tuple[int, int, int]:
    return _SINGLE_QUERY_TILE if T == 1 else _TILE


@_inline
def _load(
    start: tl.tensor, row: tl.tensor, num_rows: tl.tensor, column: tl.tensor, num_columns: tl.tensor
) -> tl.tensor:
    # A tile of a matrix in float32, zeros outside the matrix.
    inside = (row < num_rows)[:, None] & (column < num_columns)[None, :]
    return tl.load(start + row[:, None] * num_columns + column[None, :], mask=inside, other=0.0).to(tl.float32)


@_inline
def _decay(x: tl.tensor) -> tl.tensor:
    # E = e^-2|x| lies in (0, 1], so nothing overflows: tanh|x| = (1 - E) / (1 + E), and its slope is 4 E / (1 + E)².
    return tl.exp(-2.0 * tl.abs(x))


@_inline
def _tanh(x: tl.tensor, decay: tl.tensor, inverse: tl.tensor) -> tl.tensor:
    # 1 - E loses digits near 0. There tanh is its Taylor series up to x⁷, with a relative error below 4e-7.
    size = (1.0 - decay) * inverse
    square = x * x
    series = x + x * square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0)))
    return tl.where(square < 0.0625, series, tl.where(x < 0.0, -size, size))


@_kernel
def _forward(  # noqa: PLR0913 - a kernel takes pointers and sizes
    query: tl.tensor,
    key: tl.tensor,
    v: tl.tensor,
    scores: tl.tensor,
    H: tl.tensor,
    T: tl.tensor,
    S: tl.tensor,
    D: tl.tensor,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    WIDTH: tl.constexpr,
) -> None:
    # One program per sentence and head, tile of T, and tile of S.
    block = tl.program_id(0).to(tl.int64)  # offsets may exceed 2³¹
    t = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    s = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((ROWS, COLUMNS, WIDTH), dtype=tl.float32)
    for start in range(0, D, WIDTH):
        d = start + tl.arange(0, WIDTH)
        weight = tl.load(v + (block % H) * D + d, mask=d < D, other=0.0)
        x = _load(query + block * T * D, t, T, d, D)[:, None, :] + _load(key + block * S * D, s, S, d, D)[None, :, :]
        decay = _decay(x)
        total += weight[None, None, :] * _tanh(x, decay, 1.0 / (1.0 + decay))
    inside = (t < T)[:, None] & (s < S)[None, :]
    tl.store(scores + block * T * S + t[:, None] * S + s[None, :], tl.sum(total, axis=2), mask=inside)


@_kernel
def _backward_of_query(  # noqa: PLR0913 - a kernel takes pointers and sizes
    upstream: tl.tensor,
    query: tl.tensor,
    key: tl.tensor,
    v: tl.tensor,
    query_grad: tl.tensor,
    v_grad: tl.tensor,
    H: tl.tensor,
    T: tl.tensor,
    S: tl.tensor,
    D: tl.tensor,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    WIDTH: tl.constexpr,
) -> None:
    # One program per sentence and head, tile of T, and tile of D. It also writes its part of the gradient of v, whose
    # shape is (B, H, tiles of T, D).
    block = tl.program_id(0).to(tl.int64)
    t = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    d = tl.program_id(2) * WIDTH + tl.arange(0, WIDTH)
    q = _load(query + block * T * D, t, T, d, D)[:, None, :]
    slopes = tl.zeros((ROWS, COLUMNS, WIDTH), dtype=tl.float32)
    values = tl.zeros((ROWS, COLUMNS, WIDTH), dtype=tl.float32)
    for start in range(0, S, COLUMNS):
        s = start + tl.arange(0, COLUMNS)
        error = _load(upstream + block * T * S, t, T, s, S)[:, :, None]
        x = q + _load(key + block * S * D, s, S, d, D)[None, :, :]
        decay = _decay(x)
        inverse = 1.0 / (1.0 + decay)
        slopes += error * (decay * inverse * inverse)
        values += error * _tanh(x, decay, inverse)
    weight = 4.0 * tl.load(v + (block % H) * D + d, mask=d < D, other=0.0)
    gradient = weight[None, :] * tl.sum(slopes, axis=1)
    inside = (t < T)[:, None] & (d < D)[None, :]
    address = query_grad + block * T * D + t[:, None] * D + d[None, :]
    tl.store(address, gradient.to(query_grad.dtype.element_ty), mask=inside)
    part = block * tl.num_programs(1) + tl.program_id(1)
    tl.store(v_grad + part * D + d, tl.sum(tl.sum(values, axis=1), axis=0), mask=d < D)


@_kernel
def _backward_of_key(  # noqa: PLR0913 - a kernel takes pointers and sizes
    upstream: tl.tensor,
    query: tl.tensor,
    key: tl.tensor,
    v: tl.tensor,
    key_grad: tl.tensor,
    H: tl.tensor,
    T: tl.tensor,
    S: tl.tensor,
    D: tl.tensor,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    WIDTH: tl.constexpr,
) -> None:
    # One program per sentence and head, tile of S, and tile of D.
    block = tl.program_id(0).to(tl.int64)
    s = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    d = tl.program_id(2) * WIDTH + tl.arange(0, WIDTH)
    k = _load(key + block * S * D, s, S, d, D)[None, :, :]
    slopes = tl.zeros((ROWS, COLUMNS, WIDTH), dtype=tl.float32)
    for start in range(0, T, ROWS):
        t = start + tl.arange(0, ROWS)
        error = _load(upstream + block * T * S, t, T, s, S)[:, :, None]
        x = _load(query + block * T * D, t, T, d, D)[:, None, :] + k
        decay = _decay(x)
        inverse = 1.0 / (1.0 + decay)
        slopes += error * (decay * inverse * inverse)
    weight = 4.0 * tl.load(v + (block % H) * D + d, mask=d < D, other=0.0)
    gradient = weight[None, :] * tl.sum(slopes, axis=0)
    inside = (s < S)[:, None] & (d < D)[None, :]
    address = key_grad + block * S * D + s[:, None] * D + d[None, :]
    tl.store(address, gradient.to(key_grad.dtype.element_ty), mask=inside)
