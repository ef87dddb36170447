"""Label-smoothed cross entropy fused with the output layer, so that no `(B, T, V)` tensor is kept.

The logits of a batch are its largest tensor by far. Here they are computed one chunk of tokens at a time: the forward
pass computes each chunk's logits, loss and gradient, and only the gradients of the hidden vectors and of the output
layer are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from regard.native.linear import linear, weight_gradient
from regard.train.softmax import LossTerms, TermsFunction, loss_terms

CHUNK_ELEMENTS = 1 << 22
"""Number of logits per chunk, 16 MiB in float32. With smaller chunks, summing the gradient of the output matrix over
all chunks costs more time than is saved."""

CHUNK_ELEMENTS_ON_GPU = 1 << 26
"""Number of logits per chunk on a GPU, 256 MiB in float32. With `CHUNK_ELEMENTS` and a vocabulary of 32,000, a chunk
would have 131 tokens: most of the GPU would be idle, and it would read and write the gradient of the output matrix 32
times per step."""


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
    """Cross entropy of `softmax(weight · hidden + bias)` against smoothed targets, summed over all tokens but padding.

    The target distribution is `q(v) = (1 - ε) [v = target] + ε / V` (Szegedy et al. 2016, section 7; as in
    Vaswani et al. 2017, section 5.4). Matrix products run in the type of `hidden`, or in that of autocast if it is
    enabled; softmax and loss are computed in float32 (float64 stays float64).

    Args:
        hidden: Hidden vectors, `(..., D)`.
        weight: Output matrix, `(V, D)`.
        bias: Output bias, `(V,)`, or None.
        targets: Target ids, `(...)` int64.
        label_smoothing: ε, probability that smoothing spreads over the whole vocabulary.
        ignore_index: Target id of padding, which is left out of the loss.
        num_tokens: Number of targets without padding. If given, a GPU need not be synchronized to count them.
        chunk_size: Tokens per chunk; by default chosen by the size of the vocabulary.

    Returns:
        The smoothed loss and the negative log-likelihood of the targets, both scalars, sums in nats. Only the loss is
        differentiable, and only one backward pass through it is possible.
    """
    rows = real_rows(targets, ignore_index, num_tokens)
    chunk_size = chunk_size or default_chunk_size(weight)
    return fused_cross_entropy(
        hidden, weight, bias, targets, rows, label_smoothing=label_smoothing, chunk_size=chunk_size
    )


def default_chunk_size(weight: Tensor) -> int:
    """Number of tokens whose logits are computed at once; depends on size and device of the output matrix, `(V, D)`."""
    elements = CHUNK_ELEMENTS if weight.device.type == "cpu" else CHUNK_ELEMENTS_ON_GPU
    return max(64, elements // weight.shape[0])


def real_rows(targets: Tensor, ignore_index: int, num_tokens: int | None) -> Tensor:
    """Finds the targets that are not padding.

    Args:
        targets: Target ids, `(...)` int64.
        ignore_index: Target id of padding.
        num_tokens: Number of targets that are not padding; None = unknown, so a GPU is synchronized to count them.

    Returns:
        Indices of the targets that are not padding in the flattened targets, `(N,)` int64.
    """
    is_real = targets.flatten() != ignore_index
    if num_tokens is None:
        return is_real.nonzero()[:, 0]
    return torch.nonzero_static(is_real, size=num_tokens)[:, 0]


def fused_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    rows: Tensor,
    *,
    label_smoothing: float,
    chunk_size: int,
    terms: TermsFunction = loss_terms,
) -> tuple[Tensor, Tensor]:
    """Loss and gradients of chosen tokens, chunk by chunk. See `chunked_cross_entropy`.

    Args:
        hidden: Hidden vectors, `(..., D)`.
        weight: Output matrix, `(V, D)`.
        bias: Output bias, `(V,)`, or None.
        targets: Target ids, `(...)` int64.
        rows: Indices of the chosen tokens in the flattened targets, `(N,)` int64; chunks are taken in this order.
        label_smoothing: ε, probability that smoothing spreads over the whole vocabulary.
        chunk_size: Tokens per chunk.
        terms: Function that computes the loss of a chunk from its logits, with the interface of `loss_terms`.

    Returns:
        The smoothed loss, and the negative log-likelihood of the chosen targets, both scalars, sums in nats.
    """
    flat = hidden.flatten(0, -2).index_select(0, rows)  # (..., D) -> (N, D)
    # Within the autograd function gradients are off, so it cannot find out whether they are needed.
    need_gradients = torch.is_grad_enabled() and (flat.requires_grad or weight.requires_grad)
    plan = _Plan(label_smoothing, chunk_size, need_gradients, terms)
    loss, nll = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        flat, weight, bias, targets.flatten().index_select(0, rows), plan
    )
    return loss, nll


def _compute_type(hidden: Tensor) -> torch.dtype:
    device = hidden.device.type
    if hidden.dtype == torch.float32 and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return hidden.dtype


class _Gradients:
    """Gradients of the summed loss, filled chunk by chunk.

    Uniform smoothing needs no tensor of V numbers per token: its part of the gradient is the same for every token
    (hidden) and for every word (weight), and is added once at the end.
    """

    def __init__(self, hidden: Tensor, weight: Tensor, smoothing: float, has_bias: bool) -> None:
        master = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        self.share = smoothing / weight.shape[0]
        self.hidden = torch.empty_like(hidden)
        self.weight = torch.zeros(weight.shape, dtype=master, device=weight.device)
        self.bias = torch.zeros(weight.shape[0], dtype=master, device=weight.device) if has_bias else None
        self.num_tokens = hidden.shape[0]

    def add(self, start: int, terms: LossTerms, hidden: Tensor, weight: Tensor) -> None:
        """Computes the gradients of a chunk of C tokens, without the uniform part of label smoothing.

        The gradient by the hidden vectors is stored; those by weight and bias are added to those of earlier chunks.

        Args:
            start: Index of the first token of the chunk.
            terms: Loss terms of the chunk, with the gradient by the logits, `(C, V)`.
            hidden: Hidden vectors of the chunk, `(C, D)`.
            weight: Output matrix, `(V, D)`.
        """
        if self.bias is not None:
            self.bias += terms.error_sum
        error = terms.error.to(hidden.dtype)
        self.hidden[start : start + len(hidden)] = linear(error, weight.t())
        self.weight += weight_gradient(error, hidden)

    def finish(self, hidden: Tensor, weight: Tensor) -> None:
        """Adds the uniform part of label smoothing to the gradients of all tokens.

        Smoothing adds `-ε / V` to the gradient by each of the V logits of each token; this adds its effect on the
        gradients by hidden vectors, weight and bias.

        Args:
            hidden: Hidden vectors of all N tokens, `(N, D)`.
            weight: Output matrix, `(V, D)`.
        """
        if self.share:
            self.hidden -= self.share * weight.sum(0, dtype=self.weight.dtype).to(self.hidden.dtype)
            self.weight -= self.share * hidden.sum(0, dtype=self.weight.dtype)
            if self.bias is not None:
                self.bias -= self.share * self.num_tokens


@dataclass(frozen=True)
class _Plan:
    """How a loss is computed: ε of smoothing, tokens per chunk, whether gradients are needed, and the terms."""

    smoothing: float
    chunk_size: int
    need_gradients: bool
    terms: TermsFunction


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        plan: _Plan,
    ) -> tuple[Tensor, Tensor]:
        compute = _compute_type(hidden)
        with torch.autocast(hidden.device.type, enabled=False):
            loss, nll, gradients = _losses(hidden.to(compute), weight.to(compute), bias, targets, plan)
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
        )


def _losses(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    plan: _Plan,
) -> tuple[Tensor, Tensor, _Gradients | None]:
    smoothing, chunk_size = plan.smoothing, plan.chunk_size
    gradients = _Gradients(hidden, weight, smoothing, bias is not None) if plan.need_gradients else None
    exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    nll = torch.zeros((), dtype=exact, device=hidden.device)
    loss = torch.zeros((), dtype=exact, device=hidden.device)
    for start in range(0, hidden.shape[0], chunk_size):
        chunk, chunk_targets = hidden[start : start + chunk_size], targets[start : start + chunk_size]
        logits = linear(chunk, weight)  # (C, V)
        terms = plan.terms(logits, bias, chunk_targets, smoothing, need_error=plan.need_gradients)
        chunk_nll = terms.nll.sum()
        nll += chunk_nll
        loss += (1.0 - smoothing) * chunk_nll
        if smoothing:
            loss -= smoothing / weight.shape[0] * terms.log_probs.sum()
        if terms.penalty is not None:
            loss += terms.penalty
        if gradients is not None:
            gradients.add(start, terms, chunk, weight)
    if gradients is not None:
        gradients.finish(hidden, weight)
    return loss, nll, gradients
