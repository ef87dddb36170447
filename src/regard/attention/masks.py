"""Attention masks: bool, True = may attend, broadcastable to `(B, H, T, S)`.

No other module creates masks.
"""

from __future__ import annotations

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, max_len: int) -> Tensor:
    """The mask of the real positions of padded rows.

    Args:
        lengths: `(B,)`, number of real positions per row.
        max_len: S, the padded length.

    Returns:
        `(B, 1, 1, S)` bool, True where a position is less than the length of its row.
    """
    positions = torch.arange(max_len, device=lengths.device)
    return (positions < lengths[:, None])[:, None, None, :]


def causal_mask(num_queries: int, num_keys: int | None = None, *, device: torch.device | None = None) -> Tensor:
    """The mask by which each position attends to itself and to earlier positions.

    Args:
        num_queries: T. The queries are the last T of the key positions.
        num_keys: S ≥ T; T when not given.
        device: Device of the mask; the CPU by default.

    Returns:
        `(1, 1, T, S)` bool, True where key position ≤ query position.
    """
    num_keys = num_queries if num_keys is None else num_keys
    mask = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device)
    return mask.tril(num_keys - num_queries)[None, None]


def combine(*masks: Tensor | None) -> Tensor | None:
    """The logical and of all masks that are not None; None where all are None."""
    result: Tensor | None = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result
