"""Any number of sentences of any length: batches of like length, several searched at once, results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import torch

from regard.data.collate import collate
from regard.model.decoder import StepModel
from regard.search.beam import BeamOptions, beam_search
from regard.search.greedy import greedy_search
from regard.search.log_probs import NotFiniteError
from regard.search.score import force_decode
from regard.search.workers import in_parallel
from regard.values import Batch, Hypothesis, Specials

ResultT = TypeVar("ResultT")
ROWS, POSITIONS = 64, 20_000
"""Sentences in a batch, and padded source positions of all its beams, at most."""


class Engine(Protocol):
    """What finds translations, in ids: regard's own searches, or another library's."""

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
    ) -> list[list[Hypothesis]]:
        """Translates sources of any lengths.

        Args:
            sources: Ids without eos.
            limits: The most tokens of each translation, eos among them.
            options: Width and penalties.
            need_weights: Whether attention is wanted.
            need_scores: Whether scores are wanted; if not, they may be NaN where they would cost something.

        Returns:
            For each source its hypotheses, best first.

        Raises:
            SearchError: The options are impossible here, or the model's numbers are not finite.
        """
        ...

    def force(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[Hypothesis]:
        """Reads translations that are given.

        Args:
            sources: Ids without eos.
            targets: As many translations, without bos and eos.

        Returns:
            For each pair one finished hypothesis with attention; its score is the sum of the log-probabilities.

        Raises:
            SearchError: This engine cannot, or the model's numbers are not finite.
        """
        ...


class StepEngine:
    """regard's own searches over any step model.

    Args:
        model: In evaluation mode.
        src_specials: Ids of the source that are not text.
        tgt_specials: Ids of the target that are not text.
        device: Where the model is.
        workers: Batches at once; as many as torch has threads when not given, one on a GPU.
    """

    def __init__(
        self,
        model: StepModel,
        *,
        src_specials: Specials,
        tgt_specials: Specials,
        device: str = "cpu",
        workers: int | None = None,
    ) -> None:
        self._model = model
        self._src_specials = src_specials
        self._tgt_specials = tgt_specials
        self._device = device
        # A GPU is shared by all threads: its batches wait for one another anyway.
        self._workers = workers or (0 if device == "cpu" else 1)

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
    ) -> list[list[Hypothesis]]:
        """See `Engine.search`."""

        def find(rows: list[int]) -> list[list[Hypothesis]]:
            batch = self._collate([sources[row] for row in rows])
            most = torch.tensor([limits[row] for row in rows], device=self._device)
            if options.beam == 1 and not options.coverage_penalty:
                found = greedy_search(
                    self._model,
                    batch.src_ids,
                    batch.src_len,
                    max_len=most,
                    specials=self._tgt_specials,
                    length_penalty=options.length_penalty,
                    min_len=options.min_len,
                    need_weights=need_weights,
                )
                return [[one] for one in found]
            return beam_search(
                self._model,
                batch.src_ids,
                batch.src_len,
                max_len=most,
                specials=self._tgt_specials,
                options=options,
                need_weights=need_weights,
            )

        return self._in_batches(find, [len(source) + 1 for source in sources], beam=options.beam)

    def force(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[Hypothesis]:
        """See `Engine.force`."""

        def read(rows: list[int]) -> list[Hypothesis]:
            batch = self._collate([sources[row] for row in rows])
            return force_decode(
                self._model,
                batch.src_ids,
                batch.src_len,
                [targets[row] for row in rows],
                specials=self._tgt_specials,
                need_weights=True,
            )

        lengths = [len(src) + len(tgt) for src, tgt in zip(sources, targets, strict=True)]
        return self._in_batches(read, lengths, beam=1)

    def _collate(self, sources: Sequence[Sequence[int]]) -> Batch:
        return collate(sources, None, specials=self._src_specials).to(self._device)

    def _in_batches(
        self, work: Callable[[list[int]], list[ResultT]], lengths: Sequence[int], *, beam: int
    ) -> list[ResultT]:
        """What `work` makes of each row, in the order of all rows."""

        def named(rows: list[int]) -> list[ResultT]:
            try:
                return work(rows)
            except NotFiniteError as error:  # it knows the row of its batch only
                raise NotFiniteError(rows[error.sentence], error.step) from None

        batches = list(like_length(lengths, beam=beam))
        found: dict[int, ResultT] = {}
        for rows, results in zip(batches, in_parallel(named, batches, workers=self._workers), strict=True):
            found.update(zip(rows, results, strict=True))
        return [found[row] for row in range(len(lengths))]


def like_length(lengths: Sequence[int], *, beam: int) -> Iterator[list[int]]:
    """Batches of like length, the longest first: what does not fit in memory fails at once.

    Args:
        lengths: Positions of each row.
        beam: Copies of each row.

    Yields:
        Numbers of the rows in a batch.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batch and (len(batch) == ROWS or (len(batch) + 1) * lengths[batch[0]] * beam > POSITIONS):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
