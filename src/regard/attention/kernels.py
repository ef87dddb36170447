"""The arithmetic of every attention: scores to weights, weights to context."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from regard.native.dropout import dropout


def upcast(scores: Tensor) -> Tensor:
    """Scores in the type of the softmax, float32 or wider.

    Args:
        scores: `(B, H, T, S)`.

    Returns:
        `(B, H, T, S)` in float32 (float64 stays).
    """
    return scores if scores.dtype == torch.float64 else scores.float()


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the positions that may be attended to, computed in float32.

    Args:
        scores: `(B, H, T, S)`.
        mask: Bool, True = may attend, broadcastable to the scores; None = every position.

    Returns:
        `(B, H, T, S)` float32 (float64 stays). Rows sum to 1; a row that is masked everywhere is all zeros.
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
    """`a_t = Σ_i α_{t,i} v_i`, with dropout on the weights.

    The weights that an attention returns are those before dropout.

    Args:
        weights: `(B, H, T, S)`.
        value: `(B, H, S, D)`.
        rate: Share of the weights set to zero; 0 outside training.

    Returns:
        `(B, H, T, D)` in the values' type.
    """
    return dropout(weights, rate).to(value.dtype) @ value
