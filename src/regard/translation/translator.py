"""The translator: from sentences to translations in the same order, with attention and word alignment on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from regard.alignment.readout import Readout, known_readout
from regard.config.interactions import default_search
from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.model.packing import pack_for_search
from regard.model.row_padding import pad_rows
from regard.search.attention_filter import KEEP_ALL, KeepMatrix
from regard.search.beam import BeamOptions
from regard.search.engine import Engine, StepEngine
from regard.search.ensemble import Ensemble
from regard.search.length_limits import LengthLimits
from regard.search.log_probs import NotFiniteError
from regard.search.sample import SampleOptions
from regard.store import StoredModel
from regard.text.normalize import checked_texts, normalize, text_list
from regard.text.readers import in_batches
from regard.text.segments import segments
from regard.text.subword import Subword
from regard.translation.options import Changes, TranslateOptions
from regard.translation.pickling import PickledByPath
from regard.translation.result import Segment, Translation, join_lines, with_line_number
from regard.translation.retry import retry
from regard.values import Encoding, Hypothesis

if TYPE_CHECKING:
    from typing_extensions import Unpack

BUFFER_SIZE = 1000
"""Number of lines that `translate_lines` translates together."""
DEFAULT = TranslateOptions()


class Translator(PickledByPath):
    """Translates text: splits it into subwords, lets an engine search for translations, and joins the subwords.

    A translator that was loaded from files can be pickled; unpickling loads it from the same files again.

    Args:
        engine: Engine that searches for translations; it maps token ids to token ids.
        src_subword: Source subword model.
        tgt_subword: Target subword model.
        search: Search options for those that a call does not give.
        limits: Length limits of the model.
        readout: How word alignments are derived from the attention; None = unknown, so that the default rule is applied
            to the mean of all layers and heads.
        models: Models that the engine runs; empty for an export.
        signature: Signature of an export; by default, the signatures of `models`.
    """

    def __init__(
        self,
        engine: Engine,
        src_subword: Subword,
        tgt_subword: Subword,
        *,
        search: SearchConfig,
        limits: LengthLimits,
        readout: Readout | None = None,
        models: Sequence[StoredModel] = (),
        signature: str | None = None,
    ) -> None:
        self.engine = engine
        self.src_subword, self.tgt_subword = src_subword, tgt_subword
        self.search = search
        self.limits = limits
        self.readout = readout or Readout()
        self.readout_is_known = readout is not None
        self.models = tuple(models)
        self._signature = signature
        self._precision = "float32"

    @property
    def signature(self) -> str:
        """Identifies model and precision, to print beside scores; the parts of an ensemble are joined by ` + `."""
        if self._signature is not None:
            return self._signature
        rounded = "" if self._precision == "float32" else f"|precision:{self._precision}"
        return " + ".join(model.manifest.signature + rounded for model in self.models)

    @classmethod
    def of(
        cls, models: Sequence[StoredModel], *, names: Sequence[str] | None = None, precision: str = "float32"
    ) -> Translator:
        """Makes a translator that runs one model, or an ensemble, with regard's own engine.

        Args:
            models: One model, or several models with the same vocabularies for an ensemble. The translator uses a copy
                of the weights, so later changes of the models have no effect.
            names: Names of the models, for error messages.
            precision: Number type of matrix products: `float32`, `bfloat16` or `int8`; the last two round weights and
                states. With `int8` the models in `Translator.models` have the rounded weights, too.

        Returns:
            The translator.

        Raises:
            SearchError: There is no model, the vocabularies differ, or the precision is unknown.
        """
        if not models:
            raise SearchError("expected at least one model, got none: give one model, or several for an ensemble")
        _check_vocabularies(models, names or [f"model {number}" for number in range(1, len(models) + 1)])
        first = models[0]
        limits = [LengthLimits.from_config(stored.config) for stored in models]
        fast = [replace(stored, model=pad_rows(pack_for_search(stored.model, precision))) for stored in models]
        engine = StepEngine(
            fast[0].model if len(fast) == 1 else Ensemble([stored.model for stored in fast]),
            src_specials=first.src_subword.specials,
            tgt_specials=first.tgt_subword.specials,
            device=str(next(iter(first.model.parameters())).device),
        )
        translator = cls(
            engine,
            first.src_subword,
            first.tgt_subword,
            search=default_search([stored.config for stored in models]),
            limits=LengthLimits(
                min(limit.max_source_len for limit in limits),
                min(limit.max_positions for limit in limits),
                sum(limit.num_matrices for limit in limits),
            ),
            readout=known_readout(first.config, first.readout) if len(models) == 1 else None,
            models=fast if precision == "int8" else models,
        )
        translator._precision = precision
        return translator

    def translate(
        self,
        sentences: str | Sequence[str],
        options: TranslateOptions = DEFAULT,
        **changes: Unpack[Changes],
    ) -> list[Translation]:
        """Translates sentences.

        Args:
            sentences: One sentence or several. An empty sentence has an empty translation.
            options: Options of the translation.
            **changes: Fields of `TranslateOptions` that replace those of `options`, such as `beam=1`.

        Returns:
            One translation per sentence, in the order of the sentences.

        Raises:
            DataError: A sentence is not text.
            SearchError: An option is not in its range, or the model computed NaN or infinite numbers.
        """
        lines = text_list(sentences)
        return self._translate(lines, replace(options, **changes), first=1)

    def translate_lines(
        self,
        lines: Iterable[str],
        options: TranslateOptions = DEFAULT,
        *,
        buffer_size: int = BUFFER_SIZE,
        more: Callable[[], bool] | None = None,
        **changes: Unpack[Changes],
    ) -> Iterator[Translation]:
        """Translates a stream of any length in bounded memory: one translation per line, in order.

        Args:
            lines: Sentences, which may arrive one by one.
            options: Options of the translation.
            buffer_size: Number of lines that are collected and translated together. More lines give better batches,
                fewer lines give a quicker first translation.
            more: Function called after each line; returns whether the next line is already available. If not, the lines
                collected so far are translated. By default, `buffer_size` lines are always collected first.
            **changes: Fields of `TranslateOptions` that replace those of `options`, such as `beam=1`.

        Yields:
            One translation per line.

        Raises:
            DataError: A line is not text.
            SearchError: An option is not in its range, or the model computed NaN or infinite numbers.
        """
        if buffer_size < 1:
            raise SearchError(f"expected a buffer_size of at least 1 line, got {buffer_size}")
        options, first = replace(options, **changes), 1
        for held in in_batches(checked_texts(lines), buffer_size, more=more):
            yield from self._translate(held, options, first=first)
            first += len(held)

    def score(
        self,
        sources: str | Sequence[str],
        targets: str | Sequence[str],
        *,
        first: int = 1,
        only: Readout | None = None,
    ) -> list[Translation]:
        """Scores given translations by forced decoding, and computes their attention and word alignment.

        Args:
            sources: One source sentence or several.
            targets: One translation per source sentence.
            first: Number of the first sentence in warnings and errors, which count the sentences from there.
            only: Readout whose layer and head are the only ones whose attention is kept, as one layer with one head, to
                save memory; None = keep all layers and heads.

        Returns:
            One translation per pair: the given text, its log-probability in nats as score, attention and alignment.
            Pairs with an empty sentence are not scored: score 0, without attention and alignment. The same holds for
            pairs that are too long for the model or whose attention would exceed the memory limit; their warnings say
            so.

        Raises:
            DataError: A sentence is not text.
            SearchError: The numbers of sources and targets differ, or the model computed NaN or infinite numbers.
        """
        left, right = text_list(sources, first=first), text_list(targets, kind="translation", first=first)
        if len(left) != len(right):
            raise SearchError(
                f"expected one translation for each of the {len(left)} source sentences, got {len(right)} translations"
            )
        return _score_pairs(self, left, right, first=first, only=only)

    def _translate(self, lines: Sequence[str], options: TranslateOptions, *, first: int) -> list[Translation]:
        normalized = [normalize(line) for line in lines]
        untranslated = [
            Segment(number, part.first_word, part.encoding, within_word=part.within_word)
            for number, line in enumerate(normalized, start=first)
            for part in segments(line, self.src_subword, limit=self.limits.max_source_len)
        ]
        search = options.search_options(self.search)
        if isinstance(search, SampleOptions):  # buffers of one stream draw different random numbers
            search = replace(search, seed=(search.seed + (first - 1) * 0x9E3779B1) % (1 << 63))
        translated = self._search(options, untranslated, search)
        if options.retry and isinstance(search, BeamOptions):
            translated = retry(
                translated,
                partial(self._search, options),
                options=search,
                subword=self.src_subword,
                attends=self.limits.num_matrices > 0,
            )
        return join_lines(normalized, translated, first=first, many=options.num_translations > 1)

    def _search(
        self, options: TranslateOptions, untranslated: Sequence[Segment], search: BeamOptions | SampleOptions
    ) -> list[Segment]:
        """Fills segments with their translations."""
        sources = [segment.source.ids for segment in untranslated]
        limits = [self._max_len(len(source) + 1) for source in sources]
        with _named_lines([segment.line for segment in untranslated]):
            found = self.engine.search(
                sources, limits, search, need_weights=options.need_weights, need_scores=options.need_scores
            )
        return [
            replace(segment, found=[self._result(segment.source, hypothesis, options) for hypothesis in hypotheses])
            for segment, hypotheses in zip(untranslated, found, strict=True)
        ]

    def _max_len(self, src_len: int) -> int:
        """Most subwords of a translation; both lengths count eos."""
        return min(int(src_len * self.search.max_len_ratio) + self.search.max_len_offset, self.limits.max_positions)

    def _result(self, source: Encoding, hypothesis: Hypothesis, options: TranslateOptions) -> Translation:
        ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
        readout = self.readout if options.need_alignment else None
        return Translation.of(
            source, self.tgt_subword.decode(ids), hypothesis, attention=options.attention, readout=readout
        )


def _score_pairs(
    translator: Translator, sources: Sequence[str], targets: Sequence[str], *, first: int, only: Readout | None
) -> list[Translation]:
    """Forced decoding of pairs; see `Translator.score`."""
    pairs = [
        (translator.src_subword.encode(normalize(src)), translator.tgt_subword.encode(normalize(tgt)))
        for src, tgt in zip(sources, targets, strict=True)
    ]
    num_matrices, readout = translator.limits.num_matrices if only is None else 1, translator.readout
    if only is not None:
        readout = replace(only, layer=None, head=None)
    results = []
    for number, (src, tgt) in enumerate(pairs, start=first):
        warnings = translator.limits.warning(src, tgt, num_matrices=num_matrices)
        results.append(Translation(src.text, tgt.text, 0.0, warnings=with_line_number(number, warnings)))
    rows = [row for row, (src, tgt) in enumerate(pairs) if src.ids and tgt.ids and not results[row].warnings]
    with _named_lines([row + first for row in rows]):
        hypotheses = translator.engine.force(
            [pairs[row][0].ids for row in rows],
            [pairs[row][1].ids for row in rows],
            attention_filter=KEEP_ALL if only is None else KeepMatrix(only.layer, only.head),
        )
    for row, hypothesis in zip(rows, hypotheses, strict=True):
        results[row] = Translation.of(*pairs[row], hypothesis, attention=True, readout=readout)
    return results


def _check_vocabularies(models: Sequence[StoredModel], names: Sequence[str]) -> None:
    for model, name in zip(models, names, strict=True):
        same_src = model.src_subword.fingerprint() == models[0].src_subword.fingerprint()
        same_tgt = model.tgt_subword.fingerprint() == models[0].tgt_subword.fingerprint()
        if not (same_src and same_tgt):
            raise SearchError(
                f"{names[0]} and {name} have different {'target' if same_src else 'source'} vocabularies, so their "
                "probabilities cannot be averaged: an ensemble needs models trained with one vocabulary"
            )


@contextmanager
def _named_lines(lines: Sequence[int]) -> Iterator[None]:
    """Makes an error name the sentence by its line, not by its number among the segments of the engine."""
    try:
        yield
    except NotFiniteError as error:
        line = lines[error.sentence]
        raise NotFiniteError(error.sentence, error.step, where=f"sentence {line}") from None
