"""CTranslate2 as an engine: from source ids to hypotheses with regard's scores."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from regard.config.schema import Config
from regard.errors import ConfigError, SearchError
from regard.files.packages import require_package
from regard.interop.ctranslate2.check import check_model
from regard.interop.ctranslate2.spec import all_pieces, max_positions
from regard.interop.exported import Exported
from regard.search.attention_filter import KEEP_ALL, AttentionFilter
from regard.search.beam import BeamOptions
from regard.search.length_limits import LengthLimits
from regard.search.penalties import length_penalty
from regard.search.prefix import WordEnd, check_prefixes
from regard.search.sample import SampleOptions
from regard.search.term_batch import SearchConstraints
from regard.values import Hypothesis, Specials

if TYPE_CHECKING:
    import ctranslate2

MAX_PREFIXES, MIN_SENTENCES = 64, 16
"""Largest number of hypotheses in a batch, and smallest number of sentences in a batch, which takes precedence."""


class CTranslate2Engine:
    """Engine that translates token ids with a model loaded by CTranslate2.

    Args:
        path: Directory of a CTranslate2 model.
        src_pieces: Source subwords in the order of their ids.
        tgt_pieces: Target subwords in the order of their ids.
        specials: Ids of bos, eos, padding and unknown in the target vocabulary.
        precision: Number type of matrix products, such as `int8` or `float32`; `default` is the type of the stored
            weights.
        threads: Number of CPU threads; by default, PyTorch's number of threads.
        device: `cpu`, `cuda`, `cuda:N` or `auto`.

    Raises:
        ConfigError: CTranslate2 is not installed, cannot read the model, or does not support the precision or the
            device.
    """

    def __init__(
        self,
        path: str | Path,
        src_pieces: tuple[str, ...],
        tgt_pieces: tuple[str, ...],
        *,
        specials: Specials,
        precision: str = "default",
        threads: int | None = None,
        device: str = "auto",
    ) -> None:
        require_package("ctranslate2", to="translate with CTranslate2")
        import ctranslate2

        self._src_pieces, self._tgt_pieces = src_pieces, tgt_pieces
        self._tgt_ids = {piece: number for number, piece in enumerate(tgt_pieces)}
        self._specials = specials
        self._process_id = os.getpid()
        # One batch per thread is twice as fast as all threads on one batch.
        torch_threads = torch.get_num_threads()
        self._threads = threads or torch_threads
        device_type, _, number = device.partition(":")
        try:
            self._translator: ctranslate2.Translator = ctranslate2.Translator(
                str(path),
                device=device_type,
                device_index=int(number or 0),
                compute_type=precision,
                inter_threads=self._threads,
                intra_threads=1,
            )
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ConfigError(
                f"{path}: CTranslate2 cannot run this model with --precision {precision} on --device {device}: "
                f"{error}: choose another precision or device, or export the model again"
            ) from None
        finally:
            torch.set_num_threads(torch_threads)  # CTranslate2 changes it for the whole process

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
        """Translates source sentences of any lengths with CTranslate2's beam search.

        Args:
            sources: Token ids of each source sentence, without eos.
            limits: Largest number of tokens of each translation, including eos.
            options: Beam width, penalties and restrictions. CTranslate2 ranks hypotheses by `log P / length ** α`,
                regard by the length penalty of Wu et al. 2016, so the best hypothesis may differ; the returned scores
                are computed as in regard. CTranslate2's repetition penalty divides positive logits and multiplies
                negative ones, regard's multiplies log-probabilities.
            need_weights: Whether to return attention: one layer with one head, the mean of the last layer's heads.
            need_scores: Whether to return scores. If False, scores of a greedy search are NaN; leaving out the softmax
                over the vocabulary saves a twelfth of the time.
            prefixes: Token ids that the translations of each sentence must begin with; empty for none. Scores of
                translations with a prefix include no coverage penalty.
            word_end: Ignored: CTranslate2 may continue the last word of a prefix.
            constraints: Must be None: CTranslate2 cannot use them.

        Returns:
            Hypotheses of each source sentence, best first, without log-probabilities per token.

        Raises:
            SearchError: Sampling, diverse beam search, `min_len_ratio` or constraints were requested, a prefix is too
                long, this process was forked from the one that made the engine, or CTranslate2 failed.
        """
        options = _supported(options, constraints)
        self._check_process()
        if prefixes is not None:
            check_prefixes(prefixes, limits, self._specials)
        translate = partial(
            self._translate_batches,
            sources,
            limits=limits,
            options=options,
            need_weights=need_weights,
            need_scores=need_scores or options.beam > 1,
            prefixes=prefixes or [()] * len(sources),
        )
        results = translate(batches_by_limit(limits, beam=options.beam, threads=self._threads))
        # A batch has one limit. Rows that exceed their own are translated again with rows of the same limit: results do
        # not depend on the other rows of a batch.
        too_long: dict[int, list[int]] = {}
        for row, hypotheses in results.items():
            if any(len(hypothesis.ids) > limits[row] for hypothesis in hypotheses):
                too_long.setdefault(limits[row], []).append(row)
        results |= translate(list(too_long.values()))
        if need_scores and prefixes is not None:
            results |= self._scored(sources, {row: results[row] for row in results if prefixes[row]}, options)
        return [results[row] for row in range(len(sources))]

    def _check_process(self) -> None:
        if os.getpid() != self._process_id:
            raise SearchError(
                "this process was forked from the process that loaded the translator, and the threads of CTranslate2 "
                "do not exist in a forked process: load the translator in each process, or start processes with the "
                "method 'spawn'"
            )

    def force(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        attention_filter: AttentionFilter | None = KEEP_ALL,
    ) -> list[Hypothesis]:
        """Scores given translations; CTranslate2 does not return attention for them.

        Args:
            sources: Token ids of the source sentences, without eos.
            targets: Token ids of the translations, without bos and eos.
            attention_filter: Must be None (no attention); any other value, such as the default, is an error.

        Returns:
            One finished hypothesis per sentence pair, without attention.

        Raises:
            SearchError: `attention_filter` is not None, or this process was forked from the one that made the engine.
        """
        if attention_filter is not None:
            raise SearchError(
                "CTranslate2 cannot compute the attention of a given translation: load the regard model that was "
                "exported, instead of the export"
            )
        self._check_process()
        scores = self._translator.score_batch(
            [[self._src_pieces[i] for i in source] for source in sources],
            [[self._tgt_pieces[i] for i in target] for target in targets],
            max_batch_size=MAX_PREFIXES,
            max_input_length=0,
        )
        eos = self._specials.eos
        return [
            Hypothesis((*target, eos), math.fsum(score.log_probs), tuple(score.log_probs))
            for target, score in zip(targets, scores, strict=True)
        ]

    def _translate_batches(
        self,
        sources: Sequence[Sequence[int]],
        batches: Sequence[Sequence[int]],
        *,
        limits: Sequence[int],
        options: BeamOptions,
        need_weights: bool,
        need_scores: bool,
        prefixes: Sequence[Sequence[int]],
    ) -> dict[int, list[Hypothesis]]:
        """Hypotheses per row; the first row of each batch has its largest limit."""
        pending = []
        for rows in batches:
            results = self._translator.translate_batch(
                [[self._src_pieces[i] for i in sources[row]] for row in rows],
                [[self._tgt_pieces[i] for i in prefixes[row]] for row in rows] if any(prefixes) else None,
                asynchronous=True,
                beam_size=options.beam,
                num_hypotheses=options.n_best,
                length_penalty=options.length_penalty,
                coverage_penalty=options.coverage_penalty,
                max_decoding_length=limits[rows[0]],
                min_decoding_length=options.min_len,
                no_repeat_ngram_size=options.no_repeat_ngram,
                repetition_penalty=options.repetition_penalty,
                max_input_length=0,  # no truncation
                return_scores=need_scores,
                return_end_token=True,
                return_attention=need_weights,
            )
            pending += list(zip(rows, results, strict=True))
        try:
            return {row: self._read(result.result(), options) for row, result in pending}
        except (RuntimeError, ValueError, MemoryError) as error:  # the types that CTranslate2 raises
            raise SearchError(
                f"CTranslate2 failed to translate: {error}: if memory is short, translate fewer sentences at a time; "
                "otherwise export the model again"
            ) from None

    def _scored(
        self, sources: Sequence[Sequence[int]], results: Mapping[int, Sequence[Hypothesis]], options: BeamOptions
    ) -> dict[int, list[Hypothesis]]:
        """Hypotheses per row with the log-probability of all tokens; CTranslate2 omits those of a prefix."""
        pairs = [(row, hypothesis) for row, hypotheses in results.items() for hypothesis in hypotheses]
        texts = [hypothesis.ids[: len(hypothesis.ids) - hypothesis.finished] for _, hypothesis in pairs]
        scores = self._translator.score_batch(
            [[self._src_pieces[i] for i in sources[row]] for row, _ in pairs],
            [[self._tgt_pieces[i] for i in text] for text in texts],
            max_batch_size=MAX_PREFIXES,
            max_input_length=0,
        )
        scored: dict[int, list[Hypothesis]] = {row: [] for row in results}
        for (row, hypothesis), score in zip(pairs, scores, strict=True):
            length = len(hypothesis.ids)  # the score of an unfinished one has a term for eos
            total = math.fsum(score.log_probs[:length]) / length_penalty(float(length), options.length_penalty)
            scored[row].append(replace(hypothesis, score=total))
        return {row: sorted(hypotheses, key=lambda hypothesis: -hypothesis.score) for row, hypotheses in scored.items()}

    def _read(self, result: ctranslate2.TranslationResult, options: BeamOptions) -> list[Hypothesis]:
        hypotheses = []
        if any(math.isnan(score) for score in result.scores):
            raise SearchError("CTranslate2 returned NaN scores: its weights are damaged; export the model again")
        for number, pieces in enumerate(result.hypotheses):
            ids = tuple(self._tgt_ids[piece] for piece in pieces)
            weights = (_weights(result.attention[number]),) if result.attention else ()
            finished = bool(ids) and ids[-1] == self._specials.eos
            score = _rescored(result.scores[number], len(ids), options) if result.scores else math.nan
            hypotheses.append(Hypothesis(ids, score, (), weights, finished))
        return hypotheses if options.coverage_penalty else sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)


def batches_by_limit(limits: Sequence[int], *, beam: int, threads: int) -> list[list[int]]:
    """Forms batches of sentences with similar length limits; the batch with the largest limits comes first.

    Args:
        limits: Largest number of tokens of each translation.
        beam: Number of hypotheses per sentence.
        threads: Number of batches that are translated at the same time.

    Returns:
        Indices of the sentences of each batch.
    """
    order = sorted(range(len(limits)), key=lambda row: -limits[row])
    rows = rows_in_batch(len(order), beam=beam, threads=threads)
    return [order[start : start + rows] for start in range(0, len(order), rows)]


def rows_in_batch(rows: int, *, beam: int, threads: int) -> int:
    """Chooses the number of sentences per batch, so that all threads have equal work.

    Matrix products with few rows are slow, and the decoder state of a large batch does not fit into the CPU caches.

    >>> [rows_in_batch(rows, beam=1, threads=2) for rows in (0, 1, 2, 65, 1000)], rows_in_batch(1000, beam=5, threads=2)
    ([1, 1, 1, 33, 63], 16)

    Args:
        rows: Number of sentences to translate.
        beam: Number of hypotheses per sentence.
        threads: Number of batches that are translated at the same time.

    Returns:
        Number of sentences per batch, at least 1.
    """
    largest = max(MIN_SENTENCES, MAX_PREFIXES // beam)
    batches = -(-rows // (largest * threads)) * threads
    return -(-rows // batches) if rows else 1


def _supported(options: BeamOptions | SampleOptions, constraints: SearchConstraints | None) -> BeamOptions:
    """Refuses options that CTranslate2 does not have, or whose results would not be reproducible."""
    if constraints is not None:
        raise SearchError(
            "an export to CTranslate2 cannot include or exclude terms: load the regard model that was exported, or an "
            "export to ONNX"
        )
    if isinstance(options, SampleOptions):
        raise SearchError(
            "an export to CTranslate2 cannot sample translations, because equal seeds would not give equal results: "
            "load the regard model that was exported"
        )
    for is_given, name, remedy in (
        (options.groups > 1, "groups (diverse beam search)", "leave groups out"),
        (options.min_len_ratio > 0, "min_len_ratio", "give min_len in place of it"),
    ):
        if is_given:
            raise SearchError(
                f"an export to CTranslate2 does not support {name}: {remedy}, or load the regard model that was "
                "exported"
            )
    return options


def _rescored(score: float, length: int, options: BeamOptions) -> float:
    """Score with regard's length penalty; unchanged if it includes a coverage penalty."""
    if options.coverage_penalty or not length:
        return score
    alpha = options.length_penalty
    log_prob: float = score * float(length) ** alpha
    return log_prob / length_penalty(float(length), alpha)


