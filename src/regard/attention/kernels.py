"""The arithmetic of every attention: scores to weights, weights to context."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from regard.native.dropout import dropout


def upcast(scores: Tensor) -> Tensor:
    """Converts attention scores to the type in which the softmax is computed.

    Args:
        scores: Attention scores, `(B, H, T, S)`, of any floating-point type.

    Returns:
        The scores, `(B, H, T, S)`, in float32; float64 stays float64.
    """
    return scores if scores.dtype == torch.float64 else scores.float()


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the source positions that the mask allows, computed in float32.

    Args:
        scores: Attention scores, `(B, H, T, S)`.
        mask: Bool, True = the position may be attended to, broadcastable to the scores; None = all positions may.

    Returns:
        Attention weights, `(B, H, T, S)`, in float32; float64 stays float64. The weights of a query sum to 1; if the
        mask is False at all its positions, they are all 0.
    """
    scores = upcast(scores)
    if mask is None:
        return scores.softmax(-1)
    weights: Tensor = _MaskedSoftmax.apply(scores, mask)  # type: ignore[no-untyped-call]
    return weights


class _MaskedSoftmax(torch.autograd.Function):
    """Saves only the weights for the backward pass: masked positions have zero weight, hence zero gradient."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, mask: Tensor) -> Tensor:
        # The finite fill value avoids NaN in rows that are masked everywhere; the second fill makes them zero.
        masked = ~mask
        weights = scores.masked_fill(masked, torch.finfo(scores.dtype).min).softmax(-1).masked_fill_(masked, 0.0)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors  # type: ignore[attr-defined]
        gradient: Tensor = torch.ops.aten._softmax_backward_data(upstream[0], weights, -1, weights.dtype)
        return gradient, None


def weighted_sum(weights: Tensor, value: Tensor, *, rate: float = 0.0) -> Tensor:
    """Computes context vectors, the sums of the values weighted by attention, `a_t = Σ_i α_{t,i} v_i`.

    Args:
        weights: Attention weights α before dropout, `(B, H, T, S)`.
        value: Values v, `(B, H, S, D)`.
        rate: Dropout rate: the share of the weights that is set to zero; use 0 outside training.

    Returns:
        The context vectors, `(B, H, T, D)`, in the type of the values.
    """
    kept = dropout(weights, rate) if rate else weights
    return kept.to(value.dtype) @ value
