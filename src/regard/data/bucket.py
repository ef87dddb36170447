"""Batches of like length: little padding, every sentence once an epoch, the same seed the same batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Batches = list[NDArray[np.int64]]
Lengths = Sequence[int] | NDArray[np.int64]


class BatchPlan:
    """Which sentences go together.

    Sentences are sorted by target length, then source length, with a little noise so that each epoch mixes
    them anew; the sorted row is cut where the padded batch would grow beyond the limit.

    Args:
        src_lens: `(N,)`, source lengths with eos.
        tgt_lens: `(N,)`, target lengths with eos.
        batch_tokens: Padded tokens a batch at most, on either side. A longer sentence is a batch of its own.
        seed: Together with the epoch's number it decides all.
    """

    def __init__(self, src_lens: Lengths, tgt_lens: Lengths, *, batch_tokens: int, seed: int) -> None:
        self.src_lens = np.asarray(src_lens, dtype=np.int64)
        self.tgt_lens = np.asarray(tgt_lens, dtype=np.int64)
        self.batch_tokens = batch_tokens
        self.seed = seed

    def epoch(self, number: int) -> Batches:
        """The batches of an epoch, in the order in which they are seen.

        Args:
            number: 0, 1, …

        Returns:
            Sentence numbers, one array a batch; together every sentence exactly once.
        """
        rng = np.random.default_rng([self.seed, number])
        noise = rng.random(len(self.tgt_lens))
        order = np.lexsort((noise, self.src_lens, self.tgt_lens))
        batches = self._cut(order)
        return [batches[i] for i in rng.permutation(len(batches))]

    def _cut(self, order: NDArray[np.int64]) -> Batches:
        widths = np.maximum(self.src_lens, self.tgt_lens)[order]
        batches: Batches = []
        begin, widest = 0, 0
        for position, width in enumerate(widths.tolist()):
            widest = max(widest, width)
            if position > begin and (position - begin + 1) * widest > self.batch_tokens:
                batches.append(order[begin:position])
                begin, widest = position, width
        if len(order):
            batches.append(order[begin:])
        return batches
