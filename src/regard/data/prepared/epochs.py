"""Computes which sentence pairs of one or several corpora an epoch has, in random order and constant memory."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from regard.data.mixture import CorpusShare
from regard.data.prepared.permutation import Permutation

_AT_ONCE = 1 << 16
"""Positions whose rows are computed together."""
_ORDER, _USE = 1, 2
# First part of the keys of permutations: the order of an epoch, and the order in which a corpus is used up.


class EpochRows:
    """Computes which sentence pairs each epoch contains, and in which order, without storing them.

    A corpus with weight 2.3 contributes 2.3 times its number of pairs to an epoch. All pairs of a corpus are used once
    before any of them is used again, and each epoch continues where the epoch before stopped. So the numbers of times
    that two pairs of a corpus were used never differ by more than 1. The pairs of all corpora are shuffled together.

    Attributes:
        shares: Number of pairs and weight of each corpus; the first corpus has the first row numbers, and so on.
        seed: Random seed; seed and epoch number determine the rows and their order.
    """

    def __init__(self, shares: Sequence[CorpusShare], *, seed: int) -> None:
        """Stores the corpora and the seed; rows are computed by `rows`.

        Args:
            shares: Number of pairs and weight (more than 0) of each corpus, in the order of their row numbers.
            seed: Random seed, any integer.
        """
        self.shares = tuple(shares)
        self.seed = seed
        self._starts = np.cumsum([0, *(share.num_rows for share in self.shares)])

    def size(self, epoch: int) -> int:
        """Number of sentence pairs of an epoch, each counted as often as it is used."""
        return sum(last - first for first, last in self._uses(epoch))

    def rows(self, epoch: int, start: int, stop: int) -> NDArray[np.int64]:
        """Row numbers of the sentence pairs at consecutive positions in the random order of an epoch.

        Args:
            epoch: Number of the epoch, from 0.
            start: First position, from 0.
            stop: Position after the last, at most `size(epoch)`.

        Returns:
            Row number of each pair, counted through all corpora from 0, `(stop - start,)` int64.
        """
        uses = self._uses(epoch)
        bounds = np.cumsum([0, *(last - first for first, last in uses)])
        permutation = Permutation(int(bounds[-1]), _ORDER, self.seed, epoch)
        rows = np.empty(stop - start, dtype=np.int64)
        for begin in range(start, stop, _AT_ONCE):  # each step makes several copies
            end = min(stop, begin + _AT_ONCE)
            numbers = permutation(np.arange(begin, end))
            block = rows[begin - start : end - start]
            corpora = np.searchsorted(bounds, numbers, side="right") - 1
            for corpus, (first, _) in enumerate(uses):
                of_corpus = corpora == corpus
                block[of_corpus] = self._used(corpus, numbers[of_corpus] - bounds[corpus] + first)
        return rows

    def _uses(self, epoch: int) -> list[tuple[int, int]]:
        """For each corpus, the part of its sequence that an epoch takes."""
        # The weight as the user wrote it: 0.29 of 100 pairs are 29.
        rates = [Fraction(repr(float(share.weight))) * share.num_rows for share in self.shares]
        return [(int(rate * epoch), int(rate * (epoch + 1))) for rate in rates]

    def _used(self, corpus: int, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers at these positions of the sequence of a corpus."""
        size = self.shares[corpus].num_rows
        if not size:
            return numbers
        if self.shares[corpus].weight == int(self.shares[corpus].weight):  # whole turns need no order of their own
            in_turn: NDArray[np.int64] = numbers % size + self._starts[corpus]
            return in_turn
        rows = np.empty_like(numbers)
        turns = numbers // size
        for turn in np.unique(turns).tolist():
            of_turn = turns == turn
            permutation = Permutation(size, _USE, self.seed, corpus, turn)
            rows[of_turn] = permutation(numbers[of_turn] % size) + self._starts[corpus]
        return rows
