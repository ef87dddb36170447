"""An endless stream of batches whose position can be saved and restored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from regard.data.bucket import BatchPlan
from regard.data.collate import collate
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.errors import CheckpointError, DataError
from regard.values import Batch, Specials


class BatchStream:
    """Endless iterator over batches, with another order in each epoch.

    Before each epoch, a corpus that was encoded with `sample_alpha` is resampled, and batches are planned for the new
    lengths. A batch depends only on the arguments, the epoch and its number in the epoch.

    Attributes:
        corpus: The corpus, in its best segmentation.
        batch_tokens: Padded tokens per batch on either side, at most.
        seed: Seed of batches, their order and sampled segmentations.
        specials: Special ids.
        guided_links: Word links of the corpus for guided alignment, if any.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        batch_tokens: int,
        seed: int,
        specials: Specials,
        guided_links: GuidedLinks | None = None,
    ) -> None:
        """Starts at the first batch.

        Args:
            corpus: The corpus.
            batch_tokens: Padded tokens per batch on either side, at most.
            seed: Seed, any integer.
            specials: Special ids.
            guided_links: Word links of the corpus; if given, every batch has alignment targets.

        Raises:
            DataError: The corpus is empty.
            ConfigError: `batch_tokens` is not positive.
        """
        if not len(corpus):
            raise DataError("expected sentence pairs to make batches of, got an empty corpus")
        self.corpus = corpus
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.specials = specials
        self.guided_links = guided_links
        self._start_epoch(0)

    def _start_epoch(self, epoch: int) -> None:
        seed = int(np.random.SeedSequence((self.seed % 2**64, epoch)).generate_state(1)[0])
        self._resampled = self.corpus.resample(seed)
        # Lengths of a plan include eos.
        lens = self._resampled.src_lens + 1, self._resampled.tgt_lens + 1
        self._batches = BatchPlan(*lens, batch_tokens=self.batch_tokens, seed=self.seed).epoch(epoch)
        self._epoch, self._batch = epoch, 0

    @property
    def batches_per_epoch(self) -> int:
        """Batches in the current epoch; other epochs may have a few more or less."""
        return len(self._batches)

    @property
    def epoch(self) -> float:
        """Number of epochs done, including the fraction of the current one."""
        return self._epoch + self._batch / len(self._batches)

    def state(self) -> dict[str, int]:
        """Position and identity of the stream: `epoch`, `batch`, `num_pairs`, `batch_tokens` and `seed`."""
        return {"epoch": self._epoch, "batch": self._batch, **self._identity()}

    def restore(self, state: dict[str, int]) -> None:
        """Moves to a saved position; the following batches are the same as in the stream that saved it.

        Args:
            state: Result of `state` of that stream.

        Raises:
            CheckpointError: That stream had another corpus, batch size or seed.
        """
        for name, value in self._identity().items():
            if state.get(name) != value:
                raise CheckpointError(
                    f"the training to resume had {name} = {state.get(name)}, but now it is {value}, so batches would "
                    "differ: use the same corpus and settings, or start a new training"
                )
        epoch, batch = state.get("epoch", -1), state.get("batch", -1)
        if epoch >= 0 and epoch != self._epoch:
            self._start_epoch(epoch)
        if epoch < 0 or not 0 <= batch <= len(self._batches):
            raise CheckpointError(
                f"expected a position in a stream of {len(self._batches)} batches per epoch, got epoch {epoch}, batch "
                f"{batch}: the training state is damaged or belongs to another corpus"
            )
        self._batch = batch

    def _identity(self) -> dict[str, int]:
        return {"num_pairs": len(self.corpus), "batch_tokens": self.batch_tokens, "seed": self.seed}

    def __iter__(self) -> Iterator[Batch]:
        """The stream itself."""
        return self

    def __next__(self) -> Batch:
        """The next batch."""
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