def _weights(rows: Sequence[Sequence[float]]) -> Tensor:
    """Attention `(1, T, S)`; CTranslate2 omits the column of eos, which gets the rest of each row's sum of 1."""
    without_eos = torch.tensor(rows, dtype=torch.float32)  # (T, S - 1)
    eos = (1.0 - without_eos.sum(1, keepdim=True)).clamp(min=0.0)
    return torch.cat((without_eos, eos), dim=1)[None]


def open_ctranslate2(
    exported: Exported, *, precision: str = "default", threads: int | None = None, device: str = "auto"
) -> CTranslate2Engine:
    """Opens a CTranslate2 export.

    Args:
        exported: Directory written by `regard export --to ctranslate2`.
        precision: Number type of matrix products, such as `int8` or `float32`; `default` is the type of the stored
            weights.
        threads: Number of CPU threads; by default, PyTorch's number of threads.
        device: `cpu`, `cuda`, `cuda:N` or `auto`.

    Returns:
        The engine.

    Raises:
        ConfigError: CTranslate2 is not installed, cannot read the model, or does not support the precision or the
            device; or int8 is requested but the weights are not stored in int8.
        CheckpointError: The files are damaged, or do not belong together.
    """
    stored_as = exported.manifest.quantization
    if precision.startswith("int8") and not stored_as.startswith("int8"):
        # CTranslate2 would quantize to 127 levels on loading, which overflow on processors without VNNI.
        raise ConfigError(
            f"{exported.path}: the weights of this export are stored as {stored_as}, not as {precision}: leave out "
            f"--precision, or export the model again with --quantization {precision}"
        )
    check_model(exported)
    return CTranslate2Engine(
        exported.path,
        all_pieces(exported.src_subword),
        all_pieces(exported.tgt_subword),
        specials=exported.tgt_subword.specials,
        precision=precision,
        threads=threads,
        device=device,
    )


def length_limits(config: Config) -> LengthLimits:
    """Largest source and target lengths, in subwords, that are allowed with a CTranslate2 export."""
    positions = max_positions(config)
    return LengthLimits(min(config.data.max_len, positions - 1), positions)
