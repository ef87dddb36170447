"""An endless stream of batches whose position can be saved and restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from regard.data.bucket import BatchPlan
from regard.data.collate import collate
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.data.mixture import CorpusShare, Mixture
from regard.data.positions import check_has_pairs, check_same_stream, check_skip
from regard.data.source_noise import SourceNoise
from regard.errors import CheckpointError
from regard.values import Batch, Specials


class BatchStream:
    """Endless iterator over training batches, with new batches in a new order in each epoch.

    At the start of each epoch, a new segmentation is sampled if the corpus was made with `sample_alpha`, and batches
    are planned for the new lengths. A batch depends only on the constructor arguments, the epoch and the batch's number
    in the epoch.

    Attributes:
        corpus: The training corpus, in its best segmentation.
        batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
        seed: Random seed of the batches, their order and sampled segmentations.
        specials: Ids of the special tokens.
        guided_links: Word links of the corpus for guided alignment; None = no guided alignment.
        noise: Alters the sources of a share of the pairs; None = no pair is altered.
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
        self.mixture = Mixture(shares, seed=seed) if shares else None
        self._start_epoch(0)

    def _start_epoch(self, epoch: int) -> None:
        seed = int(np.random.SeedSequence((self.seed % 2**64, epoch)).generate_state(1)[0])
        self._resampled = self.corpus.resample(seed)
        if self.noise is not None:
            self._resampled = self.noise.apply(self._resampled, seed=self.seed, epoch=epoch)
        # Lengths of a plan include eos.
        lens = self._resampled.src_lens + 1, self._resampled.tgt_lens + 1
        plan = BatchPlan(*lens, batch_tokens=self.batch_tokens, seed=self.seed, mixture=self.mixture)
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
        """Moves past batches without making their tensors, also beyond the end of the epoch.

        Args:
            count: Number of batches, at least 0. The stream continues as after as many calls of `next`.

        Raises:
            ShapeError: `count` is negative.
        """
        check_skip(count)
        while count > len(self._batches) - self._batch:
            count -= len(self._batches) - self._batch
            self._start_epoch(self._epoch + 1)
        self._batch += count

    def _identity(self) -> dict[str, int]:
        return {"num_pairs": len(self.corpus), "batch_tokens": self.batch_tokens, "seed": self.seed}

    def __iter__(self) -> Iterator[Batch]:
        """Returns the stream itself, which is an iterator."""
        return self

    def __next__(self) -> Batch:
        """Makes the next batch; after the last batch of an epoch, the first of the next."""
        if self._batch == len(self._batches):
            self._start_epoch(self._epoch + 1)
        rows = self._batches[self._batch]
        self._batch += 1
        src, tgt = [self._resampled.src_ids(row) for row in rows], [self._resampled.tgt_ids(row) for row in rows]
        batch = collate(src, tgt, specials=self.specials, indices=rows)
        return (
            batch
            if self.guided_links is None
            else replace(batch, alignment_targets=self.guided_links.alignment_targets(rows, src, tgt))
        )
