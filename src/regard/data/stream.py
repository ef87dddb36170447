"""An endless stream of batches that knows where it is and can go on from there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from regard.data.bucket import Batches, BatchPlan
from regard.data.collate import Ids, collate
from regard.data.corpus import Corpus
from regard.text.subword import Subword
from regard.values import Batch, Specials


class Resegmenter:
    """Cuts sentences anew each time they are seen (subword regularisation, Kudo 2018).

    Args:
        corpus: The text.
        src_subword: The source's vocabulary.
        tgt_subword: The target's vocabulary.
        alpha: Smoothing of the sampled segmentation.
    """

    def __init__(self, corpus: Corpus, src_subword: Subword, tgt_subword: Subword, *, alpha: float) -> None:
        self.corpus = corpus
        self.src_subword = src_subword
        self.tgt_subword = tgt_subword
        self.alpha = alpha

    def __call__(self, rows: list[int]) -> tuple[list[list[int]], list[list[int]]]:
        """Freshly sampled source and target ids of these sentences."""
        pairs = [self.corpus.pairs[row] for row in rows]
        src = self.src_subword.encode_ids([pair.src for pair in pairs], sample_alpha=self.alpha)
        return src, self.tgt_subword.encode_ids([pair.tgt for pair in pairs], sample_alpha=self.alpha)


class BatchStream:
    """Batches without end, epoch after epoch.

    Args:
        corpus: What to read.
        batch_tokens: Padded tokens a batch at most, on either side.
        seed: Decides batches and their order.
        specials: Ids that are not text.
        resegment: Cuts sentences anew each time; None = always the best segmentation.
    """

    def __init__(
        self, corpus: Corpus, *, batch_tokens: int, seed: int, specials: Specials, resegment: Resegmenter | None = None
    ) -> None:
        self.corpus = corpus
        self.specials = specials
        self.resegment = resegment
        # eos makes every sentence one longer
        self.plan = BatchPlan(corpus.src.lengths + 1, corpus.tgt.lengths + 1, batch_tokens=batch_tokens, seed=seed)
        self._move(0, 0)

    def _move(self, epoch: int, position: int) -> None:
        self._epoch, self._position = epoch, position
        self._batches: Batches = self.plan.epoch(epoch)

    @property
    def batches_per_epoch(self) -> int:
        """Batches in the present epoch."""
        return len(self._batches)

    @property
    def epoch(self) -> float:
        """Epochs done, with the part of the present one."""
        return self._epoch + self._position / len(self._batches)

    def state(self) -> dict[str, int]:
        """Where the stream is."""
        return {"epoch": self._epoch, "position": self._position}

    def restore(self, state: dict[str, int]) -> None:
        """Goes to where a stream of the same corpus, size and seed was."""
        self._move(int(state["epoch"]), int(state["position"]))

    def __iter__(self) -> Iterator[Batch]:
        """The stream itself."""
        return self

    def __next__(self) -> Batch:
        """The next batch."""
        if self._position == len(self._batches):
            self._move(self._epoch + 1, 0)
        rows = self._batches[self._position].tolist()
        self._position += 1
        src: list[Ids]
        tgt: list[Ids]
        if self.resegment is None:
            src, tgt = [self.corpus.src[row] for row in rows], [self.corpus.tgt[row] for row in rows]
        else:
            sampled = self.resegment(rows)
            src, tgt = list(sampled[0]), list(sampled[1])
        return collate(src, tgt, specials=self.specials, indices=rows)
