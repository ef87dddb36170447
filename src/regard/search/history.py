"""What a search noted down step by step, put together into hypotheses when it is over.

While a search runs, nothing is copied from step to step: each step leaves its tokens and where they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.values import Hypothesis, StepOutput

StepAttention = tuple[Tensor, ...]
"""The attention rows of one step, `(R, H, S)` a layer."""
MAX_STEPS, MAX_BYTES = 64, 8 << 20
"""Steps that share a piece of memory, and its size, at most."""


class StepBuffer:
    """Tensors of many steps, in few pieces of memory.

    A step needs large pieces that it gives back. Where a small one stays between them, the system cannot use the room
    of a large one again, so that a long sentence would take as much memory as all its steps together.
    """

    def __init__(self) -> None:
        self._pieces: list[list[Tensor]] = []
        self._used: list[int] = []

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Notes the tensors `(...)` of a step; they are copied."""
        if not self._fits(tensors):
            size = max(1, sum(one.numel() * one.element_size() for one in tensors))
            steps = max(1, min(MAX_STEPS, MAX_BYTES // size))
            self._pieces.append([one.new_empty((steps, *one.shape)) for one in tensors])
            self._used.append(0)
        for piece, one in zip(self._pieces[-1], tensors, strict=True):
            piece[self._used[-1]].copy_(one)
        self._used[-1] += 1

    def drain(self) -> Iterator[tuple[Tensor, ...]]:
        """Gives the tensors `(...)` of each step, in order, and forgets them on the way."""
        while self._pieces:
            pieces, used = self._pieces.pop(0), self._used.pop(0)
            for number in range(used):
                yield tuple(piece[number] for piece in pieces)

    def _fits(self, tensors: Sequence[Tensor]) -> bool:
        if not self._pieces or self._used[-1] == len(self._pieces[-1][0]):
            return False
        return all(piece.shape[1:] == one.shape for piece, one in zip(self._pieces[-1], tensors, strict=True))


@dataclass(frozen=True)
class PaddedHypotheses:
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


def build_hypotheses(traces: PaddedHypotheses, weights: Iterable[StepAttention]) -> list[Hypothesis]:
    """Makes values of M traces.

    Args:
        traces: All that is known of each.
        weights: The attention rows of each step; empty where they were not wanted.

    Returns:
        M hypotheses, in the order of the traces; like all that they hold, their matrices lie with the host.
    """
    layers = [layer.cpu() for layer in _stack(traces.rows, weights)]
    ids, log_probs = traces.ids.T.tolist(), traces.log_probs.T.tolist()
    scores, finished = traces.scores.tolist(), traces.finished.tolist()
    src_len = traces.src_len.tolist()
    found = []
    for number, length in enumerate(traces.lengths.tolist()):
        matrices = tuple(_own(layer[number, :, :length, : src_len[number]], layer) for layer in layers)
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


def _own(part: Tensor, layer: Tensor) -> Tensor:
    """A hypothesis's matrix: a part of a layer would keep the matrices of the whole batch in memory."""
    return part if part.numel() == layer.numel() else part.clone()


def _stack(rows: Tensor, weights: Iterable[StepAttention]) -> list[Tensor]:
    """The rows of M traces, `(M, H, T, S)` a layer; what has been taken of the steps need not be kept."""
    layers: list[Tensor] = []
    for number, (row, step) in enumerate(zip(rows, weights, strict=False)):
        if not layers:
            layers = [one.new_empty((len(row), one.shape[1], len(rows), one.shape[2])) for one in step]
        for layer, one in zip(layers, step, strict=True):
            layer[:, :, number] = one.index_select(0, row)
    return layers
