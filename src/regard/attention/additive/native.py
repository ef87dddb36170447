"""Additive scores and their gradients by the compiled kernel, by Triton on a GPU, chunk by chunk where neither is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from regard.attention.additive.chunked import chunked_backward, chunked_forward
from regard.native import kernel

_WIDEST, _ROWS = 16, 64  # as in kernel.c
_NARROW = (torch.float32, torch.bfloat16, torch.float16)
_SHARES = 8  # pieces of work a thread, so that none waits long for the last

_Forward = Callable[[Tensor, Tensor, Tensor], Tensor]
_Backward = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def forward(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    """Scores, without a gradient.

    Args:
        query: `(B, H, T, D)`.
        key: `(B, H, S, D)`, the same type.
        v: `(H, D)`, float32 (float64 with float64).

    Returns:
        `(B, H, T, S)` in the type of `v`.
    """
    run = kernel("additive_forward", query)
    if run is None:
        scores_of, _ = _elsewhere(query)
        return scores_of(query, key, v)
    query, key, v = query.contiguous(), key.contiguous(), v.contiguous()
    (B, H, T, D), S = query.shape, key.shape[2]
    scores = torch.empty((B, H, T, S), dtype=v.dtype)
    threads, stride = torch.get_num_threads(), -(-D // _WIDEST) * _WIDEST
    scratch = torch.empty(H * (2 * stride + _WIDEST) + threads * (_ROWS + S + 3) * stride)
    run(
        *(query.data_ptr(), key.data_ptr(), v.data_ptr(), scores.data_ptr()),
        *(B, H, T, S, D, _chunks(B * H, T, threads), scratch.data_ptr(), threads),
    )
    return scores


def backward(upstream: Tensor, query: Tensor, key: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `forward`; nothing but its arguments is needed.

    Args:
        upstream: Gradient of the scores, `(B, H, T, S)`.
        query: `(B, H, T, D)`.
        key: `(B, H, S, D)`, the same type.
        v: `(H, D)`, float32 (float64 with float64).

    Returns:
        Gradients of query, key and v, in their shapes and types.
    """
    run = kernel("additive_backward", query)
    if run is None:
        _, gradients_of = _elsewhere(query)
        return gradients_of(upstream, query, key, v)
    upstream, v = upstream.to(v.dtype).contiguous(), v.contiguous()
    query, key = query.contiguous(), key.contiguous()
    (B, H, T, D), S = query.shape, key.shape[2]
    threads = torch.get_num_threads()
    chunks, parts = _chunks(B * H, T, threads), max(1, min(B, -(-_SHARES * threads // max(1, H))))
    for_query, for_keys = query.new_empty(query.shape), key.new_empty((chunks, B, H, S, D))
    for_v = torch.zeros((parts * chunks, H, D))
    scratch = torch.empty(threads * _WIDEST * (T + 2 * S))
    run(
        *(query.data_ptr(), key.data_ptr(), v.data_ptr(), upstream.data_ptr()),
        *(for_query.data_ptr(), for_keys.data_ptr(), for_v.data_ptr()),
        *(B, H, T, S, D, chunks, parts, scratch.data_ptr(), threads),
    )
    for_key = for_keys[0] if chunks == 1 else for_keys.sum(0, dtype=torch.float32).to(key.dtype)
    return for_query, for_key, for_v.sum(0)


def _elsewhere(query: Tensor) -> tuple[_Forward, _Backward]:
    # What computes where there is no compiled kernel.
    on_gpu = query.device.type == "cuda" and query.dtype in _NARROW
    return (_triton() if on_gpu else None) or (chunked_forward, chunked_backward)


@cache
def _triton() -> tuple[_Forward, _Backward] | None:
    if find_spec("triton") is None:
        return None
    from regard.attention.additive.triton_kernel import triton_backward, triton_forward  # never without a GPU

    return triton_forward, triton_backward


def _chunks(blocks: int, T: int, threads: int) -> int:
    # Parts of T that may run at once; each takes the exponentials of all keys, so there are few, and of many rows.
    if threads == 1 or blocks >= _SHARES * threads // 2:
        return 1
    return max(1, min(-(-T // 16), -(-_SHARES * threads // (2 * max(1, blocks)))))
