"""Translation of segments: the search, a second attempt where it is wanted, and errors that name lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from regard.search.beam import BeamOptions
from regard.search.log_probs import NotFiniteError
from regard.search.sample import SampleOptions
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation
from regard.translation.retry import retry
from regard.values import Encoding, Hypothesis

if TYPE_CHECKING:
    from regard.translation.translator import Translator


def fill_segments(translator: Translator, segments: Sequence[Segment], options: TranslateOptions) -> list[Segment]:
    """Fills segments with their translations; see `Translator.fill`.

    Args:
        translator: The translator.
        segments: Segments of any lines.
        options: Options of the translation.

    Returns:
        As many segments, in their order.
    """
    search = options.search_options(translator.search)
    filled = _search(translator, options, segments, search)
    if options.retry and isinstance(search, BeamOptions):
        filled = retry(
            filled,
            partial(_search, translator, options),
            options=search,
            subword=translator.src_subword,
            attends=translator.limits.num_matrices > 0,
        )
    return filled


def _search(
    translator: Translator, options: TranslateOptions, segments: Sequence[Segment], search: BeamOptions | SampleOptions
) -> list[Segment]:
    sources = [segment.source.ids for segment in segments]
    limits = [_max_len(translator, len(source) + 1) for source in sources]
    with named_lines([segment.line for segment in segments]):
        n_best_lists = translator.engine.search(
            sources, limits, search, need_weights=options.need_weights, need_scores=options.need_scores
        )
    return [
        replace(segment, found=[_result(translator, segment.source, hypothesis, options) for hypothesis in hypotheses])
        for segment, hypotheses in zip(segments, n_best_lists, strict=True)
    ]


def _max_len(translator: Translator, src_len: int) -> int:
    """Largest number of subwords of a translation; both lengths count eos."""
    search = translator.search
    return min(int(src_len * search.max_len_ratio) + search.max_len_offset, translator.limits.max_positions)


def _result(translator: Translator, source: Encoding, hypothesis: Hypothesis, options: TranslateOptions) -> Translation:
    ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
    readout = translator.readout if options.need_alignment else None
    return Translation.of(
        source, translator.tgt_subword.decode(ids), hypothesis, attention=options.attention, readout=readout
    )


@contextmanager
def named_lines(lines: Sequence[int]) -> Iterator[None]:
    """Makes an error name the sentence by its line, not by its number among the sentences of the engine.

    Args:
        lines: The line of each sentence.

    Yields:
        Nothing.

    Raises:
        NotFiniteError: The model's logits are not finite.
    """
    try:
        yield
    except NotFiniteError as error:
        line = lines[error.sentence]
        raise NotFiniteError(error.sentence, error.step, where=f"sentence {line}") from None
