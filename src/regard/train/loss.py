"""Label-smoothed cross entropy fused with the output layer, so that no `(B, T, V)` tensor is ever kept.

The logits of a batch are its largest tensor by far. Here they live a chunk of tokens at a time: each
chunk's logits, loss and gradient are computed in the forward pass, and only the gradients of the hidden
vectors and of the output layer stay.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from regard.native.linear import linear, weight_gradient
from regard.train.softmax import LossTerms, loss_terms

CHUNK_ELEMENTS = 1 << 22
"""Logits that live at once, 16 MiB in float32: with fewer, adding up the weights' gradient costs more than is saved."""

CHUNK_ELEMENTS_ON_GPU = 1 << 26
"""The same on a GPU, 256 MiB: 131 rows at a time, which the former makes of 32,000 words, would leave most of it idle,
and it would read and write the weights' gradient 32 times a step."""


def chunked_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    num_tokens: int | None = None,
    chunk_size: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Cross entropy of `softmax(weight · hidden + bias)` against smoothed targets, summed over the real tokens.

    The target distribution is `q(v) = (1 - ε) [v = target] + ε / V` (Szegedy et al. 2016, section 7; as in
    Vaswani et al. 2017, section 5.4). Matrix products run in the type of `hidden`, or in autocast's where it
    is enabled; softmax and loss are taken in float32 (float64 stays).

    Args:
        hidden: `(..., D)`.
        weight: `(V, D)`.
        bias: `(V,)`, or None.
        targets: `(...)` int64.
        label_smoothing: ε.
        ignore_index: Targets of this value do not count: padding.
        num_tokens: How many targets count, where it is known: it spares a GPU from waiting for the answer.
        chunk_size: Tokens a chunk; chosen by the size of the vocabulary when not given.

    Returns:
        The smoothed loss, through which gradients flow (once, not twice), and the plain negative
        log-likelihood of the targets, through which none do; both scalars, sums in nats.
    """
    kept = targets.flatten() != ignore_index
    if num_tokens is None:
        rows = kept.nonzero()[:, 0]
    else:
        rows = torch.nonzero_static(kept, size=num_tokens)[:, 0]
    flat = hidden.flatten(0, -2).index_select(0, rows)  # (..., D) -> (N, D)
    elements = CHUNK_ELEMENTS if weight.device.type == "cpu" else CHUNK_ELEMENTS_ON_GPU
    chunk_size = chunk_size or max(64, elements // weight.shape[0])
    # Within the function gradients are off, so it cannot ask whether they are wanted.
    needed = torch.is_grad_enabled() and (flat.requires_grad or weight.requires_grad)
    loss, nll = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        flat, weight, bias, targets.flatten().index_select(0, rows), label_smoothing, chunk_size, needed
    )
    return loss, nll


def _compute_type(hidden: Tensor) -> torch.dtype:
    device = hidden.device.type
    if hidden.dtype == torch.float32 and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return hidden.dtype


class _Gradients:
    """Gradients of the summed loss, filled chunk by chunk.

    Uniform smoothing asks for nothing of the size of the vocabulary a token: its share of the gradient is the
    same for every token (hidden) and for every word (weight), and is added once at the end.
    """

    def __init__(self, hidden: Tensor, weight: Tensor, smoothing: float, has_bias: bool) -> None:
        master = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        self.share = smoothing / weight.shape[0]
        self.hidden = torch.empty_like(hidden)
        self.weight = torch.zeros(weight.shape, dtype=master, device=weight.device)
        self.bias = torch.zeros(weight.shape[0], dtype=master, device=weight.device) if has_bias else None
        self.num_tokens = hidden.shape[0]

    def add(self, start: int, judged: LossTerms, hidden: Tensor, weight: Tensor) -> None:
        """Adds a chunk of C tokens."""
        if self.bias is not None:
            self.bias += judged.error_sum
        error = judged.error.to(hidden.dtype)
        self.hidden[start : start + len(hidden)] = linear(error, weight.t())
        self.weight += weight_gradient(error, hidden)

    def finish(self, hidden: Tensor, weight: Tensor) -> None:
        """Adds the uniform part: `-ε / V` at every word of every token."""
        if self.share:
            self.hidden -= self.share * weight.sum(0, dtype=self.weight.dtype).to(self.hidden.dtype)
            self.weight -= self.share * hidden.sum(0, dtype=self.weight.dtype)
            if self.bias is not None:
                self.bias -= self.share * self.num_tokens


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        smoothing: float,
        chunk_size: int,
        needed: bool,
    ) -> tuple[Tensor, Tensor]:
        compute = _compute_type(hidden)
        with torch.autocast(hidden.device.type, enabled=False):
            result = _losses(hidden.to(compute), weight.to(compute), bias, targets, smoothing, chunk_size, needed)
        loss, nll, gradients = result
        ctx.types = hidden.dtype, weight.dtype  # type: ignore[attr-defined]
        if gradients is not None:
            ctx.save_for_backward(gradients.hidden, gradients.weight, gradients.bias)  # type: ignore[arg-type]
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias = ctx.saved_tensors  # type: ignore[attr-defined]
        hidden_type, weight_type = ctx.types  # type: ignore[attr-defined]
        scale = upstream[0]
        hidden_grad = (hidden * scale).to(hidden_type)
        weight_grad = (weight * scale).to(weight_type)
        return (
            hidden_grad,
            weight_grad,
            None if bias is None else (bias * scale).to(weight_type),
            None,
            None,
            None,
            None,
        )


def _losses(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    smoothing: float,
    chunk_size: int,
    need_gradients: bool,
) -> tuple[Tensor, Tensor, _Gradients | None]:
    gradients = _Gradients(hidden, weight, smoothing, bias is not None) if need_gradients else None
    exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    nll = torch.zeros((), dtype=exact, device=hidden.device)
    loss = torch.zeros((), dtype=exact, device=hidden.device)
    for start in range(0, hidden.shape[0], chunk_size):
        part, wanted = hidden[start : start + chunk_size], targets[start : start + chunk_size]
        judged = loss_terms(linear(part, weight), bias, wanted, smoothing, need_error=need_gradients)  # (C, V) logits
        chunk_nll = judged.nll.sum()
        nll += chunk_nll
        loss += (1.0 - smoothing) * chunk_nll
        if smoothing:
            loss -= smoothing / weight.shape[0] * judged.log_probs.sum()
        if gradients is not None:
            gradients.add(start, judged, part, weight)
    if gradients is not None:
        gradients.finish(hidden, weight)
    return loss, nll, gradients
