"""Additive scores and their gradients: by the C kernel, by Triton on a GPU, or by PyTorch in chunks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from regard.attention.additive.chunked import chunked_backward, chunked_forward
from regard.native import kernel

_WIDEST, _ROWS = 16, 64  # same values as in kernel.c
_TRITON_TYPES = (torch.float32, torch.bfloat16, torch.float16)
_JOBS_PER_THREAD = 8  # enough that no thread waits long for the last job

_Forward = Callable[[Tensor, Tensor, Tensor], Tensor]
_Backward = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def forward(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    """Computes the additive attention scores `v · tanh(q_t + k_i)`, by the fastest implementation, without autograd.

    Args:
        query: Projected queries `q_t`, `(B, H, T, D)`, D = width of the hidden layer.
        key: Projected keys `k_i`, `(B, H, S, D)`, in the type of `query`.
        v: Weights of the output, `(H, D)`: one vector per head; float64 if `query` is float64, otherwise float32.

    Returns:
        The scores, `(B, H, T, S)`, in the type of `v`.
    """
    run = kernel("additive_forward", query)
    if run is None:
        fallback_forward, _ = _fallback(query)
        return fallback_forward(query, key, v)
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
    """Computes the gradients of `forward`; no intermediate results of `forward` are needed.

    Args:
        upstream: Gradient of the loss with respect to the scores, `(B, H, T, S)`.
        query: Projected queries, `(B, H, T, D)`, as passed to `forward`.
        key: Projected keys, `(B, H, S, D)`.
        v: Weights of the output, `(H, D)`.

    Returns:
        Gradients of the loss with respect to `query`, `key` and `v`, each with the shape and type of its tensor.
    """
    run = kernel("additive_backward", query)
    if run is None:
        _, fallback_backward = _fallback(query)
        return fallback_backward(upstream, query, key, v)
    upstream, v = upstream.to(v.dtype).contiguous(), v.contiguous()
    query, key = query.contiguous(), key.contiguous()
    (B, H, T, D), S = query.shape, key.shape[2]
    threads = torch.get_num_threads()
    chunks, parts = _chunks(B * H, T, threads), max(1, min(B, -(-_JOBS_PER_THREAD * threads // max(1, H))))
    query_grad, key_grads = query.new_empty(query.shape), key.new_empty((chunks, B, H, S, D))
    v_grad = torch.zeros((parts * chunks, H, D))
    scratch = torch.empty(threads * _WIDEST * (T + 2 * S))
    run(
        *(query.data_ptr(), key.data_ptr(), v.data_ptr(), upstream.data_ptr()),
        *(query_grad.data_ptr(), key_grads.data_ptr(), v_grad.data_ptr()),
        *(B, H, T, S, D, chunks, parts, scratch.data_ptr(), threads),
    )
    key_grad = key_grads[0] if chunks == 1 else key_grads.sum(0, dtype=torch.float32).to(key.dtype)
    return query_grad, key_grad, v_grad.sum(0)


def _fallback(query: Tensor) -> tuple[_Forward, _Backward]:
    # The implementation for tensors without a C kernel.
    on_gpu = query.device.type == "cuda" and query.dtype in _TRITON_TYPES
    return (_triton() if on_gpu else None) or (chunked_forward, chunked_backward)


@cache
def _triton() -> tuple[_Forward, _Backward] | None:
    if find_spec("triton") is None:
        return None
    from regard.attention.additive.triton_kernel import (
        triton_backward,
        triton_forward,
    )  # imported on a machine with a GPU only

    return triton_forward, triton_backward


def _chunks(blocks: int, T: int, threads: int) -> int:
    # How many parts T is divided into, which may run at once. Each computes the exponentials of all keys, so the parts
    # are few and have many rows.
    if threads == 1 or blocks >= _JOBS_PER_THREAD * threads // 2:
        return 1
    return max(1, min(-(-T // 16), -(-_JOBS_PER_THREAD * threads // (2 * max(1, blocks)))))
