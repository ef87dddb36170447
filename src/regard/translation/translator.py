"""The translator: from sentences to translations in the same order, with attention and word alignment on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from regard.alignment.readout import Readout, known_readout
from regard.config.interactions import default_search
from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.model.packing import pack_for_search
from regard.model.row_padding import pad_rows
from regard.search.constraints import Constraints
from regard.search.engine import Engine, StepEngine
from regard.search.ensemble import Ensemble
from regard.search.length_limits import LengthLimits
from regard.store import StoredModel
from regard.text.normalize import checked_texts, normalize, text_list
from regard.text.readers import in_batches
from regard.text.subword import Subword
from regard.translation.alternatives import find_alternatives
from regard.translation.directed_translator import DirectedTranslator
from regard.translation.filling import fill_segments, split_lines
from regard.translation.languages import ModelLanguages, with_warning
from regard.translation.mbr import fill_with_least_risk
from regard.translation.options import Changes, TranslateOptions
from regard.translation.result import Segment, Translation, join_lines
from regard.translation.terms import GivenConstraints

if TYPE_CHECKING:
    from typing_extensions import Unpack

BUFFER_SIZE = 1000
"""Number of lines that `translate_lines` translates together."""
DEFAULT = TranslateOptions()


class Translator(DirectedTranslator):
    """Translates text: splits it into subwords, lets an engine search for translations, and joins the subwords.

    A translator that was loaded from files can be pickled; unpickling loads it from the same files again.

    Args:
        engine: Engine that searches for translations; it maps token ids to token ids.
        src_subword: Source subword model.
        tgt_subword: Target subword model.
        search: Search options, used where a call gives none.
        limits: Length limits of the model.
        readout: How word alignments are derived from the attention; None = unknown, so that the defaults of `Readout`
            are used.
        models: Models that the engine runs; empty for an export.
        signature: Text that identifies the model, to print beside scores, such as the signature in the manifest of an
            export; by default, the signatures of `models`.
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
        self.languages = ModelLanguages.of(src_subword)
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
        """Identifies model and precision, to print beside scores; for an ensemble, all signatures, joined by ` + `."""
        if self._signature is not None:
            return self._signature
        rounded = "" if self._precision == "float32" else f"|precision:{self._precision}"
        return " + ".join(model.manifest.signature + rounded for model in self.models)

    def with_engine(self, engine: Engine) -> Translator:
        """A copy of the translator with another engine for the same vocabularies; the copy cannot be pickled."""
        translator = copy(self)
        translator.engine = engine
        translator._opened_by = None
        return translator

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
        return _of_models(models, names or [f"model {number}" for number in range(1, len(models) + 1)], precision)

    def split(
        self,
        lines: str | Sequence[str],
        *,
        first: int = 1,
        prefixes: str | Sequence[str] | None = None,
        constraints: GivenConstraints | None = None,
    ) -> list[Segment]:
        """Divides lines into segments that the model can translate at once.

        `fill` translates segments, in any order and mixed with those of other lines, and
        `regard.translation.result.join_lines` joins the translated segments of each line.

        Args:
            lines: One line or several.
            first: Number of the first line in warnings and errors.
            prefixes: Target text that the translation of each line begins with, empty for none; None = no prefixes.
            constraints: Terms that the translations must and must not contain; see `translate`.

        Returns:
            The segments of all lines, in order; an empty line without a prefix has none.

        Raises:
            DataError: A line or a prefix is not text.
            SearchError: The numbers of prefixes and lines differ, the vocabulary does not contain a character of a
                prefix, or no translation can satisfy the constraints.
        """
        normalized = [normalize(line) for line in text_list(lines, first=first)]
        return split_lines(self, normalized, first=first, prefixes=prefixes, constraints=constraints)

    def fill(self, segments: Sequence[Segment], options: TranslateOptions = DEFAULT) -> list[Segment]:
        """Translates segments.

        Args:
            segments: Segments from `split`, of any lines.
            options: Options of the translation.

        Returns:
            The same segments, in their order, with their translations.

        Raises:
            SearchError: An option is out of its range, the engine cannot use an option or a constraint, or the model's
                numbers are not finite.
        """
        fill = fill_segments if options.mbr is None else fill_with_least_risk
        translator = self._directed(options)
        if translator.target is None and self.languages.needs_target:
            self.languages.check_tagged(segments)
        filled = fill(translator, segments, options)
        warning = translator.direction_warning
        return filled if warning is None else with_warning(filled, warning)

    def translate(
        self,
        sentences: str | Sequence[str],
        options: TranslateOptions = DEFAULT,
        *,
        prefixes: str | Sequence[str] | None = None,
        constraints: GivenConstraints | None = None,
        **changes: Unpack[Changes],
    ) -> list[Translation]:
        """Translates sentences.

        A prefix ends at the end of a word: a space, punctuation or the end of the translation follows it, not another
        letter or digit. In scripts without spaces, and with an export to CTranslate2, anything may follow. If a
        sentence is translated in several segments, the first one begins with the prefix.

        Args:
            sentences: One sentence or several. An empty sentence has an empty translation, or its prefix.
            options: Options of the translation.
            prefixes: Target text that each translation begins with, one per sentence, empty for none. Tokens, scores
                and attention of a translation include those of its prefix.
            constraints: Terms that each translation must and must not contain: a list with a `Constraints` or None for
                each sentence, or a single `Constraints` for all. `Translation.unmet` lists what was not satisfied.
            **changes: Fields of `TranslateOptions` that replace those of `options`, such as `beam=1`.

        Returns:
            One translation per sentence, in the order of the sentences.

        Raises:
            DataError: A sentence or a prefix is not text.
            SearchError: An option is out of its range, a prefix is too long, the vocabulary does not contain the
                characters of a prefix or a term, constraints contradict each other, the engine cannot use constraints,
                or the model's numbers are not finite.
        """
        lines = text_list(sentences)
        options = replace(options, **changes)
        return _translate(self, lines, options, first=1, prefixes=prefixes, constraints=constraints)

    def alternatives(
        self,
        sentence: str,
        prefix: str = "",
        count: int = 5,
        options: TranslateOptions = DEFAULT,
        *,
        constraints: Constraints | None = None,
        number: int = 1,
        **changes: Unpack[Changes],
    ) -> list[Translation]:
        """Finds translations that begin with the same prefix and continue with different next words.

        The most probable next words are found first, and then the best translation that begins with the prefix and
        each word. A word is what spaces separate; in scripts without spaces, it is a subword.

        Args:
            sentence: The sentence.
            prefix: Target text before the next word, empty for none; see `translate`.
            count: Largest number of translations.
            options: Options of the translations.
            constraints: Terms that the translations must and must not contain; words that contain an excluded term are
                not among the next words.
            number: Number of the sentence in warnings and errors.
            **changes: Fields of `TranslateOptions` that replace those of `options`, such as `beam=1`.

        Returns:
            Up to `count` translations with different words after the prefix, those with higher scores first; none for
            an empty sentence.

        Raises:
            DataError: As in `translate`.
            SearchError: As in `translate`; or the sentence is too long to be translated at once, samples or an n-best
                list are asked for, or the engine is CTranslate2.
        """
        own = replace(options, **changes)
        return find_alternatives(
            self._directed(own), sentence, prefix, count, own, constraints=constraints, number=number
        )

    def translate_lines(
        self,
        lines: Iterable[str],
        options: TranslateOptions = DEFAULT,
        *,
        buffer_size: int = BUFFER_SIZE,
        prefix: str = "",
        more: Callable[[], bool] | None = None,
        first: int = 1,
        **changes: Unpack[Changes],
    ) -> Iterator[Translation]:
        """Translates a stream of any length in bounded memory: one translation per line, in order.

        Args:
            lines: Sentences, which may arrive one by one.
            options: Options of the translation.
            buffer_size: Number of lines that are collected and translated together. More lines give better batches,
                fewer lines give a quicker first translation.
            prefix: Target text with which each translation begins; see `translate`.
            more: Function called after each line; returns whether the next line is already available. If not, the lines
                collected so far are translated. By default, `buffer_size` lines are always collected first.
            first: Number of the first line in warnings and errors.
            **changes: Fields of `TranslateOptions` that replace those of `options`, such as `beam=1`.

        Yields:
            One translation per line.

        Raises:
            DataError: A line is not text.
            SearchError: As in `translate`.
        """
        if buffer_size < 1:
            raise SearchError(f"expected a buffer_size of at least 1 line, got {buffer_size}")
        options = replace(options, **changes)
        for held in in_batches(checked_texts(lines), buffer_size, more=more):
            prefixes = [prefix] * len(held) if prefix else None
            yield from _translate(self, held, options, first=first, prefixes=prefixes)
            first += len(held)


