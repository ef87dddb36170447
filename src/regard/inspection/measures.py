"""Numbers that describe a matrix of attention: how sharp, how complete, how much in order.

Pure functions of weights `(..., T, S)`: T target rows, S source columns, anything before them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def entropy(weights: Tensor) -> Tensor:
    """How spread each row is: `-Σ_s α_s ln α_s`, with `0 ln 0 = 0`.

    Args:
        weights: `(..., T, S)`.

    Returns:
        `(..., T)` in nats: 0 where a row looks at one position, `ln S` where it looks at all alike.
    """
    surprise: Tensor = torch.special.entr(weights)  # -α ln α
    return surprise.sum(dim=-1)


def sharpness(weights: Tensor) -> Tensor:
    """How sharp each row is, whatever the length of the source: `1 - entropy / ln S`.

    Args:
        weights: `(..., T, S)`.

    Returns:
        `(..., T)`: 1 where a row looks at one position, 0 where it looks at all alike; 1 where S = 1.
    """
    num_src = weights.shape[-1]
    if num_src == 1:
        return torch.ones_like(weights[..., 0])
    return 1 - entropy(weights) / math.log(num_src)


def coverage(weights: Tensor) -> Tensor:
    """How much each source position received over the whole target: `Σ_t α_{t,s}`.

    A position far below 1 may have been left out of the translation; far above 1, said twice (Tu et al. 2016, §3).

    Args:
        weights: `(..., T, S)`.

    Returns:
        `(..., S)`.
    """
    return weights.sum(dim=-2)


def monotonicity(weights: Tensor) -> Tensor:
    """Whether the gaze moves through the source in order: Kendall's τ between target and gaze.

    The gaze of row t is the expected position `m_t = Σ_s s α_{t,s} / Σ_s α_{t,s}`. Over all pairs of rows
    t < u, the result is the mean of `sign(m_u - m_t)`.

    Args:
        weights: `(..., T, S)`.

    Returns:
        `(...)`: 1 where every step moves on, -1 where every step moves back, 0 without an order; 1 where T < 2.
    """
    num_tgt, num_src = weights.shape[-2:]
    if num_tgt < 2:
        return weights.new_ones(weights.shape[:-2])
    total = weights.sum(dim=-1)
    places = torch.arange(num_src, dtype=weights.dtype, device=weights.device)
    gaze = (weights @ places) / torch.where(total > 0, total, 1.0)  # (..., T)
    earlier, later = torch.combinations(torch.arange(num_tgt)).unbind(dim=1)
    return torch.sign(gaze[..., later] - gaze[..., earlier]).mean(dim=-1)
