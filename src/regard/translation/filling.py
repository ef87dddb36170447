"""Divides lines into segments, the parts that a model translates at once, and translates the segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol

import torch

from regard.alignment.readout import Readout
from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.constraints import Constraints, Term
from regard.search.engine import Engine
from regard.search.length_limits import LengthLimits
from regard.search.log_probs import NotFiniteError
from regard.search.prefix import PrefixError, WordEnd
from regard.search.sample import SampleOptions
from regard.search.term_batch import SearchConstraints
from regard.text.normalize import normalize, text_list
from regard.text.segments import segments_of_lines
from regard.text.source_terms import insert_terms
from regard.text.subword import Subword
from regard.translation.glossary_terms import GlossaryTerms, judge_left_out
from regard.translation.options import TranslateOptions
from regard.translation.recasing import recase_segments
from regard.translation.result import Segment, Translation
from regard.translation.retry import retry
from regard.translation.source_terms import check_reads_terms, source_insertions, without_insertions
from regard.translation.terms import GivenConstraints, checked_constraints, divided_constraints
from regard.values import Hypothesis


class TranslatorParts(Protocol):
    """The parts of a translator that translate segments; see `regard.translation.translator.Translator`.

    Attributes:
        engine: The engine that searches for translations.
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary.
        search: Search options of the model.
        limits: Length limits of the model.
        readout: How word alignments are read off the attention.
    """

    engine: Engine
    src_subword: Subword
    tgt_subword: Subword
    search: SearchConfig
    limits: LengthLimits
    readout: Readout


def split_lines(
    translator: TranslatorParts,
    lines: Sequence[str],
    *,
    first: int = 1,
    prefixes: str | Sequence[str] | None = None,
    constraints: GivenConstraints | None = None,
) -> list[Segment]:
    """Divides lines into segments, the parts that the model translates at once; see `Translator.split`.

    Args:
        translator: The translator.
        lines: Lines, normalized.
        first: Number of the first line; segments and errors have the numbers of their lines, counted from it.
        prefixes: One prefix per line, or a single string if there is a single line; None = no prefixes.
        constraints: Terms that the translations must and must not contain, per line or the same for all lines; None =
            no constraints.

    Returns:
        The segments of all lines, in order; an empty line without prefix and constraints has none.

    Raises:
        SearchError: There is not one prefix per line, the vocabulary cannot spell a prefix, or no translation can
            satisfy constraints.
    """
    result: list[Segment] = []
    prefix_ids = None if prefixes is None else _encode_prefixes(translator, prefixes, count=len(lines), first=first)
    terms = checked_constraints(constraints, translator.tgt_subword, lines, first=first) if constraints else None
    split = segments_of_lines(lines, translator.src_subword, limit=_max_source_len(translator))
    for number, (line, segments) in enumerate(zip(lines, split, strict=True), start=first):
        parts = [
            Segment(number, segment.first_word, segment.encoding, within_word=segment.within_word)
            for segment in segments
        ]
        prefix = prefix_ids[number - first] if prefix_ids else ()
        if prefix:
            parts = parts or [Segment(number, 0, translator.src_subword.encode(line))]
            parts[0] = replace(parts[0], prefix=prefix)
        if terms and terms[number - first]:
            parts = parts or [Segment(number, 0, translator.src_subword.encode(line))]
            parts = _with_constraints(translator, parts, line, terms[number - first])
        result += parts
    return result


def _max_source_len(translator: TranslatorParts) -> int:
    """Largest number of source subwords, of which the tag of the target language is one if the model has such tags."""
    return max(1, translator.limits.max_source_len - bool(translator.src_subword.language_tags))


def _with_constraints(
    translator: TranslatorParts, parts: Sequence[Segment], line: str, constraints: Constraints
) -> list[Segment]:
    """The segments of a line with their constraints."""
    prefix = translator.tgt_subword.decode(parts[0].prefix).text
    unwanted = next((term for term in constraints.exclude if term.occurs_in(prefix)), None)
    if unwanted:
        raise SearchError(
            f"sentence {parts[0].line}: the prefix {prefix[:80]!r} contains the term {unwanted.alternatives[0]!r}, "
            "which is excluded from the translation: change the prefix, or do not exclude the term"
        )
    limits = [max_len(translator, len(part.source.ids) + 1, TranslateOptions()) for part in parts]
    return divided_constraints(parts, line, constraints, limits)


def _encode_prefixes(
    translator: TranslatorParts, prefixes: str | Sequence[str], *, count: int, first: int
) -> list[tuple[int, ...]]:
    texts = [normalize(prefix) for prefix in text_list(prefixes, kind="prefix", first=first)]
    if len(texts) != count:
        raise SearchError(
            f"expected a prefix for each of the {count} sentences, got {len(texts)} prefixes: give an empty string for "
            "a sentence without prefix"
        )
    encoded = [tuple(ids) for ids in translator.tgt_subword.encode_ids(texts)]
    for number, (text, ids) in enumerate(zip(texts, encoded, strict=True), start=first):
        if translator.tgt_subword.specials.unk in ids:
            raise SearchError(
                f"sentence {number}: the vocabulary does not contain all characters of the prefix {text[:80]!r}: "
                "replace those that it lacks, or leave the prefix out"
            )
    return encoded


def fill_segments(
    translator: TranslatorParts,
    segments: Sequence[Segment],
    options: TranslateOptions,
    *,
    word_end: WordEnd | None = None,
) -> list[Segment]:
    """Translates segments, and returns them with their translations; see `Translator.fill`.

    Args:
        translator: The translator.
        segments: Segments (pieces of an input line) of one or more lines, without translations; a segment's `prefix`
            is the beginning that its translation must have.
        options: Options of the translation.
        word_end: Masks of the subwords that may not directly follow the prefix of a segment; None = those that would
            lengthen the last word of the prefix.

    Returns:
        The segments in the same order, with their translations.
    """
    left_out: dict[int, tuple[Term, ...]] = {}
    if options.glossary is not None:
        if options.terms_in_source:
            check_reads_terms(translator.src_subword)
        glossary_terms = GlossaryTerms(options.glossary, translator.tgt_subword)
        segments, left_out = glossary_terms.added_to(segments, in_source=options.terms_in_source)
    recased = recase_segments(segments, translator.src_subword) if options.recase else {}
    read = [recased[number].read if number in recased else segment for number, segment in enumerate(segments)]
    filled = _fill(translator, read, options, word_end=word_end)
    for number, terms in left_out.items():
        filled[number] = judge_left_out(filled[number], terms)
    for number, segment in recased.items():
        filled[number] = segment.restored(filled[number])
    return filled


def _fill(
    translator: TranslatorParts, segments: Sequence[Segment], options: TranslateOptions, *, word_end: WordEnd | None
) -> list[Segment]:
    search = options.search_options(translator.search)
    fill = partial(_search, translator, options, word_end=word_end)
    filled = fill(segments, search)
    if options.retry and isinstance(search, BeamOptions):
        filled = retry(
            filled,
            fill,
            options=search,
            subword=translator.src_subword,
            attends=translator.limits.num_matrices > 0,
        )
    return filled


def _search(
    translator: TranslatorParts,
    options: TranslateOptions,
    segments: Sequence[Segment],
    search: BeamOptions | SampleOptions,
    *,
    word_end: WordEnd | None = None,
) -> list[Segment]:
    rows = [row for row, segment in enumerate(segments) if segment.source.ids]
    sources: list[Sequence[int]] = [segments[row].source.ids for row in rows]
    lengths = [max_len(translator, len(source) + 1, options) for source in sources]
    prefixes = [segments[row].prefix for row in rows]
    limit = _max_source_len(translator)
    insertions = {
        row: source_insertions(segments[row], translator.src_subword, limit=limit)
        for row in rows
        if segments[row].source_terms
    }
    if insertions:
        sources = [insert_terms(source, insertions.get(row, ())) for row, source in zip(rows, sources, strict=True)]
    with named_lines([segments[row].line for row in rows]):
        n_best_lists = translator.engine.search(
            sources,
            lengths,
            _with_streams(search, [segments[row] for row in rows]),
            need_weights=options.need_weights,
            need_scores=options.need_scores,
            prefixes=prefixes if any(prefixes) else None,
            word_end=word_end or _word_end(translator) if any(prefixes) else None,
            constraints=_search_constraints(translator, [segments[row] for row in rows]),
        )
    if insertions:
        n_best_lists = [
            [without_insertions(hypothesis, insertions.get(row, ())) for hypothesis in hypotheses]
            for row, hypotheses in zip(rows, n_best_lists, strict=True)
        ]
    found = {
        row: [_result(translator, segments[row], hypothesis, options) for hypothesis in hypotheses]
        for row, hypotheses in zip(rows, n_best_lists, strict=True)
    }
    return [
        replace(segment, found=found[row]) if row in found else _without_source(translator, segment)
        for row, segment in enumerate(segments)
    ]


def _search_constraints(translator: TranslatorParts, segments: Sequence[Segment]) -> SearchConstraints | None:
    constraints = [segment.constraints for segment in segments]
    return SearchConstraints(translator.tgt_subword.term_vocabulary(), constraints) if any(constraints) else None


def _word_end(translator: TranslatorParts) -> WordEnd:
    """Excludes the subwords that would make the last word of a prefix longer."""
    boundaries = translator.tgt_subword.word_boundaries()
    return WordEnd(torch.tensor(boundaries.ends_with_letter), torch.tensor(boundaries.continues_word))


def _without_source(translator: TranslatorParts, segment: Segment) -> Segment:
    """The translation of a segment without words: its prefix."""
    text = translator.tgt_subword.decode(segment.prefix).text
    return replace(segment, found=[Translation(segment.source.text, text, 0.0).judged_by(segment.constraints)])


def _with_streams(search: BeamOptions | SampleOptions, segments: Sequence[Segment]) -> BeamOptions | SampleOptions:
    """Options of sampling with random numbers that depend on the line of each segment, not on the batch."""
    if isinstance(search, BeamOptions) or search.streams is not None:
        return search
    return replace(search, streams=tuple((segment.line << 32) + segment.first_word for segment in segments))


def max_len(translator: TranslatorParts, src_len: int, options: TranslateOptions) -> int:
    """Largest allowed length of a translation, in subwords.

    Args:
        translator: The translator.
        src_len: Number of subwords of the source, eos included.
        options: Options of the translation.

    Returns:
        Number of subwords, eos included.
    """
    search, ratio = translator.search, options.max_len_ratio
    limit = min(int(src_len * search.max_len_ratio) + search.max_len_offset, translator.limits.max_positions)
    return limit if ratio is None else min(limit, max(1, int(ratio * (src_len - 1) + 1e-6)) + 1)


def _result(
    translator: TranslatorParts, segment: Segment, hypothesis: Hypothesis, options: TranslateOptions
) -> Translation:
    ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
    readout = translator.readout if options.need_alignment else None
    target = translator.tgt_subword.decode(ids)
    translation = Translation.of(segment.source, target, hypothesis, attention=options.attention, readout=readout)
    return translation.judged_by(segment.constraints, segment.source_terms)


@contextmanager
def named_lines(lines: Sequence[int]) -> Iterator[None]:
    """Context manager in which errors of `Engine.search` name a sentence by the number of its line.

    Without it, they name the position of the sentence in the list that the engine was given.

    Args:
        lines: Number of the line of each sentence in that list.

    Yields:
        Nothing.

    Raises:
        NotFiniteError: The model's logits are not finite.
        PrefixError: A prefix cannot begin a translation.
    """
    try:
        yield
    except NotFiniteError as error:
        line = lines[error.sentence]
        raise NotFiniteError(error.sentence, error.step, where=f"sentence {line}") from None
    except PrefixError as error:
        raise PrefixError(error.sentence, error.reason, where=f"sentence {lines[error.sentence]}") from None
