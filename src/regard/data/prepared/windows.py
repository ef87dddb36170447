"""Plans batches of a corpus of any size in constant memory, one part (window) of an epoch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from regard.data.bucket import Batches, BatchPlan
from regard.data.mixture import CorpusShare, Mixture
from regard.data.prepared.epochs import EpochRows

WINDOW_SIZE = 1 << 20
"""Largest number of sentence pairs of a window, a part of an epoch whose batches are planned together."""


class Lengths(Protocol):
    """Protocol of a corpus that returns the lengths of its sentences, such as `PreparedCorpus`."""

    def __len__(self) -> int:
        """Number of sentence pairs."""
        ...

    def lengths(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Source and target lengths of the pairs with these row numbers, in subwords without special tokens."""
        ...


class WindowPlan:
    """Plans the batches of each epoch, one window (part of the epoch) at a time.

    An epoch is an exact shuffle of the whole corpus, cut into windows of equal size. Within a window, pairs are sorted
    by length and cut into batches as by `BatchPlan`, and the batches are shuffled. An epoch that fits into one window
    has the batches that `BatchPlan` makes of the corpus.

    Attributes:
        batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
        seed: Random seed; seed, epoch and window determine the batches.
        window_size: Largest number of pairs of a window.
    """

    def __init__(
        self,
        corpus: Lengths,
        shares: Sequence[CorpusShare],
        *,
        batch_tokens: int,
        seed: int,
        length_factors: tuple[float, float] = (1.0, 1.0),
        window_size: int = WINDOW_SIZE,
    ) -> None:
        """Makes a plan.

        Args:
            corpus: The corpus, of which only the lengths are read.
            shares: Size and weight of each of the corpora that make up `corpus`, in order.
            batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
            seed: Random seed, any integer.
            length_factors: Factors for source and target lengths. Batches are planned as if sentences were longer by
                these factors, to leave room for sampled segmentations, which may be longer than those of the corpus.
            window_size: Largest number of pairs of a window.

        Raises:
            ConfigError: `batch_tokens` or a weight is not positive.
        """
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.window_size = window_size
        self._corpus = corpus
        self._length_factors = length_factors
        self._mixture = Mixture(shares, seed=seed)
        self._epochs = EpochRows(shares, seed=seed)
        self._fits = max(len(corpus), *(self._epochs.size(epoch) for epoch in (0, 1))) <= window_size

    def num_windows(self, epoch: int) -> int:
        """Number of windows, parts of the shuffled epoch whose batches are planned separately."""
        return 1 if self._fits else -(-self._epochs.size(epoch) // self.window_size)

    def window(self, epoch: int, number: int) -> Batches:
        """Plans the batches of a window, a part of the shuffled epoch.

        Args:
            epoch: Number of the epoch, from 0.
            number: Number of the window in the epoch, from 0.

        Returns:
            The batches, in random order. All windows of an epoch together contain each pair once, or, if corpora have
            weights, as often as the weight of its corpus says.
        """
        if self._fits:
            rows = np.arange(len(self._corpus))
            return self._plan(rows, self.seed, self._mixture).epoch(epoch)
        size, count = self._epochs.size(epoch), self.num_windows(epoch)
        rows = self._epochs.rows(epoch, number * size // count, (number + 1) * size // count)
        seed = int(np.random.SeedSequence((self.seed % 2**64, epoch)).generate_state(1, np.uint64)[0])
        batches = self._plan(rows, seed, None).epoch(number)
        return Batches(rows[batches.order], batches.starts, batches.ends)

    def _plan(self, rows: NDArray[np.int64], seed: int, mixture: Mixture | None) -> BatchPlan:
        # Lengths of a plan include eos.
        src_lens, tgt_lens = (
            np.ceil(lens * factor).astype(np.int32) + 1 if factor != 1.0 else lens + 1
            for lens, factor in zip(self._corpus.lengths(rows), self._length_factors, strict=True)
        )
        return BatchPlan(src_lens, tgt_lens, batch_tokens=self.batch_tokens, seed=seed, mixture=mixture)
