"""A second try for translations that look wrong: sentence by sentence, and by a wider search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from regard.search.beam import BeamOptions
from regard.text.sentences import sentence_spans
from regard.text.subword import Subword
from regard.translation.result import Translation
from regard.translation.segments import Segment, concatenate

Search = Callable[[Sequence[Segment], BeamOptions], Sequence[Segment]]
"""Fills parts with their translations."""

WIDEN, COVERAGE = 2, 0.2
"""The second beam is so many times as wide, and its coverage penalty β at least this (Wu et al. 2016, §7)."""


def retry(
    parts: Sequence[Segment], search: Search, *, options: BeamOptions, subword: Subword, attends: bool
) -> list[Segment]:
    """Translates again what is suspicious, and keeps the least suspicious translation.

    A part of several sentences is translated sentence by sentence; every part is also translated with a wider beam
    and a coverage penalty. Of all answers the one with the fewest suspicions is kept; the first one stays where the
    others are no better.

    Args:
        parts: Translated.
        search: Translates parts.
        options: What they were translated with.
        subword: Vocabulary of the source.
        attends: Whether the model has attention, without which there is no coverage penalty.

    Returns:
        As many parts, in their order.
    """
    doubtful = [number for number, part in enumerate(parts) if part.found[0].quality_flags]
    if not doubtful:
        return list(parts)
    answers: dict[int, list[Sequence[Translation]]] = {number: [parts[number].found] for number in doubtful}
    cut = {number: _sentences(parts[number], subword) for number in doubtful}
    translated = iter(search([one for number in doubtful for one in cut[number]], options))
    for number in doubtful:
        if cut[number]:
            sentences = list(islice(translated, len(cut[number])))
            answers[number].append((concatenate(parts[number].source.text, sentences),))
    charge = max(options.coverage_penalty, COVERAGE) if attends else options.coverage_penalty
    wider = replace(options, beam=WIDEN * options.beam, coverage_penalty=charge)
    for number, again in zip(doubtful, search([parts[number] for number in doubtful], wider), strict=True):
        answers[number].append(again.found)
    best = {number: min(found, key=lambda one: len(one[0].quality_flags)) for number, found in answers.items()}
    return [replace(part, found=best.get(number, part.found)) for number, part in enumerate(parts)]


def _sentences(part: Segment, subword: Subword) -> list[Segment]:
    """The sentences of a part, if they are several and the model can take each."""
    text = part.source.text
    spans = sentence_spans(text)
    cut = [subword.encode(text[start:end]) for start, end in spans]
    if len(cut) < 2 or max(len(one.ids) for one in cut) > len(part.source.ids):
        return []
    return [
        Segment(part.line, text.count(" ", 0, start), source) for (start, _), source in zip(spans, cut, strict=True)
    ]
