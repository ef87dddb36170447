"""How often an epoch contains the sentence pairs of each corpus: whole repetitions, and a changing part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from regard.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CorpusShare:
    """A corpus of a mixture, whose sentence pairs have consecutive row numbers.

    Attributes:
        num_rows: Number of its sentence pairs.
        weight: Mean number of times that an epoch contains each of its pairs, more than 0.
    """

    num_rows: int
    weight: float = 1.0


class Mixture:
    """The sentence pairs of each epoch of a training on several corpora with weights.

    A weight of 2.3 gives every pair of a corpus twice in each epoch, and 30 % of them once more. This part follows a
    random order of the pairs, so that each epoch takes the pairs after those of the epoch before. After any number of
    epochs, no two pairs of a corpus differ by more than one in the number of times they were used.

    Attributes:
        shares: The corpora, in the order of their row numbers.
        seed: Random seed; seed and epoch number determine the rows of an epoch.
    """

    def __init__(self, shares: Sequence[CorpusShare], *, seed: int) -> None:
        """Makes a mixture of corpora.

        Args:
            shares: The corpora, in the order of their row numbers.
            seed: Random seed, any integer.

        Raises:
            ConfigError: A weight is not positive.
        """
        for share in shares:
            if not share.weight > 0:
                raise ConfigError(
                    f"CorpusShare.weight: expected more than 0, got {share.weight:g}: leave the corpus out instead"
                )
        self.shares = tuple(shares)
        self.seed = seed

    @property
    def is_plain(self) -> bool:
        """Whether every epoch contains each sentence pair exactly once."""
        return all(share.weight == 1 for share in self.shares)

    def rows(self, epoch: int) -> NDArray[np.int64]:
        """Row numbers of the sentence pairs of an epoch.

        Args:
            epoch: Number of the epoch, from 0.

        Returns:
            Row numbers in increasing order, `(num_rows,)` int64; a row that an epoch contains several times is
            repeated.
        """
        counts = [self._counts(number, share, epoch) for number, share in enumerate(self.shares)]
        every = np.concatenate([np.zeros(0, dtype=np.int64), *counts])
        return np.repeat(np.arange(len(every)), every)

    def _counts(self, number: int, share: CorpusShare, epoch: int) -> NDArray[np.int64]:
        """Number of times that an epoch contains each pair of a corpus."""
        weight = Fraction(repr(float(share.weight)))  # as the user wrote it: 0.29 of 100 pairs are 29
        whole = int(weight)
        counts = np.full(share.num_rows, whole, dtype=np.int64)
        size = share.num_rows
        start, end = (int((weight - whole) * size * (epoch + later)) for later in (0, 1))
        while start < end:  # at most two turns: the part may continue in the next order of the pairs
            order = np.random.default_rng((self.seed % 2**64, number, start // size)).permutation(size)
            stop = min(end, (start // size + 1) * size)
            counts[order[start % size : start % size + stop - start]] += 1
            start = stop
        return counts
