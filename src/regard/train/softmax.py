"""Softmax, log-likelihood and error of a chunk of logits: the part of the loss that is not a matrix product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.native import kernel


@dataclass(frozen=True)
class LossTerms:
    """What the logits of C tokens over V words are worth.

    Attributes:
        nll: `(C,)`, negative log-likelihood of the targets, nats.
        log_probs: `(C,)`, sum of each token's V log-probabilities.
        error: `(C, V)`, softmax minus the unsmoothed part of the target, `p(v) - (1 - ε) [v = target]`.
        error_sum: `(V,)`, its sum over the tokens.
    """

    nll: Tensor
    log_probs: Tensor
    error: Tensor
    error_sum: Tensor


def loss_terms(
    logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float, *, need_error: bool
) -> LossTerms:
    """Softmax and loss in float32 (float64 stays), whatever the type of the logits.

    Args:
        logits: `(C, V)`, written to.
        bias: `(V,)`, to be added to them, or None.
        targets: `(C,)` int64.
        smoothing: ε.
        need_error: Whether the error is wanted; else both of its fields mean nothing.

    Returns:
        What was found; in a compiled kernel where there is one, which meets each row once, while the first cache
        holds it.
    """
    run = kernel("cross_entropy", logits)
    if run is not None and logits.is_contiguous() and len(logits):
        return _judge_compiled(run, logits, bias, targets, smoothing, need_error=need_error)
    exact = logits if logits.dtype == torch.float64 else logits.float()
    if bias is not None:
        exact += bias
    log_probs = torch.log_softmax(exact, -1)
    wanted = targets[:, None]
    nll, total = -log_probs.gather(1, wanted)[:, 0], log_probs.sum(1)
    if not need_error:
        return LossTerms(nll, total, log_probs, total)
    error = log_probs.exp_()
    error.scatter_add_(1, wanted, error.new_full((1, 1), smoothing - 1.0).expand_as(wanted))
    return LossTerms(nll, total, error, error.sum(0))


def _judge_compiled(
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
