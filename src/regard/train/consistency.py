"""R-Drop: predictions of the same words with different dropout should agree (Wu et al. 2021).

Every batch is computed twice in one pass. Besides the cross entropy of both predictions, the loss has their symmetric
Kullback-Leibler divergence, which is computed chunk by chunk together with the cross entropy.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from regard.train.loss import default_chunk_size, fused_cross_entropy, real_rows
from regard.train.softmax import LossTerms
from regard.values import AlignmentTargets, Batch


def repeated(batch: Batch) -> Batch:
    """The batch with each row followed by a copy of itself, `(2 B, ...)`: rows a, a, b, b, ..."""

    def twice(rows: Tensor) -> Tensor:
        return rows.repeat_interleave(2, dim=0)

    return replace(
        batch,
        src_ids=twice(batch.src_ids),
        src_len=twice(batch.src_len),
        tgt_in_ids=twice(batch.tgt_in_ids),
        tgt_out_ids=twice(batch.tgt_out_ids),
        tgt_len=twice(batch.tgt_len),
        indices=tuple(index for index in batch.indices for _ in range(2)),
        num_tgt_tokens=2 * batch.num_tgt_tokens,
        alignment_targets=None if batch.alignment_targets is None else _repeated_targets(batch.alignment_targets),
    )


def _repeated_targets(targets: AlignmentTargets) -> AlignmentTargets:
    indices = targets.indices.repeat(1, 2)  # (3, N) -> (3, 2 N)
    indices[0] *= 2
    indices[0, targets.indices.shape[1] :] += 1
    return AlignmentTargets(indices, targets.values.repeat(2))


def consistent_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    *,
    alpha: float,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    num_tokens: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Cross entropy of two predictions P and Q of the same words, and their divergence (Wu et al. 2021, eq. 4).

    Per target token, the loss is `CE(P) + CE(Q) + α/2 [KL(P || Q) + KL(Q || P)]`, with the smoothed cross entropy of
    `regard.train.loss.chunked_cross_entropy`.

    Args:
        hidden: Hidden vectors of a batch in which each row is followed by its copy (see `repeated`), `(2 B, T, D)`.
        weight: Output matrix, `(V, D)`.
        bias: Output bias, `(V,)`, or None.
        targets: Target ids of the same batch, `(2 B, T)` int64.
        alpha: α, factor of the mean of both divergences.
        label_smoothing: ε, probability that smoothing spreads over the whole vocabulary.
        ignore_index: Target id of padding, which is left out of the loss.
        num_tokens: Number of targets of the repeated batch without padding, an even number. If given, a GPU need not be
            synchronized to count them.

    Returns:
        The loss, and the negative log-likelihood of the targets in both predictions, both scalars, sums in nats. Only
        the loss is differentiable, and only one backward pass through it is possible.
    """
    length = targets.shape[1]
    first = real_rows(targets[::2], ignore_index, None if num_tokens is None else num_tokens // 2)
    # Both predictions of a token follow each other: row t of sentence b becomes rows t of sentences 2 b and 2 b + 1.
    first = first + first // length * length
    rows = torch.stack((first, first + length), 1).flatten()
    return fused_cross_entropy(
        hidden, weight, bias, targets, rows, label_smoothing=label_smoothing,
        chunk_size=default_chunk_size(weight) // 2 * 2, terms=partial(consistent_terms, alpha=alpha),
    )  # fmt: skip


def consistent_terms(
    logits: Tensor, bias: Tensor | None, targets: Tensor, smoothing: float, *, need_error: bool, alpha: float
) -> LossTerms:
    """Computes softmax, loss and divergence of a chunk of tokens that are predicted twice.

    Args:
        logits: Logits, `(2 C, V)`; each pair of rows has two predictions of the same token. Float64 logits are computed
            in float64, others in float32.
        bias: Bias to add to the logits, `(V,)`, or None.
        targets: Target ids, `(2 C,)` int64.
        smoothing: ε of label smoothing.
        need_error: Whether to compute the gradient; if not, the fields `error` and `error_sum` of the result hold
            arbitrary values.
        alpha: α, factor of the mean of both divergences.

    Returns:
        The terms of the chunk's loss; their field `penalty` is the divergence, multiplied by α.
    """
    exact = logits if logits.dtype == torch.float64 else logits.float()
    log_probs = torch.log_softmax(exact if bias is None else exact + bias, -1)
    columns = targets[:, None]
    nll, total = -log_probs.gather(1, columns)[:, 0], log_probs.sum(1)
    probs = log_probs.exp()
    ratio, gap = log_probs[::2] - log_probs[1::2], probs[::2] - probs[1::2]  # (C, V)
    penalty = alpha / 2 * (gap * ratio).sum()  # of KL(P || Q) + KL(Q || P)
    if not need_error:
        return LossTerms(nll, total, probs, total, penalty)
    error = probs.clone()
    for side, sign in ((slice(0, None, 2), 1), (slice(1, None, 2), -1)):
        divergence = sign * (probs[side] * ratio).sum(1, keepdim=True)
        error[side] += alpha / 2 * (probs[side] * (sign * ratio - divergence) + sign * gap)
    error.scatter_add_(1, columns, error.new_full((1, 1), smoothing - 1.0).expand_as(columns))
    return LossTerms(nll, total, error, error.sum(0), penalty)
