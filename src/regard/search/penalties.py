"""Length and coverage penalties for the scores of hypotheses (Wu et al. 2016, §7)."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)

MIN_ATTENTION = 1e-6
"""Smallest coverage of a source position in the penalty, so that the penalty of an unattended one is finite."""


def length_penalty(length: Number, alpha: float) -> Number:
    """`lp(Y) = (5 + |Y|)^α / (5 + 1)^α`, the divisor of a score (Wu et al. 2016, eq. 14).

    >>> length_penalty(7.0, 1.0)
    2.0
    >>> length_penalty(7.0, 0.0)
    1.0

    Args:
        length: |Y|, number of tokens with eos; a number or a tensor of any shape `(...)`.
        alpha: α ≥ 0; 0 = no penalty, larger favors longer translations.

    Returns:
        The penalty, of the same shape `(...)`: at least 1 for a length of at least 1, and increasing with the length.
    """
    penalty: Number = ((5.0 + length) / 6.0) ** alpha
    return penalty


def coverage_penalty(coverage: Tensor, mask: Tensor, *, beta: float) -> Tensor:
    """`cp(X; Y) = β Σ_i log(min(Σ_j p_ij, 1))`, added to a score (Wu et al. 2016, eq. 14).

    p_ij is the attention weight of target token j on source position i, here the mean over layers and heads, with the
    eos of both sides included. A sum below `MIN_ATTENTION` is replaced by it.

    Args:
        coverage: `(..., S)`, Σ_j p_ij.
        mask: `(..., S)` bool, True at real source positions.
        beta: β ≥ 0; 0 = no penalty.

    Returns:
        `(...)`, at most 0.
    """
    logs = coverage.clamp(MIN_ATTENTION, 1.0).log()
    return beta * logs.masked_fill(~mask, 0.0).sum(-1)
