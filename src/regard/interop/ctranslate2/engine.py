"""CTranslate2 as an engine: ids in, hypotheses out, with scores as regard's own search gives them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from regard.config.schema import Config
from regard.errors import ConfigError, SearchError
from regard.interop.ctranslate2.check import check_model
from regard.interop.ctranslate2.spec import all_pieces, max_positions
from regard.interop.exported import Exported
from regard.interop.packages import require_package
from regard.search.attention_filter import EVERYTHING, AttentionFilter
from regard.search.beam import BeamOptions
from regard.search.length_limits import LengthLimits
from regard.search.penalties import length_penalty
from regard.search.sample import SampleOptions
from regard.values import Hypothesis, Specials

if TYPE_CHECKING:
    import ctranslate2

PREFIXES, FEWEST = 64, 16
"""Prefixes in a batch, at most, unless that were fewer sentences than the second."""


class CTranslate2Engine:
    """One CTranslate2 model, spoken to in ids.

    Args:
        path: A directory that CTranslate2 reads.
        src_pieces: How each source id is written.
        tgt_pieces: How each target id is written.
        specials: Ids that are not text.
        precision: Number type of its products, such as `int8` or `float32`; `default` is that of the stored weights.
        threads: CPU threads; as many as torch uses when not given.
        device: `cpu`, `cuda` or `auto`.

    Raises:
        ConfigError: CTranslate2 is not installed, or cannot read or compute what it should.
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

        self._src_pieces = src_pieces
        self._tgt_ids = {piece: number for number, piece in enumerate(tgt_pieces)}
        self._specials = specials
        self._home = os.getpid()
        # Batches of their own for each thread: twice as fast as all threads on one batch.
        ours = torch.get_num_threads()
        self._threads = threads or ours
        kind, _, number = device.partition(":")
        try:
            self._translator: ctranslate2.Translator = ctranslate2.Translator(
                str(path),
                device=kind,
                device_index=int(number or 0),
                compute_type=precision,
                inter_threads=self._threads,
                intra_threads=1,
            )
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ConfigError(f"{path}: CTranslate2 cannot run it in {precision!r}: {error}") from None
        finally:
            torch.set_num_threads(ours)  # CTranslate2 sets its own number for everybody in the process

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
            options: Width and penalties. CTranslate2 divides by `length ** α` where regard divides by the penalty
                of Wu et al. 2016, so that another hypothesis may come first; the scores that are given are regard's.
            need_weights: Whether attention is wanted: one layer and head, the mean of the last layer's.
            need_scores: Whether scores are wanted. Without them a greedy search needs no softmax over the vocabulary,
                a twelfth of its time, and they are NaN.

        Returns:
            For each source its hypotheses, best first; they have no log-probabilities of their tokens.

        Raises:
            SearchError: Sampling was asked for, or the process is a fork of the one that made the engine.
        """
        if isinstance(options, SampleOptions):
            raise SearchError("an export to CTranslate2 does not sample: load the regard model that it was made from")
        if os.getpid() != self._home:
            raise SearchError(
                "this process was forked from the one that loaded the translator, whose threads CTranslate2 would wait "
                "for without end: load the translator in each process, or start processes by spawn"
            )
        order = sorted(range(len(sources)), key=lambda row: -limits[row])
        rows = rows_in_batch(len(order), beam=options.beam, threads=self._threads)
        batches = [order[start : start + rows] for start in range(0, len(order), rows)]
        together = partial(
            self._together,
            sources,
            limits=limits,
            options=options,
            need_weights=need_weights,
            need_scores=need_scores or options.beam > 1,
        )
        found = together(batches)
        # A batch has one limit. What went beyond its own is sought again among its equals: neighbors change nothing.
        late: dict[int, list[int]] = {}
        for row, hypotheses in found.items():
            if any(len(one.ids) > limits[row] for one in hypotheses):
                late.setdefault(limits[row], []).append(row)
        found |= together(list(late.values()))
        return [found[row] for row in range(len(sources))]

    def force(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, kept: AttentionFilter = EVERYTHING
    ) -> list[Hypothesis]:
        """Not possible here.

        Args:
            sources: Ids.
            targets: Ids.
            kept: What would be kept of the attention.

        Returns:
            Nothing: it always raises.

        Raises:
            SearchError: Always, with what to do instead.
        """
        raise SearchError(
            "CTranslate2 gives no attention for a translation that is given: load the regard model that was exported"
        )

    def _together(
        self,
        sources: Sequence[Sequence[int]],
        batches: Sequence[Sequence[int]],
        *,
        limits: Sequence[int],
        options: BeamOptions,
        need_weights: bool,
        need_scores: bool,
    ) -> dict[int, list[Hypothesis]]:
        """Hypotheses of the rows in each batch, whose first row has the greatest limit."""
        waiting = []
        for rows in batches:
            results = self._translator.translate_batch(
                [[self._src_pieces[i] for i in sources[row]] for row in rows],
                asynchronous=True,
                beam_size=options.beam,
                num_hypotheses=options.n_best,
                length_penalty=options.length_penalty,
                coverage_penalty=options.coverage_penalty,
                max_decoding_length=limits[rows[0]],
                min_decoding_length=options.min_len,
                max_input_length=0,  # nothing is cut off
                return_scores=need_scores,
                return_end_token=True,
                return_attention=need_weights,
            )
            waiting += list(zip(rows, results, strict=True))
        try:
            return {row: self._read(result.result(), options) for row, result in waiting}
        except (RuntimeError, ValueError, MemoryError) as error:  # its own are no others
            raise SearchError(f"CTranslate2 cannot compute this: {error}") from None

    def _read(self, result: ctranslate2.TranslationResult, options: BeamOptions) -> list[Hypothesis]:
        hypotheses = []
        if any(math.isnan(score) for score in result.scores):
            raise SearchError("CTranslate2 gives scores that are no numbers: its weights are damaged; export again")
        for number, pieces in enumerate(result.hypotheses):
            ids = tuple(self._tgt_ids[piece] for piece in pieces)
            weights = (_weights(result.attention[number]),) if result.attention else ()
            finished = bool(ids) and ids[-1] == self._specials.eos
            score = _rescored(result.scores[number], len(ids), options) if result.scores else math.nan
            hypotheses.append(Hypothesis(ids, score, (), weights, finished))
        return hypotheses if options.coverage_penalty else sorted(hypotheses, key=lambda one: -one.score)


def rows_in_batch(rows: int, *, beam: int, threads: int) -> int:
    """How many sentences to translate at once, so that all threads have as much to do.

    Products of few rows are slow, and what a batch of many remembers leaves the caches.

    >>> [rows_in_batch(rows, beam=1, threads=2) for rows in (0, 1, 2, 65, 1000)], rows_in_batch(1000, beam=5, threads=2)
    ([1, 1, 1, 33, 63], 16)

    Args:
        rows: Sentences in all.
        beam: Copies of each.
        threads: Batches under way at once.

    Returns:
        At least 1.
    """
    most = max(FEWEST, PREFIXES // beam)
    batches = -(-rows // (most * threads)) * threads
    return -(-rows // batches) if rows else 1


def _rescored(score: float, length: int, options: BeamOptions) -> float:
    """Log-probability by the length penalty of regard; as it is where a coverage penalty is mixed in."""
    if options.coverage_penalty or not length:
        return score
    alpha = options.length_penalty
    log_prob: float = score * float(length) ** alpha
    return log_prob / length_penalty(float(length), alpha)


def _weights(rows: Sequence[Sequence[float]]) -> Tensor:
    """Attention `(1, T, S)` with the column of eos, which CTranslate2 leaves out: each row sums to 1."""
    seen = torch.tensor(rows, dtype=torch.float32)  # (T, S - 1)
    end = (1.0 - seen.sum(1, keepdim=True)).clamp(min=0.0)
    return torch.cat((seen, end), dim=1)[None]


def open_ctranslate2(
    exported: Exported, *, precision: str = "default", threads: int | None = None, device: str = "auto"
) -> CTranslate2Engine:
    """Opens a CTranslate2 export.

    Args:
        exported: Directory written by `regard export --to ctranslate2`.
        precision: As for `CTranslate2Engine`.
        threads: As for `CTranslate2Engine`.
        device: As for `CTranslate2Engine`.

    Returns:
        The engine.

    Raises:
        ConfigError: As for `CTranslate2Engine`.
        CheckpointError: The files are damaged, or do not belong together.
    """
    stored_as = exported.manifest.quantization
    if precision.startswith("int8") and not stored_as.startswith("int8"):
        # CTranslate2 would round to 127 levels while it loads, which overflow on processors without VNNI.
        raise ConfigError(
            f"{exported.path}: its weights are stored as {stored_as}, not as {precision}: export the model with "
            f"--quantization {precision}"
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
    """Length limits of a CTranslate2 export, whose table of positions ends where the model's searches end."""
    positions = max_positions(config)
    return LengthLimits(min(config.data.max_len, positions - 1), positions)
