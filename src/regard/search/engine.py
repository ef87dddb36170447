"""Search over any number of sentences: batches of similar length, several at a time, results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import replace
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from regard.data.collate import collate
from regard.errors import SearchError
from regard.model.decoder import StepModel
from regard.search.attention_filter import KEEP_ALL, AttentionFilter
from regard.search.batching import length_sorted
from regard.search.beam import BeamOptions, beam_search
from regard.search.constrained_beam import MIN_BEAM, TermConstraints, constrained_beam_search
from regard.search.diverse import diverse_beam_search
from regard.search.greedy import greedy_search
from regard.search.log_probs import NotFiniteError
from regard.search.next_words import WordTokens
from regard.search.parallel import in_parallel, limit_threads_after_fork
from regard.search.prefix import WordEnd, check_prefixes
from regard.search.restricted import RestrictedModel
from regard.search.sample import SampleOptions, sample
from regard.search.score import force_decode
from regard.search.shortlist import Shortlist
from regard.search.term_batch import SearchConstraints
from regard.values import Batch, Hypothesis, Specials

ResultT = TypeVar("ResultT")


class Engine(Protocol):
    """Interface of engines that find translations, as token ids: regard's own search, or another library."""

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions | SampleOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
        prefixes: Sequence[Sequence[int]] | None = None,
        word_end: WordEnd | None = None,
        constraints: SearchConstraints | None = None,
    ) -> list[list[Hypothesis]]:
        """Translates source sentences, of any number and any lengths.

        Args:
            sources: Token ids of each source sentence, without eos.
            limits: Largest number of tokens of the translation of each sentence, eos included.
            options: Options of beam search (a beam of 1 is greedy search), or of sampling.
            need_weights: Whether to return attention weights.
            need_scores: Whether scores are needed; if not, an engine may return NaN to save time.
            prefixes: Token ids that the translations of each sentence must begin with, without bos; empty for none.
            word_end: Masks of the tokens that may not follow a prefix directly, because they would lengthen its last
                word, for engines that can exclude them; None = every token may.
            constraints: Terms that the translations must and must not contain; None = no constraints.

        Returns:
            The hypotheses of each sentence: of beam search, the best first; of sampling, in the order they were drawn.
            Their tokens, scores and attention include those of the prefix.

        Raises:
            SearchError: The engine does not support the options, a prefix is as long as its limit or contains special
                tokens, or the model's logits are not finite.
        """
        ...

    def force(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        attention_filter: AttentionFilter | None = KEEP_ALL,
    ) -> list[Hypothesis]:
        """Computes log-probabilities and attention weights of given translations (forced decoding).

        Args:
            sources: Token ids of each source sentence, without eos.
            targets: Token ids of the translation of each source sentence, without bos and eos.
            attention_filter: Filter that selects which attention weights to return; by default all; None = none.

        Returns:
            One finished hypothesis per sentence pair; its score is the sum of its tokens' log-probabilities.

        Raises:
            SearchError: The engine does not support forced decoding, or the model's logits are not finite.
        """
        ...


