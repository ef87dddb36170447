"""An endless stream of batches that knows where it is and can go on from there."""

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
    """Batches without end, epoch after epoch, each epoch in another order.

    A corpus that was encoded with a `sample_alpha` is cut anew before each epoch, and its batches are planned
    for these lengths. What a batch holds depends on the arguments, the epoch and its number there alone.

    Attributes:
        corpus: What is read, as it was given.
        batch_tokens: Padded tokens a batch at most, on either side.
        seed: Decides batches, their order and sampled segmentations.
        specials: Ids that are not text.
        guidance: Word links of the corpus that go with every batch, if any.
    """

    def __init__(
        self, corpus: Corpus, *, batch_tokens: int, seed: int, specials: Specials, guidance: GuidedLinks | None = None
    ) -> None:
        """Begins at the first batch.

        Args:
            corpus: What to read.
            batch_tokens: Padded tokens a batch at most, on either side.
            seed: Any number.
            specials: Ids that are not text.
            guidance: Word links of the corpus that shall go with every batch.

        Raises:
            DataError: When the corpus is empty.
            ConfigError: When `batch_tokens` is not positive.
        """
        if not len(corpus):
            raise DataError("expected sentence pairs to make batches of, got an empty corpus")
        self.corpus = corpus
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.specials = specials
        self.guided_links = guidance
        self._begin(0)

    def _begin(self, epoch: int) -> None:
        seed = int(np.random.SeedSequence((self.seed % 2**64, epoch)).generate_state(1)[0])
        self._cut = self.corpus.resample(seed)
        # eos makes every sentence one longer
        lens = self._cut.src_lens + 1, self._cut.tgt_lens + 1
        self._batches = BatchPlan(*lens, batch_tokens=self.batch_tokens, seed=self.seed).epoch(epoch)
        self._epoch, self._batch = epoch, 0

    @property
    def batches_per_epoch(self) -> int:
        """Batches in the present epoch; the next may have a few more or less."""
        return len(self._batches)

    @property
    def epoch(self) -> float:
        """Epochs done, with the part of the present one."""
        return self._epoch + self._batch / len(self._batches)

    def state(self) -> dict[str, int]:
        """Where the stream is, and of what: `epoch`, `batch`, `num_pairs`, `batch_tokens` and `seed`."""
        return {"epoch": self._epoch, "batch": self._batch, **self._identity()}

    def restore(self, state: dict[str, int]) -> None:
        """Goes to where another stream of the same corpus was: the batches that follow are the same.

        Args:
            state: What that stream's `state` gave.

        Raises:
            CheckpointError: When that stream had another corpus, batch size or seed.
        """
        for name, mine in self._identity().items():
            if state.get(name) != mine:
                raise CheckpointError(
                    f"the training to go on with had {name} = {state.get(name)}, but now it is {mine}, and the batches "
                    "are others: use the same corpus and settings, or train anew"
                )
        epoch, batch = state.get("epoch", -1), state.get("batch", -1)
        if epoch >= 0 and epoch != self._epoch:
            self._begin(epoch)
        if epoch < 0 or not 0 <= batch <= len(self._batches):
            raise CheckpointError(
                f"expected a place in a stream of {len(self._batches)} batches an epoch, got epoch {epoch}, batch "
                f"{batch}: the training state is damaged or of another corpus"
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
            self._begin(self._epoch + 1)
        rows = self._batches[self._batch]
        self._batch += 1
        src, tgt = [self._cut.src_ids(row) for row in rows], [self._cut.tgt_ids(row) for row in rows]
        batch = collate(src, tgt, specials=self.specials, indices=rows)
        if self.guided_links is None:
            return batch
        return replace(batch, alignment_targets=self.guided_links.alignment_targets(rows, src, tgt))
