"""Attention masks: bool, True = may attend, broadcastable to `(B, H, T, S)`.

No other module creates masks.
"""

from __future__ import annotations

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, max_len: int) -> Tensor:
    """Makes the mask that excludes the padding of sentences.

    Args:
        lengths: Number of tokens of each sentence without padding, `(B,)` int64.
        max_len: S, the padded length of the sentences.

    Returns:
        `(B, 1, 1, S)` bool, True at tokens, False at padding.
    """
    positions = torch.arange(max_len, device=lengths.device)
    return (positions < lengths[:, None])[:, None, None, :]


def causal_mask(num_queries: int, num_keys: int | None = None, *, device: torch.device | None = None) -> Tensor:
    """Makes the mask of causal self-attention: each position attends to itself and to earlier positions.

    Args:
        num_queries: T, the number of queries, which are at the last T of the key positions.
        num_keys: S, the number of keys, at least T; by default T.
        device: Device of the mask; by default the CPU.

    Returns:
        `(1, 1, T, S)` bool, True where key position ≤ query position.
    """
    num_keys = num_queries if num_keys is None else num_keys
    mask = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device)
    return mask.tril(num_keys - num_queries)[None, None]


def combine(*masks: Tensor | None) -> Tensor | None:
    """Combines attention masks of broadcastable shapes by logical and, skipping None; None if all masks are None."""
    result: Tensor | None = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result
