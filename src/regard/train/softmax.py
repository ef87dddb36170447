"""Softmax, log-likelihood and error of a chunk of logits: the part of the loss without matrix products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.native import kernel


@dataclass(frozen=True)
class LossTerms:
    """The terms of the loss of C tokens over V words.

    Attributes:
        nll: Negative log-likelihood of the targets, `(C,)`, nats.
        log_probs: Sum of each token's V log-probabilities, `(C,)`.
        error: Softmax minus the unsmoothed part of the target, `p(v) - (1 - ε) [v = target]`, `(C, V)`.
        error_sum: Sum of the error over the tokens, `(V,)`.
    """

    nll: Tensor
    log_probs: Tensor
    error: Tensor
    error_sum: Tensor


def loss_terms(
    logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float, *, need_error: bool
) -> LossTerms:
    """Softmax and loss in float32 for logits of any type; float64 stays float64.

    A compiled kernel computes them where there is one. It processes each row once, while the row is in the first-level
    cache.

    Args:
        logits: Logits, `(C, V)`; overwritten.
        bias: Bias to add to them, `(V,)`, or None.
        targets: Target ids, `(C,)` int64.
        smoothing: ε.
        need_error: Whether to compute the error; if not, `error` and `error_sum` hold arbitrary values.

    Returns:
        The terms of the loss.
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
        raise IndexError(f"expected targets from 0 to {words - 1}, got {lowest} to {highest}")
    nll, log_probs = torch.empty(2, tokens)
    scratch, sums = torch.empty(threads, words), torch.zeros(threads, words)
    offset = torch.zeros(words) if bias is None else bias.float().contiguous()
    targets = targets.contiguous()
    run(
        logits.data_ptr(), offset.data_ptr(), targets.data_ptr(), tokens, words, smoothing,
        nll.data_ptr(), log_probs.data_ptr(), scratch.data_ptr(), sums.data_ptr(), need_error, threads,
    )  # fmt: skip
    return LossTerms(nll, log_probs, logits, sums.sum(0))
