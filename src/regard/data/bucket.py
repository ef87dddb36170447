"""Batches of sentences of similar lengths: little padding, every sentence once per epoch, reproducible by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from regard.errors import ConfigError, ShapeError

Lengths = Sequence[int] | NDArray[np.integer]

_NOISE = 1.25
# Upper bound of the noise added to source lengths before sorting, so that each epoch groups other sentences.


@dataclass(frozen=True, eq=False)
class Batches(Sequence[tuple[int, ...]]):
    """The batches of one epoch; each is a tuple of sentence numbers.

    Attributes:
        order: `(N,)` int64, all sentence numbers, batch by batch.
        starts: `(batches,)` int64, index in `order` of the start of each batch.
        ends: `(batches,)` int64, index in `order` of the end of each batch, exclusive.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> tuple[int, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> Batches: ...

    def __getitem__(self, index: int | slice) -> tuple[int, ...] | Batches:
        """Sentence numbers of one batch, or a range of batches for a slice."""
        if isinstance(index, slice):
            return Batches(self.order, self.starts[index], self.ends[index])
        return tuple(self.order[self.starts[index] : self.ends[index]].tolist())

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """Iterates over the batches."""
        return (self[i] for i in range(len(self)))


class BatchPlan:
    """Groups sentences into batches by length.

    Sentences are sorted by target length and then by source length plus a little noise, so that each epoch groups other
    sentences. The sorted sequence is cut where a padded batch would exceed the limit.

    Attributes:
        src_lens: `(N,)` int64.
        tgt_lens: `(N,)` int64.
        batch_tokens: Padded tokens per batch on either side, at most.
        seed: Seed; seed and epoch number determine the batches.
    """

    def __init__(self, src_lens: Lengths, tgt_lens: Lengths, *, batch_tokens: int, seed: int) -> None:
        """Stores the lengths.

        Args:
            src_lens: `(N,)`, source lengths including eos.
            tgt_lens: `(N,)`, target lengths including eos.
            batch_tokens: Padded tokens per batch on either side, at most. A longer sentence forms a batch alone.
            seed: Any number.

        Raises:
            ShapeError: The numbers of source and target lengths differ.
            ConfigError: `batch_tokens` is not positive.
        """
        self.src_lens = np.asarray(src_lens, dtype=np.int64)
        self.tgt_lens = np.asarray(tgt_lens, dtype=np.int64)
        if self.src_lens.shape != self.tgt_lens.shape:
            raise ShapeError(
                f"expected as many target as source lengths, got {self.src_lens.size} and {self.tgt_lens.size}"
            )
        if batch_tokens < 1:
            raise ConfigError(f"train.batch_tokens: expected at least 1, got {batch_tokens}")
        self.batch_tokens = batch_tokens
        self.seed = seed
        self._widths = np.maximum(np.maximum(self.src_lens, self.tgt_lens), 1)

    def epoch(self, number: int) -> Batches:
        """Batches of an epoch, in random order.

        Args:
            number: Number of the epoch, from 0.

        Returns:
            The batches; together they contain every sentence exactly once.
        """
        rng = np.random.default_rng((self.seed % 2**64, number))
        order = self._sort(rng)
        bounds = self._cut(order)
        shuffled = rng.permutation(len(bounds) - 1)
        return Batches(order, bounds[:-1][shuffled], bounds[1:][shuffled])

    def _sort(self, rng: np.random.Generator) -> NDArray[np.int64]:
        src = self.src_lens + rng.uniform(0, _NOISE, len(self.src_lens))
        step = float(self.src_lens.max(initial=0)) + _NOISE + 1.0
        # Source lengths fall for odd target lengths and rise for even ones, so that a batch with two target lengths has
        # similar source lengths.
        key = self.tgt_lens * step + np.where(self.tgt_lens % 2, step - src, src)
        # Stable, so that equal keys give the same order on every machine.
        return np.argsort(key, kind="stable")

    def _cut(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Start of each batch, and the end of the last: each batch takes as many sentences as fit."""
        widths = self._widths[order]
        bounds = [0]
        while bounds[-1] < len(order):
            start = bounds[-1]
            limit = self.batch_tokens // int(widths[start])
            widest = np.maximum.accumulate(widths[start : start + limit])
            padded = widest * np.arange(1, len(widest) + 1)
            bounds.append(start + max(1, int(np.searchsorted(padded, self.batch_tokens, side="right"))))
        return np.array(bounds, dtype=np.int64)
