"""Normalizers: functions from attention scores to attention weights, one for each published formula.

In the formulas `z_i` is a score and `p_i` its weight. The usual normalizer, the softmax, is
`regard.attention.kernels.masked_softmax`; its weights are never exactly zero. `sparsemax` and `entmax15` give most
source positions a weight of zero. Any function with the signature `Normalizer` can be used as a normalizer.
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
"""Takes scores `(B, H, T, S)` and a mask broadcastable to them, or None; returns weights `(B, H, T, S)`."""


def sparsemax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Sparsemax, `p_i = [z_i - τ]₊`, which gives low scores z a weight of zero (Martins & Astudillo 2016, eq. 2-3).

    The weights p are the distribution that minimizes `‖p - z‖²`.

    Args:
        scores: Attention scores z, `(B, H, T, S)`.
        mask: Bool, True = the position may be attended to, broadcastable to the scores; None = all positions may.

    Returns:
        Attention weights, `(B, H, T, S)`, in float32; float64 stays float64. The weights of a query sum to 1; if the
        mask is False at all its positions, they are all 0.
    """
    weights: Tensor = _Sparsemax.apply(*_upcast_and_invert(scores, mask))  # type: ignore[no-untyped-call]
    return weights


def entmax15(scores: Tensor, mask: Tensor | None) -> Tensor:
    """1.5-entmax, `p_i = [z_i/2 - τ]₊²`, a normalizer between softmax and sparsemax (Peters et al. 2019, §3).

    Like sparsemax, it gives low scores z a weight of zero.

    Args:
        scores: Attention scores z, `(B, H, T, S)`.
        mask: Bool, True = the position may be attended to, broadcastable to the scores; None = all positions may.

    Returns:
        Attention weights, `(B, H, T, S)`, in float32; float64 stays float64. The weights of a query sum to 1; if the
        mask is False at all its positions, they are all 0.
    """
    weights: Tensor = _Entmax15.apply(*_upcast_and_invert(scores, mask))  # type: ignore[no-untyped-call]
    return weights


def smooth(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Smooth normalizer, `p_i = σ(z_i) / Σ_j σ(z_j)`, with a sigmoid in place of exp (Chorowski 2015, §2.3).

    A sigmoid is at most 1, so a single high score cannot take nearly all of the weight.

    Args:
        scores: Attention scores z, `(B, H, T, S)`.
        mask: Bool, True = the position may be attended to, broadcastable to the scores; None = all positions may.

    Returns:
        Attention weights, `(B, H, T, S)`, in float32; float64 stays float64. The weights of a query sum to 1; if the
        mask is False at all its positions, they are all 0.
    """
    # σ(z) = exp(ln σ(z)), so the softmax of ln σ(z) is the same fraction, without underflow of the sum.
    return masked_softmax(F.logsigmoid(upcast(scores)), mask)


@dataclass(frozen=True)
class Sharpened:
    """A normalizer that multiplies scores by a factor β, then applies another normalizer (Chorowski 2015, §2.3).

    Attributes:
        normalizer: The normalizer that computes weights from the multiplied scores.
        factor: β, an inverse temperature: above 1 it makes the weights sharper, below 1 flatter.
    """

    normalizer: Normalizer
    factor: float

    def __call__(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """Computes attention weights from scores `(B, H, T, S)` and a mask.

        Args:
            scores: Attention scores, `(B, H, T, S)`.
            mask: Bool, True = the position may be attended to, broadcastable to the scores; None = all positions may.

        Returns:
            Attention weights, `(B, H, T, S)`.
        """
        return self.normalizer(scores * self.factor, mask)


def _upcast_and_invert(scores: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    return upcast(scores), None if mask is None else ~mask


def _shift_to_zero_max(scores: Tensor, masked: Tensor | None) -> Tensor:
    """`max(z_i - max_j z_j, -2)`, a new tensor; a shift of all scores shifts τ and leaves the weights unchanged.

    The largest score is then 0 and its weight at most 1, so τ is at least -1 and scores below -1 have no weight.
    They are clamped to -2, because the very low scores of masked positions would destroy the precision of the sums.
    """
    if masked is not None:
        scores = scores.masked_fill(masked, torch.finfo(scores.dtype).min)
    return (scores - scores.amax(-1, keepdim=True)).clamp_(min=-2.0)


def _sort_descending(z: Tensor) -> tuple[Tensor, Tensor]:
    counts = torch.arange(1, z.shape[-1] + 1, device=z.device, dtype=z.dtype)
    return z.sort(-1, descending=True).values, counts


def _score_gradient(slopes: Tensor, upstream: Tensor) -> Tensor:
    """The gradient of the scores: `s (g - s·g / Σ s)`, where `s_i = p_i^(2 - α)` (Peters et al. 2019, §3)."""
    weighted = upstream * slopes
    # In a row that is masked everywhere all slopes are 0, and so is the gradient.
    mean = weighted.sum(-1, keepdim=True) / slopes.sum(-1, keepdim=True).clamp_(min=torch.finfo(slopes.dtype).tiny)
    return weighted - slopes * mean


class _Sparsemax(torch.autograd.Function):
    """α = 2. Only the weights are saved: the slope is 1 where a weight is above 0."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, masked: Tensor | None) -> Tensor:
        z = _shift_to_zero_max(scores, masked)
        ordered, k = _sort_descending(z)
        # τ for the k largest scores alone is (Σ_{j≤k} z_j - 1) / k. Each of these is a lower bound of τ, and the
        # right k attains it, so τ is their maximum. Algorithm 1 of the paper finds that k by 1 + k z_k > Σ_{j≤k} z_j.
        threshold = ((ordered.cumsum(-1) - 1.0) / k).amax(-1, keepdim=True)
        weights = (z - threshold).clamp_(min=0.0)
        if masked is not None:
            weights.masked_fill_(masked, 0.0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _score_gradient(weights.sign(), upstream[0]), None


class _Entmax15(torch.autograd.Function):
    """α = 3/2. Only the weights are saved: the slope is the square root of a weight."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, masked: Tensor | None) -> Tensor:
        z = _shift_to_zero_max(scores / 2.0, masked)
        ordered, k = _sort_descending(z)
        # Algorithm 2 of the paper: for the k largest scores, τ = M - √((1 - S) / k), where M is their mean and S
        # the sum of their squared distances from it. The right k is the largest for which τ ≤ z_k.
        mean = ordered.cumsum(-1) / k
        spread = ordered.square().cumsum(-1) - k * mean.square()
        thresholds = mean - ((1.0 - spread) / k).clamp_(min=0.0).sqrt_()
        support_size = (thresholds <= ordered).sum(-1, keepdim=True)
        weights = (z - thresholds.gather(-1, support_size - 1)).clamp_(min=0.0).square_()
        if masked is not None:
            weights.masked_fill_(masked, 0.0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _score_gradient(weights.sqrt(), upstream[0]), None
