"""The only place where attention masks are made: bool, True = may attend, `(B, H, T, S)` by broadcasting."""

from __future__ import annotations

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, max_len: int) -> Tensor:
    """Marks the real positions of padded rows.

    Args:
        lengths: `(B,)`, number of real positions a row.
        max_len: S, the padded length.

    Returns:
        `(B, 1, 1, S)` bool, True where the position is below its row's length.
    """
    positions = torch.arange(max_len, device=lengths.device)
    return (positions < lengths[:, None])[:, None, None, :]


def causal_mask(num_queries: int, num_keys: int | None = None, *, device: torch.device | None = None) -> Tensor:
    """Lets each position attend to itself and to what came before it.

    Args:
        num_queries: T. The queries are the last T of the key positions.
        num_keys: S ≥ T; T when not given.
        device: Where the mask is made.

    Returns:
        `(1, 1, T, S)` bool, True where key position ≤ query position.
    """
    num_keys = num_queries if num_keys is None else num_keys
    ones = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device)
    return ones.tril(num_keys - num_queries)[None, None]


def combine(*masks: Tensor | None) -> Tensor | None:
    """A position may be attended to when every given mask allows it; None when none is given."""
    result: Tensor | None = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result
