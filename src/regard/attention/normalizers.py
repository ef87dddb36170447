"""Normalizers: how the scores of a query become a distribution. One function a published formula.

In the formulas `z_i` is a score and `p_i` the weight that it turns into. The usual one, the softmax, is
`regard.attention.kernels.masked_softmax`: it never gives a weight of exactly zero. `sparsemax` and `entmax15` do,
so that most source positions drop out altogether. A normalizer of one's own is any function of that shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

from regard.attention.kernels import masked_softmax, upcast

Normalizer = Callable[[Tensor, Tensor | None], Tensor]
"""From scores `(B, H, T, S)` and a mask that broadcasts to them, or None, to weights `(B, H, T, S)`."""


def sparsemax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """`argmin_p ‖p - z‖²` over all distributions p: `p_i = [z_i - τ]₊` (Martins & Astudillo 2016, eq. 2-3).

    Args:
        scores: `(B, H, T, S)`.
        mask: Bool, True = may attend, broadcastable to the scores; None = every position.

    Returns:
        `(B, H, T, S)` float32 (float64 stays). Rows sum to 1; a row with nothing to attend to is all zeros.
    """
    weights: Tensor = _Sparsemax.apply(*_hidden(scores, mask))  # type: ignore[no-untyped-call]
    return weights


def entmax15(scores: Tensor, mask: Tensor | None) -> Tensor:
    """1.5-entmax, halfway from softmax to sparsemax: `p_i = [z_i/2 - τ]₊²` (Peters et al. 2019, §3).

    Args:
        scores: `(B, H, T, S)`.
        mask: Bool, True = may attend, broadcastable to the scores; None = every position.

    Returns:
        `(B, H, T, S)` float32 (float64 stays). Rows sum to 1; a row with nothing to attend to is all zeros.
    """
    weights: Tensor = _Entmax15.apply(*_hidden(scores, mask))  # type: ignore[no-untyped-call]
    return weights


def smooth(scores: Tensor, mask: Tensor | None) -> Tensor:
    """`p_i = σ(z_i) / Σ_j σ(z_j)`: no score counts more than one, so many may share (Chorowski 2015, §2.3).

    Args:
        scores: `(B, H, T, S)`.
        mask: Bool, True = may attend, broadcastable to the scores; None = every position.

    Returns:
        `(B, H, T, S)` float32 (float64 stays). Rows sum to 1; a row with nothing to attend to is all zeros.
    """
    # exp(ln σ(z)): the same fraction, and no sum that vanishes
    return masked_softmax(F.logsigmoid(upcast(scores)), mask)


@dataclass(frozen=True)
class Sharpened:
    """A normalizer of `β z`: above 1 the weights are sharper, below 1 flatter (Chorowski 2015, §2.3).

    Attributes:
        normalizer: What is sharpened.
        factor: β, an inverse temperature.
    """

    normalizer: Normalizer
    factor: float

    def __call__(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """The weights `(B, H, T, S)` of scores `(B, H, T, S)` under a mask; see `masked_softmax`."""
        return self.normalizer(scores * self.factor, mask)


def _hidden(scores: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    return upcast(scores), None if mask is None else ~mask


def _below_the_top(scores: Tensor, hidden: Tensor | None) -> Tensor:
    """`max(z_i - max_j z_j, -2)`, a tensor of its own: what shifts all scores shifts τ and no weight.

    τ is never below -1 then, as the largest weight is at most 1. So scores below -1 weigh nothing, and are cut off
    at -2, safely outside: hidden ones, which are as low as numbers go, would spoil the sums.
    """
    if hidden is not None:
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
    return (scores - scores.amax(-1, keepdim=True)).clamp_(min=-2.0)


def _descending(z: Tensor) -> tuple[Tensor, Tensor]:
    counts = torch.arange(1, z.shape[-1] + 1, device=z.device, dtype=z.dtype)
    return z.sort(-1, descending=True).values, counts


def _through(slopes: Tensor, upstream: Tensor) -> Tensor:
    """The gradient of the scores: `s (g - s·g / Σ s)`, where `s_i = p_i^(2 - α)` (Peters et al. 2019, §3)."""
    weighted = upstream * slopes
    # An empty row has no slopes, and then no gradient either.
    mean = weighted.sum(-1, keepdim=True) / slopes.sum(-1, keepdim=True).clamp_(min=torch.finfo(slopes.dtype).tiny)
    return weighted - slopes * mean


class _Sparsemax(torch.autograd.Function):
    """α = 2; keeps the weights alone: the slope is 1 where a weight is above 0."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, hidden: Tensor | None) -> Tensor:
        z = _below_the_top(scores, hidden)
        ordered, k = _descending(z)
        # With the k largest scores alone τ would be (Σ_{j≤k} z_j - 1) / k. Each of these is a lower bound,
        # and the right k attains it; algorithm 1 of the paper finds that k by its condition 1 + k z_k > Σ_{j≤k} z_j.
        threshold = ((ordered.cumsum(-1) - 1.0) / k).amax(-1, keepdim=True)
        weights = (z - threshold).clamp_(min=0.0)
        if hidden is not None:
            weights.masked_fill_(hidden, 0.0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _through(weights.sign(), upstream[0]), None


class _Entmax15(torch.autograd.Function):
    """α = 3/2; keeps the weights alone: the slope is a weight's square root."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, hidden: Tensor | None) -> Tensor:
        z = _below_the_top(scores / 2.0, hidden)
        ordered, k = _descending(z)
        # Algorithm 2 of the paper: with the k largest alone, τ = M - √((1 - S) / k), where M is their mean and S
        # their summed squared distance from it; the right k is the largest whose τ does not exceed z_k.
        mean = ordered.cumsum(-1) / k
        spread = ordered.square().cumsum(-1) - k * mean.square()
        thresholds = mean - ((1.0 - spread) / k).clamp_(min=0.0).sqrt_()
        num_kept = (thresholds <= ordered).sum(-1, keepdim=True)
        weights = (z - thresholds.gather(-1, num_kept - 1)).clamp_(min=0.0).square_()
        if hidden is not None:
            weights.masked_fill_(hidden, 0.0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _through(weights.sqrt(), upstream[0]), None
