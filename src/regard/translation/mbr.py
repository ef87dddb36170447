"""Minimum Bayes risk decoding: the translation that agrees best with samples from the model.

The samples estimate the model's distribution of translations (Eikema & Aziz 2020). The candidates are the results of
beam search and the samples. The chosen candidate has the highest mean chrF against all samples, so the risk is the
expected loss of chrF. Two searches and all comparisons of candidates with samples make this slower than beam search;
see `docs/search.md` for measurements.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from regard.errors import SearchError
from regard.evaluate.pairwise import pairwise_chrf
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.penalties import length_penalty
from regard.translation.filling import TranslatorParts, fill_segments
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation


def fill_with_least_risk(
    translator: TranslatorParts, segments: Sequence[Segment], options: TranslateOptions
) -> list[Segment]:
    """Translates segments by minimum Bayes risk decoding.

    Args:
        translator: The translator.
        segments: Segments without translations; a segment's `prefix` is the beginning that its translation must have.
        options: Options of the translation; `options.mbr` must not be None.

    Returns:
        The segments in the same order, with `n_best` translations each, those of highest expected chrF first.

    Raises:
        SearchError: An option is not in its range, a segment has constraints, or the engine cannot sample.
    """
    if not isinstance(translator.engine, StepEngine):
        raise SearchError(
            "an export to CTranslate2 cannot draw the samples that mbr needs: load the regard model that was exported"
        )
    if any(segment.constraints for segment in segments):
        raise SearchError(
            "mbr cannot be combined with constraints, because samples do not respect them: leave out mbr or the "
            "constraints"
        )
    assert options.mbr is not None
    search = options.search_options(translator.search)
    assert isinstance(search, BeamOptions)
    plain = replace(options, mbr=None, attention=False, alignment=False, scores=True)
    searched = fill_segments(translator, segments, replace(plain, n_best=search.beam))
    drawing = TranslateOptions(sample=options.sample_options(options.mbr), max_len_ratio=options.max_len_ratio)
    sampled = fill_segments(translator, segments, drawing)
    chosen = []
    for found, samples in zip(searched, sampled, strict=True):
        drawn = [_penalized(sample, search.length_penalty) for sample in samples.found]
        chosen.append(replace(found, found=by_expected_chrf(found.found, drawn)[: options.n_best]))
    return _with_alignment(translator, chosen, options) if options.need_alignment else chosen


def by_expected_chrf(candidates: Sequence[Translation], samples: Sequence[Translation]) -> list[Translation]:
    """Sorts translations of one sentence by expected chrF: their mean chrF against samples of the model.

    Args:
        candidates: Translations that another search found, such as beam search.
        samples: Translations drawn from the model, which are candidates too. A text counts as often as it was drawn.

    Returns:
        Candidates and samples without duplicate texts, best first, with the expected chrF, 0 to 100, as `utility`.
        Translations of equal `utility` keep their order: first `candidates`, then `samples`.
    """
    counts = Counter(sample.text for sample in samples)
    references = list(counts)
    by_text: dict[str, Translation] = {}
    for translation in (*candidates, *samples):
        by_text.setdefault(translation.text, translation)
    different = list(by_text.values())
    scores = pairwise_chrf([translation.text for translation in different], references)
    total = sum(counts.values())
    rated = [
        replace(
            translation,
            utility=math.fsum(counts[text] * score for text, score in zip(references, row, strict=True)) / total,
        )
        for translation, row in zip(different, scores, strict=True)
    ]
    return sorted(rated, key=lambda translation: -(translation.utility or 0.0))


def _penalized(sample: Translation, alpha: float) -> Translation:
    """A sample with the score that the beam would give it: with the length penalty, without a coverage penalty."""
    is_finished = all(flag.kind != "unfinished" for flag in sample.quality_flags)
    length = max(1, len(sample.tokens) + is_finished)
    return replace(sample, score=sample.score / length_penalty(float(length), alpha))


def _with_alignment(
    translator: TranslatorParts, segments: Sequence[Segment], options: TranslateOptions
) -> list[Segment]:
    """Adds word alignment, and attention if requested, by forced decoding of the chosen translations only."""
    pairs = [
        (row, number)
        for row, segment in enumerate(segments)
        for number, translation in enumerate(segment.found)
        if segment.source.ids and translation.tokens
    ]
    ids_of = {piece: id_ for id_, piece in enumerate(translator.tgt_subword.pieces)}
    targets = [tuple(ids_of[token] for token in segments[row].found[number].tokens) for row, number in pairs]
    forced = translator.engine.force([segments[row].source.ids for row, _ in pairs], targets)
    found = [list(segment.found) for segment in segments]
    for (row, number), ids, hypothesis in zip(pairs, targets, forced, strict=True):
        source, target = segments[row].source, translator.tgt_subword.decode(ids)
        read = Translation.of(source, target, hypothesis, attention=options.attention, readout=translator.readout)
        found[row][number] = replace(found[row][number], attention=read.attention, alignment=read.alignment)
    return [replace(segment, found=own) for segment, own in zip(segments, found, strict=True)]