class StepEngine:
    """Engine that runs regard's own searches over a model or an ensemble.

    Args:
        model: The model, in evaluation mode.
        src_specials: Ids of the special tokens in the source vocabulary.
        tgt_specials: Ids of the special tokens in the target vocabulary.
        device: Device of the model, such as `cpu` or `cuda`.
        workers: Number of batches translated in parallel; by default the number of PyTorch's threads, or 1 on a GPU.
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
        # All threads share the GPU, so their batches would wait for each other.
        self._workers = workers or (0 if device == "cpu" else 1)
        self._shortlist: Shortlist | None = None
        self._source_prefix: tuple[int, ...] = ()
        self._before_step: Callable[[], None] | None = None
        self._process = os.getpid()

    def with_shortlist(self, shortlist: Shortlist) -> StepEngine:
        """Makes an engine for the same model whose searches are restricted to a lexical shortlist.

        Args:
            shortlist: Shortlist for the model's vocabularies.

        Returns:
            A new engine. Its method `force` does not use the shortlist.
        """
        engine = copy(self)
        engine._shortlist = shortlist
        return engine

    def with_source_prefix(self, prefix: Sequence[int]) -> StepEngine:
        """Makes an engine for the same model that puts tokens before each source sentence.

        Args:
            prefix: Ids of the tokens, such as that of a tag.

        Returns:
            A new engine. The attention weights that it returns leave out these tokens.
        """
        engine = copy(self)
        engine._source_prefix = tuple(prefix)
        return engine

    def observed(self, before_step: Callable[[], None]) -> StepEngine:
        """Makes an engine for the same model that calls a function before each decoder step.

        Args:
            before_step: Function to call. It may search with the same model in the same thread. An exception that it
                raises ends the search.

        Returns:
            A new engine, which searches in the calling thread.
        """
        engine = copy(self)
        engine._before_step = before_step
        engine._workers = 1
        return engine

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions | SampleOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
        prefixes: Sequence[Sequence[int]] | None = None,
        word_end: WordEnd | None = None,
        constraints: SearchConstraints | None = None,
    ) -> list[list[Hypothesis]]:
        """Translates sentences, given as token ids, in parallel threads. For all arguments, see `Engine.search`."""
        with_terms = set() if constraints is None else constraints.rows()
        self._check(options, len(sources), with_terms=bool(with_terms))
        if prefixes is not None:
            check_prefixes(prefixes, limits, self._tgt_specials)

        def search_rows(rows: list[int]) -> list[list[Hypothesis]]:
            batch = self._collate([sources[row] for row in rows])
            max_len = torch.tensor([limits[row] for row in rows], device=self._device)
            batch_prefixes = [prefixes[row] for row in rows] if prefixes else []
            terms = constraints.batch(rows) if constraints is not None and rows[0] in with_terms else None
            needed = terms.needed_tokens() if terms else []
            restricted = self._shortlisted(batch, batch_prefixes, needed)
            if any(batch_prefixes):
                restricted = restricted.with_prefixes(batch_prefixes, word_end, device=self._device)
            restricted = self._restricted(
                restricted, options, [(len(sources[row]), limits[row]) for row in rows], exempt=needed
            )
            prepared = terms.prepare(restricted.token_ids, max_len, batch_prefixes) if terms else None
            own = options.of_rows(rows) if isinstance(options, SampleOptions) else options
            found = _search_batch(restricted, batch, max_len, own, need_weights=need_weights, terms=prepared)
            return [without_columns(row, len(self._source_prefix)) for row in restricted.full_ids(found)]

        copies = options.num_samples if isinstance(options, SampleOptions) else options.beam
        return self._in_batches(
            search_rows,
            [len(source) + 1 for source in sources],
            beam=max(copies, MIN_BEAM) if with_terms else copies,
            apart=with_terms,
        )

    def _check(self, options: BeamOptions | SampleOptions, num_sentences: int, *, with_terms: bool) -> None:
        if isinstance(options, BeamOptions):
            if with_terms and options.groups > 1:
                raise SearchError("groups (diverse beam search) cannot use a glossary or terms: leave one of them out")
            return
        if self._shortlist is not None:
            raise SearchError(
                "sampling draws from the whole vocabulary and cannot use a shortlist: leave out the shortlist"
            )
        if with_terms:
            raise SearchError("sampling cannot use a glossary or terms: leave them out, or the options of sampling")
        options.check_streams(num_sentences)

    def next_words(
        self, source: Sequence[int], prefix: Sequence[int], *, count: int, limit: int, words: WordTokens
    ) -> list[tuple[int, ...]]:
        """Finds the most probable next words after a prefix of a translation.

        Args:
            source: Ids of the source tokens, without eos.
            prefix: Ids of the target tokens before the word, without bos.
            count: Largest number of words to find.
            limit: Largest number of tokens of the translation, eos included.
            words: Which tokens of the target vocabulary begin a word and which continue one.

        Returns:
            The ids of up to `count` different words, the most probable first.

        Raises:
            SearchError: `prefix` is as long as `limit` or contains special tokens, the model's logits are not finite,
                or `count` is below 1.
        """
        check_prefixes([prefix], [limit], self._tgt_specials)
        limit_threads_after_fork(self._process)
        batch = self._collate([source])
        model = self._observed(self._shortlisted(batch, [prefix]))
        return model.next_words(batch.src_ids, prefix, count=count, max_len=limit, words=words)

    def _shortlisted(
        self, batch: Batch, prefixes: Sequence[Sequence[int]] = (), terms: Sequence[Sequence[int]] = ()
    ) -> RestrictedModel:
        """The model for a batch, restricted to its shortlist and the tokens of prefixes and of terms."""
        model = RestrictedModel(self._model, self._tgt_specials)
        if self._shortlist is None:
            return model
        src = self._src_specials
        src_ids = batch.src_ids.masked_fill(batch.src_ids == src.pad, src.eos)
        return model.with_shortlist(self._shortlist, src_ids, prefixes, terms)

    def _restricted(
        self,
        model: RestrictedModel,
        options: BeamOptions | SampleOptions,
        lengths: Sequence[tuple[int, int]],
        *,
        exempt: Sequence[Sequence[int]],
    ) -> RestrictedModel:
        """The model with the restrictions of a search, and observed; `lengths` are those of sources, and limits."""
        if options.depends_on_tokens:
            minima = [options.minimum(length, limit) for length, limit in lengths]
            model = model.with_restrictions(options.restrictions, minima=minima, exempt=exempt, device=self._device)
        return self._observed(model)

    def _observed(self, model: RestrictedModel) -> RestrictedModel:
        return model if self._before_step is None else model.observed(self._before_step)

    def force(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        attention_filter: AttentionFilter | None = KEEP_ALL,
    ) -> list[Hypothesis]:
        """Computes log-probabilities and attention weights of given translations, in parallel threads.

        Sources and targets are token ids without bos and eos. The result has a hypothesis per pair, in their order. For
        all arguments, see `Engine.force`.
        """
        unrestricted = self._observed(RestrictedModel(self._model, self._tgt_specials))

        def force_batch(rows: list[int]) -> list[Hypothesis]:
            batch = self._collate([sources[row] for row in rows])
            forced = force_decode(
                unrestricted.model,
                batch.src_ids,
                batch.src_len,
                [targets[row] for row in rows],
                specials=self._tgt_specials,
                need_weights=attention_filter is not None,
                attention_filter=(attention_filter or KEEP_ALL).apply,
            )
            return without_columns(forced, len(self._source_prefix))

        lengths = [len(src) + len(tgt) for src, tgt in zip(sources, targets, strict=True)]
        areas = [len(src) * len(tgt) for src, tgt in zip(sources, targets, strict=True)]
        return self._in_batches(force_batch, lengths, beam=1, areas=areas if attention_filter is not None else ())

    def _collate(self, sources: Sequence[Sequence[int]]) -> Batch:
        if self._source_prefix:
            sources = [[*self._source_prefix, *source] for source in sources]
        batch = collate(sources, None, specials=self._src_specials)
        return batch if self._device == "cpu" else batch.to(self._device)

    def _in_batches(
        self,
        process: Callable[[list[int]], list[ResultT]],
        lengths: Sequence[int],
        *,
        beam: int,
        areas: Sequence[int] = (),
        apart: AbstractSet[int] = frozenset(),
    ) -> list[ResultT]:
        """Processes all rows in batches, those in `apart` in batches of their own; returns the results by row."""

        def process_batch(rows: list[int]) -> list[ResultT]:
            try:
                return process(rows)
            except NotFiniteError as error:  # its sentence number is the row of the batch
                raise NotFiniteError(rows[error.sentence], error.step) from None

        limit_threads_after_fork(self._process)
        if apart:
            groups = [row for row in range(len(lengths)) if row not in apart], sorted(apart)
            batches = [
                [group[number] for number in batch]
                for group in groups
                for batch in length_sorted([lengths[row] for row in group], beam=beam)
            ]
        else:
            batches = length_sorted(lengths, beam=beam, areas=areas)
        by_row: dict[int, ResultT] = {}
        for rows, results in zip(batches, in_parallel(process_batch, batches, workers=self._workers), strict=True):
            by_row.update(zip(rows, results, strict=True))
        return [by_row[row] for row in range(len(lengths))]


def without_columns(hypotheses: Sequence[Hypothesis], count: int) -> list[Hypothesis]:
    """Removes the attention weights of the first source tokens from hypotheses.

    Args:
        hypotheses: Hypotheses of one or of several sentences.
        count: Number of source tokens whose attention weights are removed.

    Returns:
        The hypotheses, with attention weights `(H, T, S - count)` per layer.
    """
    if not count:
        return list(hypotheses)
    return [replace(found, weights=tuple(layer[..., count:] for layer in found.weights)) for found in hypotheses]


def _search_batch(
    restricted: RestrictedModel,
    batch: Batch,
    max_len: Tensor,
    options: BeamOptions | SampleOptions,
    *,
    need_weights: bool,
    terms: TermConstraints | None = None,
) -> list[list[Hypothesis]]:
    """Translates a batch by the search that its options ask for; the hypotheses have the ids of the model."""
    model, specials = restricted.model, restricted.specials
    sources = batch.src_ids, batch.src_len
    if isinstance(options, SampleOptions):
        return sample(model, *sources, max_len=max_len, specials=specials, options=options, need_weights=need_weights)
    if terms is not None:
        wide = replace(options, beam=max(options.beam, MIN_BEAM))
        return constrained_beam_search(
            model, *sources, max_len=max_len, specials=specials, constraints=terms, options=wide,
            need_weights=need_weights,
        )  # fmt: skip
    if options.beam == 1 and not options.coverage_penalty:
        hypotheses = greedy_search(
            model, *sources, max_len=max_len, specials=specials, length_penalty=options.length_penalty,
            min_len=options.min_len, need_weights=need_weights,
        )  # fmt: skip
        return [[hypothesis] for hypothesis in hypotheses]
    search = beam_search if options.groups == 1 else diverse_beam_search
    return search(model, *sources, max_len=max_len, specials=specials, options=options, need_weights=need_weights)
