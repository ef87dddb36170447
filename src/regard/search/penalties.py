"""What a log-probability is divided by and charged with, before hypotheses are compared (Wu et al. 2016, §7)."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)

MIN_ATTENTION = 1e-6
"""What a source position counts at least in the coverage penalty, so that one never looked at costs a finite amount."""


def length_penalty(length: Number, alpha: float) -> Number:
    """`lp(Y) = (5 + |Y|)^α / (5 + 1)^α` (Wu et al. 2016, eq. 14); a score is divided by it.

    >>> length_penalty(7.0, 1.0)
    2.0
    >>> length_penalty(7.0, 0.0)
    1.0

    Args:
        length: |Y|, tokens with eos; a number or a tensor of any shape `(...)`.
        alpha: α ≥ 0; 0 = no penalty, larger favors longer translations.

    Returns:
        At least 1 for a length of at least 1, growing with the length; of the same shape `(...)`.
    """
    penalty: Number = ((5.0 + length) / 6.0) ** alpha
    return penalty


def coverage_penalty(attended: Tensor, mask: Tensor, *, beta: float) -> Tensor:
    """`cp(X; Y) = β Σ_i log(min(Σ_j p_ij, 1))` (Wu et al. 2016, eq. 14); added to a score.

    p_ij is what target token j gave to source position i, here the mean over layers and heads. eos of either
    side counts. A sum below `LEAST_ATTENTION` is raised to it.

    Args:
        attended: `(..., S)`, Σ_j p_ij.
        mask: `(..., S)` bool, True at real source positions.
        beta: β ≥ 0; 0 = no penalty.

    Returns:
        `(...)`, at most 0.
    """
    logs = attended.clamp(MIN_ATTENTION, 1.0).log()
    return beta * logs.masked_fill(~mask, 0.0).sum(-1)
