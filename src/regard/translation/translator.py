"""Text in, translations out: as many as went in, in their order, each with what it attended to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from regard.alignment.readout import Readout, own_readout
from regard.config.interactions import usable_search
from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.model.fast import for_search
from regard.model.rounded import round_rows
from regard.search.attention_filter import KEEP_ALL, KeepMatrix
from regard.search.beam import BeamOptions
from regard.search.engine import Engine, StepEngine
from regard.search.ensemble import Ensemble
from regard.search.length_limits import LengthLimits
from regard.search.log_probs import NotFiniteError
from regard.store import StoredModel
from regard.text.checks import checked, texts
from regard.text.normalize import normalize
from regard.text.readers import in_batches
from regard.text.segments import segments
from regard.text.subword import Subword
from regard.translation.pickling import PickledByPath
from regard.translation.result import Translation
from regard.translation.retry import retry
from regard.translation.segments import Segment, join_lines, with_line_number
from regard.values import Encoding, Hypothesis

__all__ = ["WINDOW", "Translation", "Translator"]

WINDOW = 1000
"""Lines that `translate_lines` holds at once."""


@dataclass(frozen=True)
class _Wish:
    """What is wanted of a translation."""

    options: BeamOptions
    attention: bool
    alignment: bool
    careful: bool
    scores: bool = True


class Translator(PickledByPath):
    """Text around an engine that knows ids alone.

    One that was opened from files can be pickled, and is opened again where it arrives.

    Args:
        engine: What finds translations.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target.
        search: How to search where a call does not say.
        limits: How long a sentence may be.
        readout: How word alignments are read off its attention; the default rule when not given.
        models: The models behind the engine, where they are regard's own.
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
    ) -> None:
        self.engine = engine
        self.src_subword, self.tgt_subword = src_subword, tgt_subword
        self.search = search
        self.limits = limits
        self.readout = readout or Readout()
        self.models = tuple(models)

    @classmethod
    def of(
        cls, models: Sequence[StoredModel], *, names: Sequence[str] | None = None, precision: str = "float32"
    ) -> Translator:
        """A translator by regard's own search.

        Args:
            models: One or more models with the same vocabularies; several make an ensemble. Weights that are changed
                later do not reach the translator.
            names: Their names, for messages.
            precision: Of the matrix products: `float32`, or `bfloat16` or `int8`, which round; `int8` in `models` too.

        Returns:
            What translates.

        Raises:
            SearchError: When there are none, their vocabularies differ, or there is no such precision.
        """
        if not models:
            raise SearchError("expected a model or several, got none")
        _check_vocabularies(models, names or [f"model {number}" for number in range(1, len(models) + 1)])
        first = models[0]
        all_limits = [LengthLimits.from_config(stored.config) for stored in models]
        fast = [replace(stored, model=round_rows(for_search(stored.model, precision))) for stored in models]
        engine = StepEngine(
            fast[0].model if len(fast) == 1 else Ensemble([one.model for one in fast]),
            src_specials=first.src_subword.specials,
            tgt_specials=first.tgt_subword.specials,
            device=str(next(iter(first.model.parameters())).device),
        )
        return cls(
            engine,
            first.src_subword,
            first.tgt_subword,
            search=usable_search([stored.config for stored in models]),
            limits=LengthLimits(
                min(model_limits.max_source_len for model_limits in all_limits),
                min(model_limits.max_positions for model_limits in all_limits),
                sum(model_limits.num_matrices for model_limits in all_limits),
            ),
            readout=own_readout(first.config) if len(models) == 1 else None,
            models=fast if precision == "int8" else models,
        )

    def translate(
        self,
        sentences: str | Sequence[str],
        *,
        beam: int | None = None,
        n_best: int = 1,
        attention: bool = False,
        alignment: bool = False,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        careful: bool = False,
    ) -> list[Translation]:
        """Translates sentences.

        Args:
            sentences: One sentence or several. An empty one has an empty translation.
            beam: Size of the beam; the model's own when not given; 1 = greedy.
            n_best: Translations of each sentence.
            attention: Whether to keep the attention (and with it the alignment).
            alignment: Whether to read off the word alignment.
            length_penalty: α of Wu et al. 2016; the model's own when not given.
            coverage_penalty: β of Wu et al. 2016; the model's own when not given.
            careful: Whether to look at the attention of every translation and to try again where it looks wrong.

        Returns:
            One translation a sentence, in their order.

        Raises:
            DataError: When a sentence is no text.
            SearchError: When the beam is impossible, or the model's numbers are not finite.
        """
        lines = texts(sentences)
        wish = self._wish(beam, n_best, attention, alignment, length_penalty, coverage_penalty, careful)
        return self._translate_window(lines, wish, first=1)

    def translate_lines(  # noqa: PLR0913 - what `translate` takes, and the window
        self,
        lines: Iterable[str],
        *,
        beam: int | None = None,
        n_best: int = 1,
        attention: bool = False,
        alignment: bool = False,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        careful: bool = False,
        scores: bool = True,
        window: int = WINDOW,
        more: Callable[[], bool] | None = None,
    ) -> Iterator[Translation]:
        """Translates a stream of any length in bounded memory; one out for each in, in order.

        Args:
            lines: Sentences as they come.
            beam: As in `translate`.
            n_best: As in `translate`.
            attention: As in `translate`.
            alignment: As in `translate`.
            length_penalty: As in `translate`.
            coverage_penalty: As in `translate`.
            careful: As in `translate`.
            scores: Whether scores are wanted; if not, they may be NaN, where an engine is faster without.
            window: Lines held at once: more make better batches, fewer a quicker first answer.
            more: Asked after each line whether the next one is there already; where it is not, the lines held are
                translated at once. When not given, lines are held until there are `window` of them.

        Yields:
            One translation a line.

        Raises:
            DataError: As in `translate`.
            SearchError: As in `translate`.
        """
        if window < 1:
            raise SearchError(f"expected a window of at least 1 line, got {window}")
        wish = self._wish(beam, n_best, attention, alignment, length_penalty, coverage_penalty, careful)
        wish, first = replace(wish, scores=scores or careful), 1
        for held in in_batches(checked(lines), window, more=more):
            yield from self._translate_window(held, wish, first=first)
            first += len(held)

    def score(
        self,
        sources: str | Sequence[str],
        targets: str | Sequence[str],
        *,
        first: int = 1,
        kept: Readout | None = None,
    ) -> list[Translation]:
        """Makes the model read given translations: what it thinks of them, and where it looks.

        Args:
            sources: One sentence or several.
            targets: As many translations.
            first: Number of the first sentence, by which warnings and errors name them.
            kept: Whose layer and head alone are kept of the attention, as one layer of one head, which takes a small
                part of the memory; None = all of them are.

        Returns:
            Translations with the given text, its log-probability as score, attention and alignment. A pair with an
            empty side has neither, nor has one that is too long for the model, or whose attention would take more room
            than is allowed; it says so in its warnings.

        Raises:
            DataError: When one of them is no text.
            SearchError: When the counts differ, or the model's numbers are not finite.
        """
        left, right = texts(sources, first=first), texts(targets, what="translation", first=first)
        if len(left) != len(right):
            raise SearchError(f"expected a translation for each of the {len(left)} sentences, got {len(right)}")
        return _read_pairs(self, left, right, first=first, kept=kept)

    def _wish(
        self,
        beam: int | None,
        n_best: int,
        attention: bool,
        alignment: bool,
        length_penalty: float | None,
        coverage_penalty: float | None,
        careful: bool,
    ) -> _Wish:
        options = BeamOptions(
            beam=max(self.search.beam, n_best) if beam is None else beam,
            n_best=n_best,
            length_penalty=self.search.length_penalty if length_penalty is None else length_penalty,
            coverage_penalty=self.search.coverage_penalty if coverage_penalty is None else coverage_penalty,
        )
        return _Wish(options, attention, attention or alignment, careful)

    def _translate_window(self, lines: Sequence[str], wish: _Wish, *, first: int) -> list[Translation]:
        normalized = [normalize(line) for line in lines]
        parts = [
            Segment(line, stretch.first_word, stretch.encoding, within_word=stretch.within_word)
            for line, text in enumerate(normalized, start=first)
            for stretch in segments(text, self.src_subword, limit=self.limits.max_source_len)
        ]
        hypotheses = self._search(parts, wish)
        parts = self._filled(parts, hypotheses, wish)
        if wish.careful:
            attends = any(one.weights for found in hypotheses for one in found)
            parts = retry(
                parts, partial(self._again, wish), options=wish.options, subword=self.src_subword, attends=attends
            )
        return join_lines(normalized, parts, first=first, many=wish.options.n_best > 1)

    def _again(self, wish: _Wish, parts: Sequence[Segment], options: BeamOptions) -> list[Segment]:
        wish = replace(wish, options=options)
        return self._filled(parts, self._search(parts, wish), wish)

    def _search(self, parts: Sequence[Segment], wish: _Wish) -> list[list[Hypothesis]]:
        sources = [part.source.ids for part in parts]
        limits = [self._most(len(source) + 1) for source in sources]
        need_weights = wish.alignment or wish.careful
        with _naming([part.line for part in parts]):
            return self.engine.search(sources, limits, wish.options, need_weights=need_weights, need_scores=wish.scores)

    def _filled(self, parts: Sequence[Segment], found: Sequence[Sequence[Hypothesis]], wish: _Wish) -> list[Segment]:
        return [
            replace(part, found=[self._read(part.source, hypothesis, wish) for hypothesis in hypotheses])
            for part, hypotheses in zip(parts, found, strict=True)
        ]

    def _most(self, src_len: int) -> int:
        """Tokens of a translation, at most; lengths with eos."""
        return min(int(src_len * self.search.max_len_ratio) + self.search.max_len_offset, self.limits.max_positions)

    def _read(self, source: Encoding, hypothesis: Hypothesis, wish: _Wish) -> Translation:
        ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
        readout = self.readout if wish.alignment else None
        return Translation.of(
            source, self.tgt_subword.decode(ids), hypothesis, attention=wish.attention, readout=readout
        )


