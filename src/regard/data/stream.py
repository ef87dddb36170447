"""An endless stream of batches whose position can be saved and restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from regard.data.ahead import BatchesAhead, Key
from regard.data.bucket import BatchPlan
from regard.data.collate import collate
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.data.mixture import CorpusShare, Mixture
from regard.data.positions import check_has_pairs, check_same_stream, check_skip
from regard.data.sampling import BatchSampler, Sides, measured_rows
from regard.data.source_noise import SourceNoise
from regard.data.source_terms import SourceTerms
from regard.errors import CheckpointError
from regard.values import Batch, Specials


class BatchStream:
    """Endless iterator over training batches, with new batches in a new order in each epoch.

    If the corpus was made with `sample_alpha`, a background thread makes the next batches, with a newly sampled
    segmentation of each sentence. Batches are then planned with room for segmentations longer than the best. A batch
    depends only on the constructor arguments, the epoch and the batch's number in the epoch.

    Attributes:
        corpus: The training corpus, in its best segmentation.
        batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
        seed: Random seed of the batches, their order and sampled segmentations.
        specials: Ids of the special tokens.
        guided_links: Word links of the corpus for guided alignment; None = no guided alignment.
        noise: Alters the sources of a share of the pairs; None = no pair is altered.
        terms: Inserts terms into the sources of a share of the pairs; None = none are inserted.
        mixture: How often an epoch contains the pairs of each of the corpora that make up `corpus`; None = once.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        batch_tokens: int,
        seed: int,
        specials: Specials,
        guided_links: GuidedLinks | None = None,
        shares: Sequence[CorpusShare] = (),
        noise: SourceNoise | None = None,
        terms: SourceTerms | None = None,
    ) -> None:
        """Makes a stream that starts at the first batch of the first epoch.

        Args:
            corpus: The training corpus.
            batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
            seed: Random seed, any integer.
            specials: Ids of the special tokens.
            guided_links: Word links of the corpus; if given, every batch has `alignment_targets`.
            shares: Size and weight of each of the corpora that make up `corpus`, in order; empty = each pair is used
                once per epoch.
            noise: Alters the sources of a share of the pairs; each epoch draws other pairs. None = no pair is altered.
            terms: Inserts terms into the sources of a share of the pairs, after the noise; None = none are inserted.

        Raises:
            DataError: The corpus is empty.
            ConfigError: `batch_tokens` is not positive.
        """
        check_has_pairs(corpus)
        self.corpus = corpus
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.specials = specials
        self.guided_links = guided_links
        self.noise = noise
        self.terms = terms
        self.mixture = Mixture(shares, seed=seed) if shares else None
        self._sampler = None if corpus.resampling is None else BatchSampler(corpus.resampling, seed=seed)
        self._length_factors = (1.0, 1.0) if self._sampler is None else self._measured_factors(self._sampler)
        self._ahead = BatchesAhead(self._make)
        self._start_epoch(0)

    def _start_epoch(self, epoch: int) -> None:
        self._ahead.clear()
        self._of_epoch = self.corpus
        self._altered: set[int] = set()
        for alteration in (self.noise, self.terms):
            if alteration is not None:
                self._of_epoch = alteration.apply(self._of_epoch, seed=self.seed, epoch=epoch)
                self._altered.update(alteration.rows(len(self.corpus), seed=self.seed, epoch=epoch).tolist())
        # Lengths of a plan include eos.
        src_lens, tgt_lens = (
            (lens if factor == 1.0 else np.ceil(lens * factor).astype(np.int64)) + 1
            for lens, factor in zip(
                (self._of_epoch.src_lens, self._of_epoch.tgt_lens), self._length_factors, strict=True
            )
        )
        plan = BatchPlan(src_lens, tgt_lens, batch_tokens=self.batch_tokens, seed=self.seed, mixture=self.mixture)
        self._batches = plan.epoch(epoch)
        self._epoch, self._batch = epoch, 0

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in the current epoch; other epochs may have a few more or less."""
        return len(self._batches)

    @property
    def epoch(self) -> float:
        """Number of completed epochs, plus the completed fraction of the current epoch."""
        return self._epoch + self._batch / len(self._batches)

    def state(self) -> dict[str, int]:
        """Position (`epoch`, `batch`) and settings (`num_pairs`, `batch_tokens`, `seed`), to save in a checkpoint."""
        return {"epoch": self._epoch, "batch": self._batch, **self._identity()}

    def restore(self, state: dict[str, int]) -> None:
        """Moves to a saved position, from which the stream continues like the stream that saved it.

        Args:
            state: Dictionary that the method `state` of the other stream returned.

        Raises:
            CheckpointError: The other stream had another corpus, batch size or seed, or the position is invalid.
        """
        check_same_stream(state, self._identity())
        epoch, batch = state.get("epoch", -1), state.get("batch", -1)
        if epoch >= 0 and epoch != self._epoch:
            self._start_epoch(epoch)
        if epoch < 0 or not 0 <= batch <= len(self._batches):
            raise CheckpointError(
                f"expected a position in a stream of {len(self._batches)} batches per epoch, got epoch {epoch}, batch "
                f"{batch}: the training state is damaged or belongs to another corpus; start a new training"
            )
        self._batch = batch

    def skip(self, count: int) -> None:
        """Skips batches without making their tensors, also across the end of an epoch.

        Args:
            count: Number of batches to skip, at least 0; the stream continues as it would after `count` calls of
                `next`.

        Raises:
            ShapeError: `count` is negative.
        """
        check_skip(count)
        while count > len(self._batches) - self._batch:
            count -= len(self._batches) - self._batch
            self._start_epoch(self._epoch + 1)
        self._batch += count

    def _identity(self) -> dict[str, int]:
        sampling = {} if self._sampler is None else {"sampling": 1}
        return {"num_pairs": len(self.corpus), "batch_tokens": self.batch_tokens, "seed": self.seed, **sampling}

    def __iter__(self) -> Iterator[Batch]:
        """Returns the stream itself, which is an iterator."""
        return self

    def __next__(self) -> Batch:
        """Returns the next batch; the last batch of an epoch is followed by the first batch of the next epoch."""
        if self._batch == len(self._batches):
            self._start_epoch(self._epoch + 1)
        number, self._batch = self._batch, self._batch + 1
        if self._sampler is None:
            return self._make((self._epoch,), self._batches[number])
        return self._ahead.take((self._epoch,), number, self._batches)

    def _make(self, part: Key, rows: tuple[int, ...]) -> Batch:
        sides = [(self._of_epoch.src_ids(row), self._of_epoch.tgt_ids(row)) for row in rows]
        if self._sampler is not None:
            sides = self._sampled(self._sampler, rows, sides, epoch=part[0])
        src, tgt = [src for src, _ in sides], [tgt for _, tgt in sides]
        batch = collate(src, tgt, specials=self.specials, indices=rows)
        return (
            batch
            if self.guided_links is None
            else replace(batch, alignment_targets=self.guided_links.alignment_targets(rows, src, tgt))
        )

    def _sampled(self, sampler: BatchSampler, rows: tuple[int, ...], best: list[Sides], *, epoch: int) -> list[Sides]:
        """Sampled segmentations of the pairs of a batch; a source with noise or terms stays as it is."""
        texts = [(self.corpus.pairs[row].src, self.corpus.pairs[row].tgt) for row in rows]
        sampled = sampler.sample(rows, texts, best, epoch=epoch, batch_tokens=self.batch_tokens)
        return [
            (old[0] if row in self._altered else new[0], new[1])
            for row, old, new in zip(rows, best, sampled, strict=True)
        ]

    def _measured_factors(self, sampler: BatchSampler) -> tuple[float, float]:
        rows = measured_rows(len(self.corpus)).tolist()
        texts = [(self.corpus.pairs[row].src, self.corpus.pairs[row].tgt) for row in rows]
        return sampler.length_factors(texts, [(self.corpus.src_ids(row), self.corpus.tgt_ids(row)) for row in rows])
