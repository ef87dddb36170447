"""Translations that continue a prefix with different words."""

from __future__ import annotations

from dataclasses import replace

import torch

from regard.errors import SearchError
from regard.search.constraints import Constraints
from regard.search.engine import StepEngine
from regard.search.next_words import WordTokens
from regard.search.prefix import WordEnd
from regard.text.normalize import normalize, text_list
from regard.text.subword import Subword
from regard.translation.filling import TranslatorParts, fill_segments, max_len, named_lines, split_lines
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation, join_segments


def find_alternatives(
    translator: TranslatorParts,
    sentence: str,
    prefix: str,
    count: int,
    options: TranslateOptions,
    *,
    constraints: Constraints | None = None,
    number: int = 1,
) -> list[Translation]:
    """Finds translations that begin with a prefix and differ in the next word; see `Translator.alternatives`.

    Args:
        translator: The translator.
        sentence: The source sentence.
        prefix: Beginning that all translations share; they differ in the word after the prefix.
        count: Number of translations.
        options: Options of the translations.
        constraints: Terms that the translations must and must not contain; None = no constraints.
        number: Number of the sentence in warnings and errors.

    Returns:
        The translations, best first.

    Raises:
        SearchError: The engine or an option cannot be used, or the sentence is too long for the model.
    """
    engine = translator.engine
    if not isinstance(engine, StepEngine):
        raise SearchError(
            "an export to CTranslate2 cannot find alternative translations: load the regard model that it was made from"
        )
    if options.sample is not None or options.mbr is not None or options.n_best > 1:
        raise SearchError(
            "alternatives cannot be combined with sample, mbr or n_best: leave these out, and set count to the number "
            "of alternatives"
        )
    lines = [normalize(line) for line in text_list(sentence)]
    segments = split_lines(translator, lines, first=number, prefixes=prefix, constraints=constraints)
    if len(segments) > 1:
        raise SearchError(
            f"expected a sentence of at most {translator.limits.max_source_len} subwords, which the model translates "
            f"at once, got a text that it translates in {len(segments)} segments: give a shorter sentence"
        )
    if not segments or not segments[0].source.ids:
        return []
    [segment] = segments
    source, subword = segment.source, translator.tgt_subword
    limit = max_len(translator, len(source.ids) + 1, options)
    with named_lines([segment.line]):
        words = engine.next_words(source.ids, segment.prefix, count=count, limit=limit, words=_word_tokens(subword))
    continued = [replace(segment, prefix=(*segment.prefix, *word)) for word in words]
    continued = [longer for longer in continued if not _has_excluded(longer, subword)]
    filled = fill_segments(translator, continued, replace(options, scores=True), word_end=_end_of_words(subword))
    translations = [join_segments(source.text, [segment]) for segment in filled]
    return sorted(translations, key=lambda translation: -translation.score)


def _has_excluded(segment: Segment, subword: Subword) -> bool:
    """Whether the prefix of a segment contains an excluded term."""
    text = subword.decode(segment.prefix).text
    return any(term.occurs_in(text) for term in segment.constraints.exclude)


def _word_tokens(subword: Subword) -> WordTokens:
    boundaries = subword.word_boundaries()
    return WordTokens(
        torch.tensor(boundaries.begins_word),
        torch.tensor(boundaries.has_space),
        torch.tensor(boundaries.is_text),
        lambda ids: subword.decode(ids).text,
    )


def _end_of_words(subword: Subword) -> WordEnd:
    """Excludes all subwords after a prefix but those that begin a new word, and eos."""
    excluded = ~torch.tensor(subword.word_boundaries().begins_word)
    excluded[subword.specials.eos] = False
    return WordEnd(torch.ones_like(excluded), excluded)
