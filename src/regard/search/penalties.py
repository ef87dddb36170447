"""Length and coverage penalties for the scores of hypotheses (Wu et al. 2016, §7)."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)

MIN_ATTENTION = 1e-6
"""Smallest coverage of a source position in the penalty, so that the penalty of an unattended one is finite."""


def length_penalty(length: Number, alpha: float) -> Number:
    """Length penalty by which a log-probability is divided, `((5 + |Y|) / 6)^α` (Wu et al. 2016, eq. 14).

    >>> length_penalty(7.0, 1.0)
    2.0
    >>> length_penalty(7.0, 0.0)
    1.0

    Args:
        length: |Y|, the number of tokens of a translation with eos; a number, or a tensor of any shape `(...)`.
        alpha: α, at least 0: 0 = no penalty (the result is 1); a larger α favors longer translations.

    Returns:
        The penalty, of the same shape `(...)`. It is at least 1 for a length of at least 1, and increases with it.
    """
    penalty: Number = ((5.0 + length) / 6.0) ** alpha
    return penalty


def coverage_penalty(coverage: Tensor, mask: Tensor, *, beta: float) -> Tensor:
    """Coverage penalty that is added to a score, `β Σ_i log(min(Σ_j p_ij, 1))` (Wu et al. 2016, eq. 14).

    p_ij is the attention weight of target token j on source position i, here the mean over layers and heads, with the
    eos of both sides included. A sum over j below `MIN_ATTENTION` is replaced by `MIN_ATTENTION`.

    Args:
        coverage: Sum of the attention weights of each source position over all target tokens, `(..., S)`.
        mask: `(..., S)` bool, True at real source tokens, False at padding.
        beta: β, at least 0; 0 = no penalty.

    Returns:
        The penalty of each hypothesis, `(...)`, at most 0.
    """
    logs = coverage.clamp(MIN_ATTENTION, 1.0).log()
    return beta * logs.masked_fill(~mask, 0.0).sum(-1)
