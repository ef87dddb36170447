"""Any number of sentences of any length: batches of like length, several searched at once, results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from regard.data.collate import collate
from regard.errors import SearchError
from regard.model.decoder import StepModel
from regard.search.attention_filter import EVERYTHING, AttentionFilter
from regard.search.beam import BeamOptions, beam_search
from regard.search.greedy import greedy_search
from regard.search.log_probs import NotFiniteError
from regard.search.sample import SampleOptions, sample
from regard.search.score import force_decode
from regard.search.shortlist import Shortlist, full_ids, places, with_shortlist
from regard.search.workers import in_parallel, rest_threads_after_fork
from regard.values import Batch, Hypothesis, Specials

ResultT = TypeVar("ResultT")
ROWS, POSITIONS, CELLS = 64, 20_000, 4_000_000
"""Sentences in a batch, padded source positions of all its beams, and cells of its attention, at most."""


class Engine(Protocol):
    """What finds translations, in ids: regard's own searches, or another library's."""

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions | SampleOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
    ) -> list[list[Hypothesis]]:
        """Translates sources of any lengths.

        Args:
            sources: Ids without eos.
            limits: The most tokens of each translation, eos among them.
            options: Of a beam search (greedy with a beam of 1), or of sampling.
            need_weights: Whether attention is wanted.
            need_scores: Whether scores are wanted; if not, they may be NaN where they would cost something.

        Returns:
            For each source its hypotheses, best first.

        Raises:
            SearchError: The options are impossible here, or the model's numbers are not finite.
        """
        ...

    def force(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, kept: AttentionFilter = EVERYTHING
    ) -> list[Hypothesis]:
        """Reads translations that are given.

        Args:
            sources: Ids without eos.
            targets: As many translations, without bos and eos.
            kept: What is kept of the attention.

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
        self._shortlist: Shortlist | None = None
        self._home = os.getpid()

    def with_shortlist(self, shortlist: Shortlist) -> StepEngine:
        """The same engine for searches that say only what a shortlist lets them say.

        Args:
            shortlist: For the model's vocabularies.

        Returns:
            A new engine; it forces given translations as before.
        """
        engine = copy(self)
        engine._shortlist = shortlist
        return engine

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions | SampleOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
    ) -> list[list[Hypothesis]]:
        """See `Engine.search`."""
        copies = options.num_samples if isinstance(options, SampleOptions) else options.beam
        if isinstance(options, SampleOptions) and self._shortlist is not None:
            raise SearchError("sampling draws from the whole vocabulary: leave out the shortlist")

        def find(rows: list[int]) -> list[list[Hypothesis]]:
            batch = self._collate([sources[row] for row in rows])
            most = torch.tensor([limits[row] for row in rows], device=self._device)
            if isinstance(options, SampleOptions):
                return self._draw(batch, most, options, first=rows[0], need_weights=need_weights)
            if self._shortlist is None:
                return self._find(self._model, batch, most, options, self._tgt_specials, need_weights)
            src = self._src_specials
            allowed = self._shortlist.allowed(batch.src_ids.masked_fill(batch.src_ids == src.pad, src.eos))
            words = self._shortlist.words(allowed)
            model, specials = with_shortlist(self._model, words, allowed), places(self._tgt_specials, words)
            return full_ids(self._find(model, batch, most, options, specials, need_weights), words)

        return self._in_batches(find, [len(source) + 1 for source in sources], beam=copies)

    def _draw(
        self, batch: Batch, most: Tensor, options: SampleOptions, *, first: int, need_weights: bool
    ) -> list[list[Hypothesis]]:
        """Samples for a batch, whose first sentence gives it random numbers of its own."""
        generator = torch.Generator(self._device).manual_seed(options.seed)
        generator.manual_seed(int(torch.randint(1 << 62, (first + 1,), generator=generator, device=self._device)[-1]))
        return sample(
            self._model,
            batch.src_ids,
            batch.src_len,
            max_len=most,
            specials=self._tgt_specials,
            generator=generator,
            options=options,
            need_weights=need_weights,
        )

    def _find(
        self, model: StepModel, batch: Batch, most: Tensor, options: BeamOptions, specials: Specials, need_weights: bool
    ) -> list[list[Hypothesis]]:
        """The hypotheses of a batch."""
        if options.beam == 1 and not options.coverage_penalty:
            found = greedy_search(
                model,
                batch.src_ids,
                batch.src_len,
                max_len=most,
                specials=specials,
                length_penalty=options.length_penalty,
                min_len=options.min_len,
                need_weights=need_weights,
            )
            return [[one] for one in found]
        return beam_search(
            model,
            batch.src_ids,
            batch.src_len,
            max_len=most,
            specials=specials,
            options=options,
            need_weights=need_weights,
        )

    def force(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, kept: AttentionFilter = EVERYTHING
    ) -> list[Hypothesis]:
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
                kept=kept.of,
            )

        lengths = [len(src) + len(tgt) for src, tgt in zip(sources, targets, strict=True)]
        areas = [len(src) * len(tgt) for src, tgt in zip(sources, targets, strict=True)]
        return self._in_batches(read, lengths, beam=1, areas=areas)

    def _collate(self, sources: Sequence[Sequence[int]]) -> Batch:
        return collate(sources, None, specials=self._src_specials).to(self._device)

    def _in_batches(
        self,
        work: Callable[[list[int]], list[ResultT]],
        lengths: Sequence[int],
        *,
        beam: int,
        areas: Sequence[int] = (),
    ) -> list[ResultT]:
        """What `work` makes of each row, in the order of all rows."""

        def named(rows: list[int]) -> list[ResultT]:
            try:
                return work(rows)
            except NotFiniteError as error:  # it knows the row of its batch only
                raise NotFiniteError(rows[error.sentence], error.step) from None

        rest_threads_after_fork(self._home)
        batches = length_sorted(lengths, beam=beam, areas=areas)
        found: dict[int, ResultT] = {}
        for rows, results in zip(batches, in_parallel(named, batches, workers=self._workers), strict=True):
            found.update(zip(rows, results, strict=True))
        return [found[row] for row in range(len(lengths))]


def length_sorted(lengths: Sequence[int], *, beam: int, areas: Sequence[int] = ()) -> list[list[int]]:
    """Batches of like length, first ever longer ones, then ever shorter ones.

    The longest needs the most memory. When its turn comes, nearly all that the search keeps is there already (products
    that oneDNN compiled), so that the first window of a long input needs as much as any. The shortest come last, so
    that all workers end at about the same time.

    Args:
        lengths: Positions of each row.
        beam: Copies of each row.
        areas: Cells of a matrix of each row's attention, where that is kept.

    Returns:
        Numbers of the rows in each batch.
    """
    batches: list[list[int]] = []
    widest = 0
    for row in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        batch = batches[-1] if batches else []
        widest = max(widest, areas[row]) if areas else 0
        rows = len(batch) + 1
        if not batch or rows > ROWS or rows * lengths[batch[0]] * beam > POSITIONS or rows * widest > CELLS:
            batches.append(batch := [])
            widest = areas[row] if areas else 0
        batch.append(row)
    return [*batches[1::2][::-1], *batches[::2]]
