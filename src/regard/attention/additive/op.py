"""The operator `regard::additive_scores`, with support for autograd, `torch.compile` and fake tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from regard.attention.additive.native import backward, forward


def additive_scores(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    """Computes the additive attention scores `v · tanh(q_t + k_i)` (Bahdanau 2015, A.1.2), with gradients.

    Forward and backward need memory for the scores only, not for a tensor `(B, H, T, S, D)`.

    Args:
        query: Projected queries `q_t`, `(B, H, T, D)`, D = width of the hidden layer.
        key: Projected keys `k_i`, `(B, H, S, D)`.
        v: Weights of the output, `(H, D)`: one vector per head.

    Returns:
        The scores, `(B, H, T, S)`, in float32; in float64 if query or key is float64.
    """
    dtype = torch.promote_types(query.dtype, key.dtype)
    if dtype == torch.float16 and query.device.type == "cpu":  # no CPU kernel for float16
        dtype = torch.float32
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    query, key, v = query.to(dtype), key.to(dtype), v.to(wide)
    # The custom operator costs some 25 µs more than the autograd function, forward and backward together: a tenth of a
    # decoder step. It is needed for `torch.compile` and tensor subclasses only.
    eager = not torch.compiler.is_compiling() and all(type(x) in _PLAIN_TYPES for x in (query, key, v))
    scores: Tensor = _Scores.apply(query, key, v) if eager else _scores(query, key, v)  # type: ignore[no-untyped-call]
    return scores


_PLAIN_TYPES = (Tensor, torch.nn.Parameter)


class _Scores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, query: Tensor, key: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, v)
        return forward(query, key, v)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return backward(upstream[0], *ctx.saved_tensors)  # type: ignore[attr-defined]


@torch.library.custom_op("regard::additive_scores", mutates_args=())
def _scores(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    return forward(query, key, v)


@torch.library.custom_op("regard::additive_scores_backward", mutates_args=())
def _gradients(upstream: Tensor, query: Tensor, key: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return backward(upstream, query, key, v)


@_scores.register_fake
def _(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    return v.new_empty((*query.shape[:-1], key.shape[-2]))


@_gradients.register_fake
def _(upstream: Tensor, query: Tensor, key: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    # The kernel returns contiguous tensors, also for inputs that are not.
    return query.new_empty(query.shape), key.new_empty(key.shape), v.new_empty(v.shape)


def _save_inputs(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(ctx: FunctionCtx, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    gradients: tuple[Tensor, Tensor, Tensor] = _gradients(upstream, *ctx.saved_tensors)  # type: ignore[attr-defined]
    return gradients


_scores.register_autograd(_differentiate, setup_context=_save_inputs)
