"""A second attempt at translations with quality flags: sentence by sentence, and with a wider beam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from regard.search.beam import BeamOptions
from regard.text.sentences import sentence_spans
from regard.text.subword import Subword
from regard.translation.result import Segment, Translation, concatenate

Search = Callable[[Sequence[Segment], BeamOptions], Sequence[Segment]]
"""Function that translates segments with the given search options; returns the segments with their translations."""

WIDEN, COVERAGE = 2, 0.2
"""Factor by which the second search widens the beam, and its smallest coverage penalty β (Wu et al. 2016, §7)."""


def retry(
    segments: Sequence[Segment], search: Search, *, options: BeamOptions, subword: Subword, attends: bool
) -> list[Segment]:
    """Translates segments with quality flags (signs of a bad translation) again, and keeps the best attempt.

    Every segment with flags is translated with a wider beam and a coverage penalty. A segment of several sentences is
    also translated sentence by sentence, unless it has a prefix or terms to include, which may concern several
    sentences. Of all attempts, including the first, the translation with the fewest unsatisfied terms is kept; of
    several, the one with the fewest flags; then the earliest.

    Args:
        segments: Translated segments.
        search: Function that translates the given segments with the given search options.
        options: Search options of the first translation.
        subword: Source subword model.
        attends: Whether the model has attention, without which a coverage penalty is not possible.

    Returns:
        All segments in their order, with the translations that were kept.
    """
    flagged = [number for number, segment in enumerate(segments) if segment.found[0].quality_flags]
    if not flagged:
        return list(segments)
    attempts: dict[int, list[Sequence[Translation]]] = {number: [segments[number].found] for number in flagged}
    sentences = {number: _sentences(segments[number], subword) for number in flagged}
    translated = iter(search([sentence for number in flagged for sentence in sentences[number]], options))
    for number in flagged:
        if sentences[number]:
            own = list(islice(translated, len(sentences[number])))
            attempts[number].append((concatenate(segments[number].source.text, own),))
    penalty = max(options.coverage_penalty, COVERAGE) if attends else options.coverage_penalty
    wider = replace(options, beam=WIDEN * options.beam, coverage_penalty=penalty)
    for number, segment in zip(flagged, search([segments[number] for number in flagged], wider), strict=True):
        attempts[number].append(segment.found)
    best = {number: min(found, key=_num_faults) for number, found in attempts.items()}
    return [replace(segment, found=best.get(number, segment.found)) for number, segment in enumerate(segments)]


def _num_faults(found: Sequence[Translation]) -> tuple[int, int]:
    """Number of constraints that the best translation does not satisfy, and of its quality flags."""
    return len(found[0].unmet), len(found[0].quality_flags)


def _sentences(segment: Segment, subword: Subword) -> list[Segment]:
    """The sentences of a segment, if there are several and each is short enough for the model."""
    if segment.prefix or segment.constraints.include or segment.source_terms:
        return []
    text = segment.source.text
    spans = sentence_spans(text)
    encoded = [subword.encode(text[start:end]) for start, end in spans]
    if len(encoded) < 2 or max(len(sentence.ids) for sentence in encoded) > len(segment.source.ids):
        return []
    return [
        Segment(segment.line, text.count(" ", 0, start), sentence, constraints=segment.constraints)
        for (start, _), sentence in zip(spans, encoded, strict=True)
    ]
