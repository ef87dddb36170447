"""Softmax, log-likelihood and gradient of a chunk of logits: the part of the loss without matrix products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from regard.native import kernel


@dataclass(frozen=True)
class LossTerms:
    """The terms of the label-smoothed loss of a chunk of C tokens, with a vocabulary of V entries.

    Attributes:
        nll: Negative log-likelihood of each token's target, `(C,)`, in nats.
        log_probs: Sum of each token's V log-probabilities, `(C,)`.
        error: Gradient of the loss with respect to the logits, without the uniform part of the smoothing:
            `p(v) - (1 - ε) [v = target]`, `(C, V)`.
        error_sum: Sum of `error` over the tokens, `(V,)`.
        penalty: Further loss of the chunk, a scalar, whose gradient is part of `error`; None = there is none.
    """

    nll: Tensor
    log_probs: Tensor
    error: Tensor
    error_sum: Tensor
    penalty: Tensor | None = None


class TermsFunction(Protocol):
    """Interface of functions that compute the terms of a chunk's loss, such as `loss_terms`."""

    def __call__(
        self, logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float, /, *, need_error: bool
    ) -> LossTerms:
        """Computes the loss of a chunk of C tokens from their logits, and its gradient if needed.

        Args:
            logits: Logits, `(C, V)`; may be overwritten.
            bias: Bias to add to the logits, `(V,)`, or None.
            targets: Target ids, `(C,)` int64.
            smoothing: ε of label smoothing.
            need_error: Whether to compute the gradient; if not, the fields `error` and `error_sum` of the result hold
                arbitrary values.

        Returns:
            The terms of the chunk's loss.
        """
        ...


def loss_terms(
    logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float, *, need_error: bool
) -> LossTerms:
    """Computes softmax and loss of a chunk of C tokens in float32; float64 logits are computed in float64.

    A compiled kernel is used if there is one for the type of the logits. It processes each row once, while the row is
    in the first-level cache.

    Args:
        logits: Logits, `(C, V)`; overwritten.
        bias: Bias to add to the logits, `(V,)`, or None.
        targets: Target ids, `(C,)` int64.
        smoothing: ε of label smoothing.
        need_error: Whether to compute the gradient; if not, the fields `error` and `error_sum` of the result hold
            arbitrary values.

    Returns:
        The terms of the chunk's loss.
    """
    run = kernel("cross_entropy", logits)
    if run is not None and logits.is_contiguous() and len(logits):
        return _compiled_terms(run, logits, bias, targets, smoothing, need_error=need_error)
    exact = logits if logits.dtype == torch.float64 else logits.float()
    if bias is not None:
        exact += bias
    log_probs = torch.log_softmax(exact, -1)
    columns = targets[:, None]
    nll, total = -log_probs.gather(1, columns)[:, 0], log_probs.sum(1)
    if not need_error:
        return LossTerms(nll, total, log_probs, total)
    error = log_probs.exp_()
    error.scatter_add_(1, columns, error.new_full((1, 1), smoothing - 1.0).expand_as(columns))
    return LossTerms(nll, total, error, error.sum(0))


def _compiled_terms(
    run: Callable[..., None],
    logits: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    smoothing: float,
    *,
    need_error: bool,
) -> LossTerms:
    (tokens, words), threads = logits.shape, torch.get_num_threads()
    lowest, highest = (int(bound) for bound in torch.aminmax(targets))
    if lowest < 0 or highest >= words:
        raise IndexError(
            f"expected target ids from 0 to {words - 1}, got ids from {lowest} to {highest}: encode the targets with "
            "the vocabulary of the model"
        )
    nll, log_probs = torch.empty(2, tokens)
    scratch, sums = torch.empty(threads, words), torch.zeros(threads, words)
    offset = torch.zeros(words) if bias is None else bias.float().contiguous()
    targets = targets.contiguous()
    run(
        logits.data_ptr(), offset.data_ptr(), targets.data_ptr(), tokens, words, smoothing,
        nll.data_ptr(), log_probs.data_ptr(), scratch.data_ptr(), sums.data_ptr(), need_error, threads,
    )  # fmt: skip
    return LossTerms(nll, log_probs, logits, sums.sum(0))
