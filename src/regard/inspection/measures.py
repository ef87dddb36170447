"""Measures of an attention matrix: entropy, sharpness, coverage, monotonicity.

All are functions of weights `(..., T, S)`: T target rows, S source columns, any leading dimensions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def entropy(weights: Tensor) -> Tensor:
    """Entropy of each row: `-Σ_s α_s ln α_s`, with `0 ln 0 = 0`.

    Args:
        weights: Attention weights, `(..., T, S)`.

    Returns:
        Entropies in nats, `(..., T)`: 0 if a row attends to one position, `ln S` if it is uniform.
    """
    surprise: Tensor = torch.special.entr(weights)  # -α ln α
    return surprise.sum(dim=-1)


def sharpness(weights: Tensor) -> Tensor:
    """Sharpness of each row, normalized by the source length: `1 - entropy / ln S`.

    Args:
        weights: Attention weights, `(..., T, S)`.

    Returns:
        Sharpness values, `(..., T)`: 1 if a row attends to one position, 0 if it is uniform; 1 if S = 1.
    """
    num_src = weights.shape[-1]
    if num_src == 1:
        return torch.ones_like(weights[..., 0])
    return 1 - entropy(weights) / math.log(num_src)


def coverage(weights: Tensor) -> Tensor:
    """Coverage of each source position, its total weight over the target: `Σ_t α_{t,s}`.

    A position far below 1 may be untranslated (undertranslation); far above 1, translated repeatedly (overtranslation;
    Tu et al. 2016, §3).

    Args:
        weights: Attention weights, `(..., T, S)`.

    Returns:
        Coverage of each source position, `(..., S)`.
    """
    return weights.sum(dim=-2)


def monotonicity(weights: Tensor) -> Tensor:
    """Monotonicity of the attention: Kendall's τ between target position and attended source position.

    The attended position of row t is its expectation `m_t = Σ_s s α_{t,s} / Σ_s α_{t,s}`. The result is the mean of
    `sign(m_u - m_t)` over all pairs of rows t < u.

    Args:
        weights: Attention weights, `(..., T, S)`.

    Returns:
        Kendall's τ, `(...)`: 1 if every later row attends to a later position, -1 if every later row attends to an
        earlier position, about 0 without order; 1 if T < 2.
    """
    num_tgt, num_src = weights.shape[-2:]
    if num_tgt < 2:
        return weights.new_ones(weights.shape[:-2])
    total = weights.sum(dim=-1)
    positions = torch.arange(num_src, dtype=weights.dtype, device=weights.device)
    attended = (weights @ positions) / torch.where(total > 0, total, 1.0)  # (..., T)
    earlier, later = torch.combinations(torch.arange(num_tgt)).unbind(dim=1)
    return torch.sign(attended[..., later] - attended[..., earlier]).mean(dim=-1)
