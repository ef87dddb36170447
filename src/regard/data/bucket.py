"""Batches of sentences of similar lengths: little padding, every sentence once per epoch, reproducible by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from regard.data.mixture import Mixture
from regard.errors import ConfigError, ShapeError

Lengths = Sequence[int] | NDArray[np.integer]

_NOISE = 1.25
# Upper bound of the noise added to source lengths before sorting, so that each epoch groups other sentences.


@dataclass(frozen=True, eq=False)
class Batches(Sequence[tuple[int, ...]]):
    """The batches of one epoch, each a tuple of the row numbers of its sentence pairs in the corpus.

    Attributes:
        order: Row numbers of the N sentence pairs of the epoch, sorted by length, `(N,)` int64. Each pair of the corpus
            occurs once, or with a weighted mixture of corpora as often as its weight says.
        starts: Index in `order` of each batch's first row number, `(num_batches,)` int64, in the order of training.
        ends: Index in `order` after each batch's last row number, `(num_batches,)` int64.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of batches in the epoch."""
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> tuple[int, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> Batches: ...

    def __getitem__(self, index: int | slice) -> tuple[int, ...] | Batches:
        """Row numbers of the sentence pairs of one batch; for a slice, the batches in this range."""
        if isinstance(index, slice):
            return Batches(self.order, self.starts[index], self.ends[index])
        return tuple(self.order[self.starts[index] : self.ends[index]].tolist())

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """Iterates over the batches, each a tuple of the row numbers of its sentence pairs in the corpus."""
        return (self[i] for i in range(len(self)))


class BatchPlan:
    """Groups sentence pairs of similar lengths into batches, differently in each epoch.

    Pairs are sorted by target length, and then by source length plus a little random noise, so that each epoch groups
    other pairs. The sorted sequence is cut where a padded batch would exceed the limit.

    Attributes:
        src_lens: Source lengths of the N sentence pairs with eos, `(N,)` int32.
        tgt_lens: Target lengths of the N sentence pairs with eos, `(N,)` int32.
        batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
        seed: Random seed; seed and epoch number determine the batches.
        mixture: Weights of several corpora, which say how often an epoch contains each pair; None = once.
    """

    def __init__(
        self, src_lens: Lengths, tgt_lens: Lengths, *, batch_tokens: int, seed: int, mixture: Mixture | None = None
    ) -> None:
        """Plans batches for sentence pairs of given lengths.

        Args:
            src_lens: Source lengths with eos, `(N,)`.
            tgt_lens: Target lengths with eos, `(N,)`.
            batch_tokens: Largest number of source tokens, and of target tokens, with padding. A longer sentence forms
                a batch alone.
            seed: Random seed, any integer.
            mixture: Weights of several corpora, which say how often an epoch contains each pair; None = once.

        Raises:
            ShapeError: The numbers of source and target lengths differ, or the mixture is for another number of pairs.
            ConfigError: `batch_tokens` is not positive.
        """
        self.src_lens = np.asarray(src_lens, dtype=np.int32)
        self.tgt_lens = np.asarray(tgt_lens, dtype=np.int32)
        if self.src_lens.shape != self.tgt_lens.shape:
            raise ShapeError(
                f"expected as many target lengths as source lengths, got {self.tgt_lens.size} target lengths and "
                f"{self.src_lens.size} source lengths: pass one of each per sentence pair"
            )
        if batch_tokens < 1:
            raise ConfigError(f"train.batch_tokens: expected at least 1, got {batch_tokens}: raise it, or leave it out")
        if mixture is not None and sum(share.num_rows for share in mixture.shares) != self.src_lens.size:
            raise ShapeError(
                f"expected a mixture of corpora with {self.src_lens.size} sentence pairs in total, got "
                f"{sum(share.num_rows for share in mixture.shares)}: make the mixture from the numbers of pairs that "
                "the corpora have after filtering"
            )
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.mixture = mixture

    def epoch(self, number: int) -> Batches:
        """Makes the batches of an epoch, in random order.

        Args:
            number: Number of the epoch, from 0.

        Returns:
            The batches, which together contain every sentence pair exactly once, or as often as the mixture says.
        """
        rng = np.random.default_rng((self.seed % 2**64, number))
        # None = all rows once: no copies of the lengths, and the same batches as without a mixture.
        rows = None if self.mixture is None or self.mixture.is_plain else self.mixture.rows(number)
        order = self._sort(rng, rows)
        bounds = self._cut(order)
        shuffled = rng.permutation(len(bounds) - 1)
        return Batches(order, bounds[:-1][shuffled], bounds[1:][shuffled])

    def _sort(self, rng: np.random.Generator, rows: NDArray[np.int64] | None) -> NDArray[np.int64]:
        # In place where possible: a window of prepared text has a million pairs, and so a copy has 8 MB.
        src_lens, tgt_lens = (lens if rows is None else lens[rows] for lens in (self.src_lens, self.tgt_lens))
        src = rng.uniform(0, _NOISE, len(src_lens))
        src += src_lens
        step = float(self.src_lens.max(initial=0)) + _NOISE + 1.0
        # Source lengths fall for odd target lengths and rise for even ones, so that a batch with two target lengths has
        # similar source lengths.
        np.subtract(step, src, out=src, where=(tgt_lens % 2).astype(np.bool_))
        key = tgt_lens * step
        key += src
        del src
        # Stable, so that equal keys give the same order on every machine.
        order = np.argsort(key, kind="stable")
        return order if rows is None else rows[order]

    def _cut(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Start of each batch, and the end of the last: each batch takes as many sentences as fit."""
        widths = np.maximum(self.src_lens[order], self.tgt_lens[order])
        np.maximum(widths, 1, out=widths)
        bounds = [0]
        while bounds[-1] < len(order):
            start = bounds[-1]
            limit = self.batch_tokens // int(widths[start])
            widest = np.maximum.accumulate(widths[start : start + limit])
            padded = widest * np.arange(1, len(widest) + 1)  # int64
            bounds.append(start + max(1, int(np.searchsorted(padded, self.batch_tokens, side="right"))))
        return np.array(bounds, dtype=np.int64)