def _translate(
    translator: Translator,
    lines: Sequence[str],
    options: TranslateOptions,
    *,
    first: int,
    prefixes: str | Sequence[str] | None = None,
    constraints: GivenConstraints | None = None,
) -> list[Translation]:
    normalized = [normalize(line) for line in lines]
    segments = split_lines(translator, normalized, first=first, prefixes=prefixes, constraints=constraints)
    translated = translator.fill(segments, options)
    return join_lines(normalized, translated, first=first, many=options.num_translations > 1)


def _of_models(models: Sequence[StoredModel], names: Sequence[str], precision: str) -> Translator:
    if not models:
        raise SearchError("expected at least one model, got none: give one model, or several for an ensemble")
    _check_vocabularies(models, names)
    first = models[0]
    limits = [LengthLimits.from_config(stored.config) for stored in models]
    fast = [replace(stored, model=pad_rows(pack_for_search(stored.model, precision))) for stored in models]
    engine = StepEngine(
        fast[0].model if len(fast) == 1 else Ensemble([stored.model for stored in fast]),
        src_specials=first.src_subword.specials,
        tgt_specials=first.tgt_subword.specials,
        device=str(next(iter(first.model.parameters())).device),
    )
    translator = Translator(
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
    translator.languages = replace(translator.languages, directions=first.config.data.directions)
    return translator


def _check_vocabularies(models: Sequence[StoredModel], names: Sequence[str]) -> None:
    for model, name in zip(models, names, strict=True):
        same_src = model.src_subword.fingerprint() == models[0].src_subword.fingerprint()
        same_tgt = model.tgt_subword.fingerprint() == models[0].tgt_subword.fingerprint()
        if not (same_src and same_tgt):
            raise SearchError(
                f"{names[0]} and {name} have different {'target' if same_src else 'source'} vocabularies, so their "
                "probabilities cannot be averaged: an ensemble needs models trained with one vocabulary"
            )
