"""Batches of like length: little padding, every sentence once an epoch, the same seed the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from regard.errors import ConfigError, ShapeError

Lengths = Sequence[int] | NDArray[np.integer]

_BLUR = 1.25
# Source lengths are blurred by up to so many subwords, so that each epoch mixes neighbors anew.


@dataclass(frozen=True, eq=False)
class Batches(Sequence[tuple[int, ...]]):
    """The batches of one epoch, each a tuple of sentence numbers, kept in two arrays.

    Attributes:
        order: `(N,)` int64, all sentence numbers, batch after batch.
        starts: `(batches,)` int64, where each batch begins in `order`.
        ends: `(batches,)` int64, where it ends.
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
        """The sentence numbers of one batch; a slice gives some of the batches."""
        if isinstance(index, slice):
            return Batches(self.order, self.starts[index], self.ends[index])
        return tuple(self.order[self.starts[index] : self.ends[index]].tolist())

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """One batch after the other."""
        return (self[i] for i in range(len(self)))


class BatchPlan:
    """Which sentences go together.

    Sentences of one target length are sorted by source length (a little blurred, so that each epoch mixes them
    anew), and the row is cut where a padded batch would grow beyond the limit.

    Attributes:
        src_lens: `(N,)` int64.
        tgt_lens: `(N,)` int64.
        batch_tokens: Padded tokens a batch at most, on either side.
        seed: Together with an epoch's number it decides all.
    """

    def __init__(self, src_lens: Lengths, tgt_lens: Lengths, *, batch_tokens: int, seed: int) -> None:
        """Looks at the lengths.

        Args:
            src_lens: `(N,)`, source lengths with eos.
            tgt_lens: `(N,)`, target lengths with eos.
            batch_tokens: Padded tokens a batch at most, on either side. A longer sentence is a batch of its own.
            seed: Any number.

        Raises:
            ShapeError: When there are not as many source as target lengths.
            ConfigError: When `batch_tokens` is not positive.
        """
        self.src_lens = np.asarray(src_lens, dtype=np.int64)
        self.tgt_lens = np.asarray(tgt_lens, dtype=np.int64)
        if self.src_lens.shape != self.tgt_lens.shape:
            raise ShapeError(f"expected one target a source, got {self.src_lens.size} and {self.tgt_lens.size} lengths")
        if batch_tokens < 1:
            raise ConfigError(f"train.batch_tokens: expected at least 1, got {batch_tokens}")
        self.batch_tokens = batch_tokens
        self.seed = seed
        self._widths = np.maximum(np.maximum(self.src_lens, self.tgt_lens), 1)

    def epoch(self, number: int) -> Batches:
        """The batches of an epoch, in the order in which they are seen.

        Args:
            number: 0, 1, …

        Returns:
            Sentence numbers, one tuple a batch; together every sentence exactly once.
        """
        rng = np.random.default_rng((self.seed % 2**64, number))
        order = self._sort(rng)
        bounds = self._cut(order)
        shuffled = rng.permutation(len(bounds) - 1)
        return Batches(order, bounds[:-1][shuffled], bounds[1:][shuffled])

    def _sort(self, rng: np.random.Generator) -> NDArray[np.int64]:
        src = self.src_lens + rng.uniform(0, _BLUR, len(self.src_lens))
        step = float(self.src_lens.max(initial=0)) + _BLUR + 1.0
        # Up with one target length and down with the next: a batch that straddles two has like sources.
        key = self.tgt_lens * step + np.where(self.tgt_lens % 2, step - src, src)
        # Stable: where two keys are equal after all, every machine decides alike.
        return np.argsort(key, kind="stable")

    def _cut(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each batch begins, and where the last ends: each takes as many sentences as fit."""
        widths = self._widths[order]
        bounds = [0]
        while bounds[-1] < len(order):
            start = bounds[-1]
            at_most = self.batch_tokens // int(widths[start])
            widest = np.maximum.accumulate(widths[start : start + at_most])
            padded = widest * np.arange(1, len(widest) + 1)
            bounds.append(start + max(1, int(np.searchsorted(padded, self.batch_tokens, side="right"))))
        return np.array(bounds, dtype=np.int64)
