"""The record of a search's steps, from which hypotheses are built at its end.

Nothing is copied from step to step while a search runs: each step records its tokens and the rows they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.values import Hypothesis, StepOutput

StepAttention = tuple[Tensor, ...]
"""The attention of one step, one `(R, H, S)` per layer."""
MAX_STEPS, MAX_BYTES = 64, 8 << 20
"""Largest number of steps per chunk of memory, and largest size of a chunk."""


class StepBuffer:
    """Buffer for the small tensors that each decoding step records, in a few large chunks of memory.

    A decoding step also allocates and frees large tensors. Small tensors kept between these would fragment the heap,
    and a long sentence would then need as much memory as all its steps together.
    """

    def __init__(self) -> None:
        self._chunks: list[list[Tensor]] = []  # (steps, ...) each
        self._num_steps: list[int] = []  # that are used in each chunk

    def append(self, tensors: Sequence[Tensor]) -> None:
        """Appends copies of the tensors of one step, of any shape `(...)`."""
        if not self._fits(tensors):
            size = max(1, sum(tensor.numel() * tensor.element_size() for tensor in tensors))
            steps = max(1, min(MAX_STEPS, MAX_BYTES // size))
            self._chunks.append([tensor.new_empty((steps, *tensor.shape)) for tensor in tensors])
            self._num_steps.append(0)
        for chunk, tensor in zip(self._chunks[-1], tensors, strict=True):
            chunk[self._num_steps[-1]].copy_(tensor)
        self._num_steps[-1] += 1

    def drain(self) -> Iterator[tuple[Tensor, ...]]:
        """Yields the tensors of each step, `(...)`, in order, and frees the memory of those that were yielded."""
        while self._chunks:
            chunks, num_steps = self._chunks.pop(0), self._num_steps.pop(0)
            for step in range(num_steps):
                yield tuple(chunk[step] for chunk in chunks)

    def _fits(self, tensors: Sequence[Tensor]) -> bool:
        if not self._chunks or self._num_steps[-1] == len(self._chunks[-1][0]):
            return False
        return all(chunk.shape[1:] == tensor.shape for chunk, tensor in zip(self._chunks[-1], tensors, strict=True))


@dataclass(frozen=True)
class PaddedHypotheses:
    """M hypotheses of a search as tensors, padded to the length T of the longest hypothesis.

    Attributes:
        ids: Target tokens, `(T, M)` int64.
        log_probs: Log-probability of each token, `(T, M)`.
        rows: Row of the decoding step's batch in which each token was chosen, `(T, M)` int64; its attention weights are
            in this row.
        lengths: Number of tokens of each hypothesis, `(M,)` int64.
        scores: Score of each hypothesis, `(M,)`.
        finished: Whether each hypothesis ends with eos, `(M,)` bool.
        src_len: Length of each hypothesis's source sentence with eos, `(M,)` int64.
    """

    ids: Tensor
    log_probs: Tensor
    rows: Tensor
    lengths: Tensor
    scores: Tensor
    finished: Tensor
    src_len: Tensor


def build_hypotheses(padded: PaddedHypotheses, weights: Iterable[StepAttention]) -> list[Hypothesis]:
    """Converts hypotheses in padded tensors to a list of `Hypothesis` objects.

    Args:
        padded: M hypotheses as padded tensors.
        weights: Attention weights of each decoding step; empty if they were not requested.

    Returns:
        M hypotheses, in the order of the tensors, with their attention weights in CPU memory.
    """
    layers = [layer.cpu() for layer in _stack(padded.rows, weights)]
    ids, log_probs = padded.ids.T.tolist(), padded.log_probs.T.tolist()
    scores, finished = padded.scores.tolist(), padded.finished.tolist()
    src_len = padded.src_len.tolist()
    hypotheses = []
    for number, length in enumerate(padded.lengths.tolist()):
        matrices = tuple(_copy_part(layer[number, :, :length, : src_len[number]], layer) for layer in layers)
        hypotheses.append(
            Hypothesis(
                tuple(ids[number][:length]),
                scores[number],
                tuple(log_probs[number][:length]),
                matrices,
                finished[number],
            )
        )
    return hypotheses


def mean_attention(output: StepOutput) -> Tensor:
    """Mean of a step's attention weights over layers and heads, `(R, S)`, R = rows; `output` must have weights."""
    return torch.stack([layer.mean(1) for layer in output.weights]).mean(0)


def _copy_part(part: Tensor, layer: Tensor) -> Tensor:
    """A copy of a part of a layer, since a view would keep the matrices of the whole batch in memory."""
    return part if part.numel() == layer.numel() else part.clone()


def _stack(rows: Tensor, weights: Iterable[StepAttention]) -> list[Tensor]:
    """The attention of M hypotheses, one `(M, H, T, S)` per layer; `weights` is read step by step."""
    layers: list[Tensor] = []
    for step, (step_rows, attention) in enumerate(zip(rows, weights, strict=False)):
        if not layers:
            layers = [x.new_empty((len(step_rows), x.shape[1], len(rows), x.shape[2])) for x in attention]
        for layer, x in zip(layers, attention, strict=True):
            layer[:, :, step] = x.index_select(0, step_rows)
    return layers
