"""What a search noted down step by step, put together into hypotheses when it is over.

While a search runs, nothing is copied from step to step: each step leaves its tokens and where they came from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.values import Hypothesis, StepOutput

StepWeights = tuple[Tensor, ...]
"""The attention rows of one step, `(R, H, S)` a layer."""


@dataclass(frozen=True)
class Traces:
    """M hypotheses as their searches leave them, padded to the longest one's T tokens.

    Attributes:
        ids: `(T, M)` int64.
        log_probs: `(T, M)`.
        rows: `(T, M)` int64, the row of each step's batch that the token was chosen in.
        lengths: `(M,)` int64, tokens of each.
        scores: `(M,)`.
        finished: `(M,)` bool.
        src_len: `(M,)` int64, source lengths with eos.
    """

    ids: Tensor
    log_probs: Tensor
    rows: Tensor
    lengths: Tensor
    scores: Tensor
    finished: Tensor
    src_len: Tensor


def hypotheses(traces: Traces, weights: list[StepWeights]) -> list[Hypothesis]:
    """Makes values of M traces.

    Args:
        traces: All that is known of each.
        weights: The attention rows of each step; an empty list where they were not wanted.

    Returns:
        M hypotheses, in the order of the traces; like all that they hold, their matrices lie with the host.
    """
    layers = [layer.cpu() for layer in _stack(traces.rows, weights)]
    ids, log_probs = traces.ids.T.tolist(), traces.log_probs.T.tolist()
    scores, finished = traces.scores.tolist(), traces.finished.tolist()
    src_len = traces.src_len.tolist()
    found = []
    for number, length in enumerate(traces.lengths.tolist()):
        # Cloned: a slice would keep the matrices of the whole batch in memory.
        matrices = tuple(layer[number, :, :length, : src_len[number]].clone() for layer in layers)
        found.append(
            Hypothesis(
                tuple(ids[number][:length]),
                scores[number],
                tuple(log_probs[number][:length]),
                matrices,
                finished[number],
            )
        )
    return found


def mean_attention(output: StepOutput) -> Tensor:
    """The mean over layers and heads of a step's attention rows, `(R, S)`; layers must not be empty."""
    return torch.stack([layer.mean(1) for layer in output.weights]).mean(0)


def _stack(rows: Tensor, weights: list[StepWeights]) -> list[Tensor]:
    """The rows of M traces, `(M, H, T, S)` a layer."""
    if not weights:
        return []
    return [
        torch.stack([step.index_select(0, row) for step, row in zip(layer, rows, strict=True)], dim=2)
        for layer in zip(*weights, strict=True)
    ]