def _read_pairs(
    translator: Translator, sources: Sequence[str], targets: Sequence[str], *, first: int, kept: Readout | None
) -> list[Translation]:
    """Given translations, read by the model; see `Translator.score`."""
    pairs = [
        (translator.src_subword.encode(normalize(src)), translator.tgt_subword.encode(normalize(tgt)))
        for src, tgt in zip(sources, targets, strict=True)
    ]
    matrices, readout = translator.limits.num_matrices if kept is None else 1, translator.readout
    if kept is not None:
        readout = replace(kept, layer=None, head=None)
    results = [
        Translation(
            src.text,
            tgt.text,
            0.0,
            warnings=with_line_number(number, translator.limits.warning(src, tgt, num_matrices=matrices)),
        )
        for number, (src, tgt) in enumerate(pairs, start=first)
    ]
    rows = [n for n, (src, tgt) in enumerate(pairs) if src.ids and tgt.ids and not results[n].warnings]
    with _naming([row + first for row in rows]):
        hypotheses = translator.engine.force(
            [pairs[row][0].ids for row in rows],
            [pairs[row][1].ids for row in rows],
            attention_filter=KEEP_ALL if kept is None else KeepMatrix(kept.layer, kept.head),
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
def _naming(lines: Sequence[int]) -> Iterator[None]:
    """Lets an error name the sentence by its line, not by its number among what the engine was given."""
    try:
        yield
    except NotFiniteError as error:
        line = lines[error.sentence]
        raise NotFiniteError(error.sentence, error.step, where=f"sentence {line}") from None
