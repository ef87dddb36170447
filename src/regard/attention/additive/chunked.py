"""Additive scores and their gradients in PyTorch, a few queries at a time: any device, any floating type.

At most `MAX_TERMS` elements of the tensor `(B, H, T, S, D)` exist at once, or all elements of one query position if
these are more.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

MAX_TERMS = 1 << 22
"""Most elements of `tanh(q + k)` held at once: 16 MiB in float32."""


def chunked_forward(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    """Computes the additive attention scores `v · tanh(q_t + k_i)` in PyTorch, a few queries at a time.

    Args:
        query: Projected queries `q_t`, `(B, H, T, D)`, D = width of the hidden layer.
        key: Projected keys `k_i`, `(B, H, S, D)`.
        v: Weights of the output, `(H, D)`: one vector per head.

    Returns:
        The scores, `(B, H, T, S)`, computed in the type of `v`.
    """
    query, key = query.to(v.dtype), key.to(v.dtype)
    scores = v.new_empty((*query.shape[:-1], key.shape[-2]))
    for chunk in _chunks(query, key):
        scores[:, :, chunk] = torch.einsum("bhtsd,hd->bhts", _hidden(query[:, :, chunk], key), v)
    return scores


def chunked_backward(upstream: Tensor, query: Tensor, key: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Computes the gradients of `chunked_forward`; `tanh` is recomputed instead of stored.

    Args:
        upstream: Gradient of the loss with respect to the scores, `(B, H, T, S)`.
        query: Projected queries, `(B, H, T, D)`, as passed to `chunked_forward`.
        key: Projected keys, `(B, H, S, D)`.
        v: Weights of the output, `(H, D)`.

    Returns:
        Gradients of the loss with respect to `query`, `key` and `v`, each with the shape and type of its tensor.
    """
    wide_query, wide_key = query.to(v.dtype), key.to(v.dtype)
    query_grad, key_grad = wide_query.new_empty(query.shape), wide_key.new_zeros(key.shape)
    v_grad = v.new_zeros(v.shape)
    for chunk in _chunks(query, key):
        hidden = _hidden(wide_query[:, :, chunk], wide_key)
        error = upstream[:, :, chunk, :, None]
        v_grad += (hidden * error).sum((0, 2, 3))
        slope = hidden.square_().neg_().add_(1.0).mul_(error)  # (B, H, t, S, D)
        query_grad[:, :, chunk] = slope.sum(3)
        key_grad += slope.sum(2)
    weight = v[:, None]  # (H, D) -> (H, 1, D)
    return (query_grad * weight).to(query.dtype), (key_grad * weight).to(key.dtype), v_grad


def _hidden(query: Tensor, key: Tensor) -> Tensor:
    # (B, H, t, 1, D) + (B, H, 1, S, D) -> (B, H, t, S, D)
    return (query.unsqueeze(-2) + key.unsqueeze(-3)).tanh_()


def _chunks(query: Tensor, key: Tensor) -> Iterator[slice]:
    terms_per_query = key.numel()  # of one query position, over all sentences and heads
    size = max(1, MAX_TERMS // max(1, terms_per_query))
    for start in range(0, query.shape[-2], size):
        yield slice(start, start + size)
