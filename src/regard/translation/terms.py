"""Terms of sentences: checked against the vocabulary, and divided among the segments of a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from regard.errors import SearchError
from regard.search.constraints import Constraints, Term
from regard.search.term_automaton import MAX_TERMS
from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.text.term_vocabulary import INVALID
from regard.translation.result import Segment

GivenConstraints = Constraints | Sequence[Constraints | None]
"""Constraints of each sentence, None for none; or the constraints of all sentences."""


def checked_constraints(
    constraints: GivenConstraints | None, subword: Subword, lines: Sequence[str], *, first: int = 1
) -> list[Constraints]:
    """Normalizes the constraints of sentences, and checks that translations can satisfy them.

    Args:
        constraints: A `Constraints` for each line, None for no terms; or one for all lines; or None = no constraints.
        subword: Target vocabulary.
        lines: The source sentences, normalized by `regard.text.normalize`.
        first: Number of the first line, for error messages.

    Returns:
        The constraints of each line, with normalized terms; empty where there are none. Alternatives that the
        vocabulary cannot spell, or that contain an excluded term, are left out if there are others.

    Raises:
        SearchError: The numbers of constraints and lines differ, no alternative of a term is possible, the source range
            of a term ends after its sentence, or there are too many terms.
    """
    if constraints is None or isinstance(constraints, Constraints):
        given: Sequence[Constraints | None] = [constraints] * len(lines)
    else:
        given = constraints
    if len(given) != len(lines):
        raise SearchError(
            f"expected constraints for each of the {len(lines)} sentences, got them for {len(given)}: give None for "
            "sentences without constraints"
        )
    checked: dict[Constraints, Constraints] = {}
    result = []
    for number, (line, own) in enumerate(zip(lines, given, strict=True), start=first):
        own = own or Constraints()
        _check_sources(own, line, number)
        if own not in checked:
            checked[own] = _checked(own, subword, number)
        result.append(checked[own])
    return result


def divided_constraints(
    segments: Sequence[Segment], line: str, constraints: Constraints, limits: Sequence[int]
) -> list[Segment]:
    """Divides the constraints of a line among its segments.

    Excluded terms belong to all segments. An included term belongs to the segment that contains the beginning of its
    source words; without source words, to the first segment whose limit leaves enough subwords for it.

    Args:
        segments: Segments of one line, in order; at least one.
        line: The line, normalized.
        constraints: Constraints of the line.
        limits: Largest number of subwords of the translation of each segment.

    Returns:
        The segments with their constraints.
    """
    if len(segments) == 1:
        return [replace(segments[0], constraints=constraints)]
    included: list[list[Term]] = [[] for _ in segments]
    starts = _starts(segments, line)
    room = list(limits)
    for term in constraints.include:
        size = 1 + len(term.alternatives[0].encode())  # no term needs more subwords
        if term.source is None:
            number = next((number for number, left in enumerate(room) if size <= left), 0)
        else:
            number = max(number for number, start in enumerate(starts) if start <= term.source[0])
            length = len(segments[number].source.text)
            start = min(term.source[0] - starts[number], length - 1)
            term = replace(term, source=(start, min(max(term.source[1] - starts[number], start + 1), length)))
        room[number] -= size
        included[number].append(term)
    return [
        replace(segment, constraints=Constraints(tuple(terms), constraints.exclude))
        for segment, terms in zip(segments, included, strict=True)
    ]


def _starts(segments: Sequence[Segment], line: str) -> list[int]:
    """Position of the first character of each segment in the line."""
    starts, end = [], 0
    for segment in segments:
        starts.append(line.index(segment.source.text, end))
        end = starts[-1] + len(segment.source.text)
    return starts


def _check_sources(constraints: Constraints, line: str, number: int) -> None:
    for term in constraints.include:
        if term.source is not None and term.source[1] > len(line):
            raise SearchError(
                f"sentence {number}: the source of the term {term.alternatives[0]!r} ends at character "
                f"{term.source[1]}, but the sentence has {len(line)} characters: give positions in the normalized "
                "sentence"
            )


def _checked(constraints: Constraints, subword: Subword, number: int) -> Constraints:
    if len(constraints.include) > MAX_TERMS:
        raise SearchError(
            f"sentence {number}: expected at most {MAX_TERMS} terms to include, got {len(constraints.include)}: leave "
            "some out"
        )
    exclude = tuple(_normalized(term, term.alternatives) for term in constraints.exclude)
    include = []
    for term in constraints.include:
        term = _normalized(term, term.alternatives)
        spelled = [text for text in term.alternatives if _can_spell(subword, text)]
        if not spelled:
            raise SearchError(
                f"sentence {number}: the vocabulary does not contain all characters of the term "
                f"{term.alternatives[0][:80]!r}: give another term, or leave it out"
            )
        possible = [text for text in spelled if not any(other.occurs_in(text) for other in exclude)]
        if not possible:
            raise SearchError(
                f"sentence {number}: the term {term.alternatives[0][:80]!r} is to be included, but it contains a term "
                "that is excluded: leave one of them out"
            )
        include.append(_normalized(term, possible))
    return Constraints(tuple(include), exclude)


def _normalized(term: Term, alternatives: Iterable[str]) -> Term:
    return replace(term, alternatives=tuple(dict.fromkeys(filter(None, map(normalize, alternatives)))))


def _can_spell(subword: Subword, text: str) -> bool:
    return INVALID not in text and subword.specials.unk not in subword.encode_ids([text])[0]
