"""Random segmentations of the sentences of one batch, independent of earlier random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regard.data.corpus import Resampling

Ids = NDArray[np.int32]
Texts = tuple[str, str]
Sides = tuple[Ids, Ids]

_NUM_MEASURED = 512
"""Sentence pairs on which it is measured how much longer sampled segmentations are."""
_QUANTILE = 0.9


class BatchSampler:
    """Samples a random subword segmentation of each sentence of a batch (Kudo 2018).

    A segmentation depends only on the text, the seed, the epoch and the row number of the sentence pair.

    Attributes:
        options: Vocabularies, strength of the sampling, and largest length.
        seed: Random seed.
    """

    def __init__(self, options: Resampling, *, seed: int) -> None:
        """Makes a sampler.

        Args:
            options: Vocabularies, strength of the sampling, and largest length.
            seed: Random seed, any integer.
        """
        self.options = options
        self.seed = seed

    def sample(
        self, rows: Sequence[int], texts: Sequence[Texts], best: Sequence[Sides], *, epoch: int, batch_tokens: int
    ) -> list[Sides]:
        """Samples segmentations of the pairs of a batch.

        A sentence keeps its best segmentation if the sampled one is longer than `options.max_len`, or so long that the
        padded batch would exceed `batch_tokens`.

        Args:
            rows: Row numbers of the B pairs in the corpus.
            texts: Source and target text of each pair.
            best: Source and target ids of each pair in the best segmentation.
            epoch: Number of the epoch.
            batch_tokens: Largest number of source tokens, and of target tokens, of the batch, including padding and one
                special token per sentence.

        Returns:
            Source and target ids of each pair, without special tokens.
        """
        limit = min(self.options.max_len, batch_tokens // max(1, len(rows)) - 1)
        return [
            self._pair(pair, ids, (self.seed % 2**64, epoch, row), limit)
            for row, pair, ids in zip(rows, texts, best, strict=True)
        ]

    def length_factors(self, texts: Sequence[Texts], best: Sequence[Sides]) -> tuple[float, float]:
        """Measures how much longer sampled segmentations are than the best ones, to plan batches that fit.

        Args:
            texts: Source and target text of some pairs.
            best: Source and target ids of the same pairs in the best segmentation.

        Returns:
            Factors for sources and for targets, at least 1: for 90 % of the sentences, the sampled segmentation is at
            most this factor longer than the best.
        """
        sampled = self.sample(range(len(texts)), texts, best, epoch=0, batch_tokens=2**62)
        factors = [
            float(
                np.quantile(
                    [len(new[side]) / max(1, len(old[side])) for new, old in zip(sampled, best, strict=True)], _QUANTILE
                )
            )
            for side in (0, 1)
        ]
        return max(1.0, round(factors[0], 3)), max(1.0, round(factors[1], 3))

    def _pair(self, texts: Texts, best: Sides, key: tuple[int, int, int], limit: int) -> Sides:
        src_seed, tgt_seed = np.random.SeedSequence(key).generate_state(2, np.uint64).tolist()
        options = self.options
        [src] = options.src_subword.encode_ids([texts[0]], sample_alpha=options.alpha, seed=src_seed)
        [tgt] = options.tgt_subword.encode_ids([texts[1]], sample_alpha=options.alpha, seed=tgt_seed)
        return (
            best[0] if len(src) > limit else np.array(src, dtype=np.int32),
            best[1] if len(tgt) > limit else np.array(tgt, dtype=np.int32),
        )


def measured_rows(num_pairs: int) -> NDArray[np.int64]:
    """Row numbers of up to 512 pairs, evenly spread over a corpus, to measure `BatchSampler.length_factors` on."""
    return np.unique(np.linspace(0, num_pairs - 1, min(num_pairs, _NUM_MEASURED)).round().astype(np.int64))
