"""Additive scores and their gradients in PyTorch, a few queries at a time: any device, any floating type.

No more than `TERMS` numbers of the tensor `(B, H, T, S, D)` exist at once, or what one query needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

TERMS = 1 << 22
"""Elements of `tanh(q + k)` that are held at once: 16 MiB in float32."""


def chunked_forward(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    """`e_{t,i} = v · tanh(q_t + k_i)`.

    Args:
        query: `(B, H, T, D)`.
        key: `(B, H, S, D)`.
        v: `(H, D)`.

    Returns:
        `(B, H, T, S)` in the type of `v`, in which all is computed.
    """
    query, key = query.to(v.dtype), key.to(v.dtype)
    scores = v.new_empty((*query.shape[:-1], key.shape[-2]))
    for part in _parts(query, key):
        scores[:, :, part] = torch.einsum("bhtsd,hd->bhts", _hidden(query[:, :, part], key), v)
    return scores


def chunked_backward(upstream: Tensor, query: Tensor, key: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `chunked_forward`, `tanh` computed again.

    Args:
        upstream: Gradient of the scores, `(B, H, T, S)`.
        query: `(B, H, T, D)`.
        key: `(B, H, S, D)`.
        v: `(H, D)`.

    Returns:
        Gradients of query, key and v, in their shapes and types.
    """
    wide_query, wide_key = query.to(v.dtype), key.to(v.dtype)
    for_query, for_key = wide_query.new_empty(query.shape), wide_key.new_zeros(key.shape)
    for_v = v.new_zeros(v.shape)
    for part in _parts(query, key):
        hidden = _hidden(wide_query[:, :, part], wide_key)
        error = upstream[:, :, part, :, None]
        for_v += (hidden * error).sum((0, 2, 3))
        slope = hidden.square_().neg_().add_(1.0).mul_(error)  # (B, H, t, S, D)
        for_query[:, :, part] = slope.sum(3)
        for_key += slope.sum(2)
    weight = v[:, None]  # (H, D) -> (H, 1, D)
    return (for_query * weight).to(query.dtype), (for_key * weight).to(key.dtype), for_v


def _hidden(query: Tensor, key: Tensor) -> Tensor:
    # (B, H, t, 1, D) + (B, H, 1, S, D) -> (B, H, t, S, D)
    return (query.unsqueeze(-2) + key.unsqueeze(-3)).tanh_()


def _parts(query: Tensor, key: Tensor) -> Iterator[slice]:
    per_query = key.numel()  # terms that one query of every sentence and head makes
    step = max(1, TERMS // max(1, per_query))
    for first in range(0, query.shape[-2], step):
        yield slice(first, first + step)
