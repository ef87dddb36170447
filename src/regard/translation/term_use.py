"""Which terms of a glossary a translation uses, and counts of this over many sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regard.search.constraints import Term
from regard.text.word_boundaries import is_within_word
from regard.translation.glossary import Glossary
from regard.translation.glossary_words import fold
from regard.values import Span

MAX_LINES = 50
"""Largest number of terms in a report of `TermStatistics`."""


@dataclass(frozen=True, slots=True)
class TermUse:
    """A term of a glossary in a sentence, and whether the translation has it.

    Attributes:
        source: The term, as the sentence contains it; empty for a translation that is forbidden in every sentence.
        span: Range `[start, end)` of its characters in the sentence; None where `source` is empty.
        targets: Translations, any of which may be used; if `is_forbidden`, the translation that must not be used.
        is_forbidden: Whether the translation must not be used.
        is_met: Whether one of the translations was used, or the forbidden one was not.
        target_spans: Ranges of the characters of the translation that are one of `targets`.
    """

    source: str
    span: Span | None
    targets: tuple[str, ...]
    is_forbidden: bool
    is_met: bool
    target_spans: tuple[Span, ...]

    def to_dict(self) -> dict[str, object]:
        """The attributes as a JSON object: `source`, `span`, `targets`, `forbidden`, `met`, `target_spans`."""
        return {
            "source": self.source,
            "span": None if self.span is None else list(self.span),
            "targets": list(self.targets),
            "forbidden": self.is_forbidden,
            "met": self.is_met,
            "target_spans": [list(span) for span in self.target_spans],
        }


def term_uses(glossary: Glossary, sentence: str, translation: str) -> tuple[TermUse, ...]:
    """Finds the glossary terms in a sentence, and whether its translation uses the translations in the glossary.

    The translation is judged as a text, independently of the search that found it.

    Args:
        glossary: The glossary.
        sentence: The sentence, as `regard.text.normalize.normalize` returns it.
        translation: Its translation.

    Returns:
        One `TermUse` for each term in the sentence, in order, and one for each forbidden translation of such a term.
        Translations that are forbidden in every sentence are included only if they occur.
    """
    uses = []
    for match in glossary.find(sentence):
        term = match.entry.term(match.surface, match.span)
        if term is not None:
            spans = occurrences(term, translation)
            uses.append(TermUse(match.surface, match.span, term.alternatives, False, bool(spans), spans))
        for text in match.entry.forbidden:
            spans = occurrences(Term((text,), ignore_case=not match.entry.case), translation)
            uses.append(TermUse(match.surface, match.span, (text,), True, not spans, spans))
    for term in glossary.always_excluded:
        if spans := occurrences(term, translation):
            uses.append(TermUse("", None, term.alternatives, True, False, spans))
    return tuple(uses)


def occurrences(term: Term, text: str) -> tuple[Span, ...]:
    """Finds where a text contains a term.

    Args:
        term: The term.
        text: The text.

    Returns:
        Ranges of characters of the text, in order; those of different alternatives may overlap.
    """
    indices = list(range(len(text) + 1))
    if term.ignore_case:
        folded = [fold(character) for character in text]
        indices = [index for index, part in enumerate(folded) for _ in part] + [len(text)]
        haystack = "".join(folded)
    else:
        haystack = text
    spans = set[Span]()
    for alternative in term.alternatives:
        needle = fold(alternative) if term.ignore_case else alternative
        start = haystack.find(needle)
        while start >= 0:
            span = indices[start], indices[start + len(needle)]
            if not term.whole_words or not any(is_within_word(text, place) for place in span):
                spans.add(span)
            start = haystack.find(needle, start + 1)
    return tuple(sorted(spans))


@dataclass(slots=True)
class TermCount:
    """In how many sentences a term of a glossary occurs, and how many of their translations respect it.

    Attributes:
        source: The term; empty for a translation that is forbidden in every sentence.
        targets: Its translations, or the forbidden translation.
        is_forbidden: Whether the translation must not be used.
        matched: Number of sentences that contain the term.
        met: Number of these sentences whose translation uses one of `targets`; if `is_forbidden`, does not use it.
    """

    source: str
    targets: tuple[str, ...]
    is_forbidden: bool
    matched: int = 0
    met: int = 0

    @property
    def unmet(self) -> int:
        """Number of sentences whose translation lacks the term, or has the forbidden translation."""
        return self.matched - self.met

    def __str__(self) -> str:
        """The count as a line of text, such as `term house -> maison: 3 matched, 2 met, 1 unmet`."""
        target = ("not " if self.is_forbidden else "") + " | ".join(self.targets)
        return f"term {self.source or 'any'} -> {target}: {self.matched} matched, {self.met} met, {self.unmet} unmet"


class TermStatistics:
    """Counts how often translations use, or fail to use, each term of a glossary.

    A term is matched where the source sentence contains it, and met where the translation then uses one of its
    translations, or does not use the forbidden one.

    Args:
        glossary: The glossary.
    """

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._counts: dict[tuple[str, tuple[str, ...], bool], TermCount] = {}

    def add(self, sentence: str, translation: str) -> tuple[TermUse, ...]:
        """Counts the glossary terms in a sentence, and those that its translation uses.

        Args:
            sentence: The sentence, as `regard.text.normalize.normalize` returns it.
            translation: Its translation.

        Returns:
            The terms in the sentence, each with whether the translation uses it.
        """
        uses = term_uses(self._glossary, sentence, translation)
        for use in uses:
            key = fold(use.source), use.targets, use.is_forbidden
            count = self._counts.setdefault(key, TermCount(use.source, use.targets, use.is_forbidden))
            count.matched += 1
            count.met += use.is_met
        return uses

    @property
    def counts(self) -> tuple[TermCount, ...]:
        """The count of each term that was matched, in the order of their first occurrence."""
        return tuple(self._counts.values())

    def to_dict(self) -> list[dict[str, object]]:
        """The counts as JSON objects: `source`, `targets`, `forbidden`, `matched`, `met`, `unmet`."""
        return [
            {
                "source": count.source,
                "targets": list(count.targets),
                "forbidden": count.is_forbidden,
                "matched": count.matched,
                "met": count.met,
                "unmet": count.unmet,
            }
            for count in self.counts
        ]

    def report(self) -> list[str]:
        """The counts as lines of text: the totals, then up to 50 terms, those with most unmet sentences first."""
        ranked = sorted(self.counts, key=lambda count: -count.unmet)
        matched, met = sum(count.matched for count in ranked), sum(count.met for count in ranked)
        lines = [f"terms: {matched} matched, {met} met, {matched - met} unmet"]
        lines += map(str, ranked[:MAX_LINES])
        if len(ranked) > MAX_LINES:
            lines.append(f"... and {len(ranked) - MAX_LINES} more terms")
        return lines


def count_terms(glossary: Glossary, pairs: Iterable[tuple[str, str]]) -> TermStatistics:
    """Counts the glossary terms in many sentences, and those that their translations use.

    Args:
        glossary: The glossary.
        pairs: Source sentences, normalized by `regard.text.normalize`, and their translations.

    Returns:
        The counts.
    """
    statistics = TermStatistics(glossary)
    for sentence, translation in pairs:
        statistics.add(sentence, translation)
    return statistics
