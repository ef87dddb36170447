"""Glossaries: terms with the translations that they must, or must not, have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from regard.errors import DataError
from regard.search.constraints import Constraints, Term
from regard.text.normalize import normalize
from regard.translation.glossary_matching import TermIndex
from regard.translation.glossary_words import Words
from regard.values import Span

MAX_ENTRIES = 1_000_000
"""Largest number of entries of a glossary."""
MAX_TERM = 500
"""Largest number of characters of a term."""
MAX_ALTERNATIVES = 50
"""Largest number of alternatives of a term."""


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """A term and its translations.

    Attributes:
        sources: Spellings of the term in the source language, normalized; any of them is found. Empty for translations
            that are forbidden in every sentence.
        targets: Translations, any of which may be used, normalized; empty if the entry only forbids some.
        forbidden: Translations that must not be used where the term occurs, normalized.
        case: Whether upper and lower case letters are distinguished, in the source and in the target.
        inflect: Whether the first and the last word of the source may have endings of up to three letters.
        keep: Whether the term is not translated: its translation is what the sentence contains.
        where: File and line, for messages; empty if the entry is from no file.

    Raises:
        DataError: The entry has no term or no translation, or one is too long.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    case: bool = False
    inflect: bool = False
    keep: bool = False
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("sources", "targets", "forbidden"):
            texts = tuple(dict.fromkeys(text for text in map(normalize, getattr(self, name)) if text))
            object.__setattr__(self, name, texts)
            self._check(texts, name)
        if not (self.targets or self.forbidden or self.keep):
            raise DataError(
                f"{self._start}expected a translation of {_short(self.sources)}, found none: add one, or the flag keep "
                "to leave the term untranslated"
            )
        if not self.sources and (self.targets or self.keep):
            raise DataError(
                f"{self._start}expected a source term, found none: add the term, or write an exclamation mark before "
                "the translation to forbid it in every sentence"
            )
        if self.keep and self.targets and set(self.targets) != set(self.sources):
            raise DataError(
                f"{self._start}expected no translation of a term with the flag keep, found {_short(self.targets)}: "
                "remove the flag or the translation"
            )
        both = set(self.targets) & set(self.forbidden)
        if both:
            raise DataError(
                f"{self._start}{_short(sorted(both))} is both a translation of {_short(self.sources)} and forbidden: "
                "remove one of the two"
            )

    @property
    def _start(self) -> str:
        return f"{self.where}: " if self.where else ""

    def _check(self, texts: Sequence[str], name: str) -> None:
        longest = max(map(len, texts), default=0)
        if longest > MAX_TERM or len(texts) > MAX_ALTERNATIVES:
            found = f"{longest} characters" if longest > MAX_TERM else f"{len(texts)} alternatives"
            raise DataError(
                f"{self._start}expected terms of at most {MAX_TERM} characters and {MAX_ALTERNATIVES} alternatives, "
                f"found {name} with {found}: shorten the entry, or check that columns are separated by tabs"
            )

    def term(self, surface: str, span: Span) -> Term | None:
        """What a translation must contain for an occurrence of this entry.

        Args:
            surface: Text of the occurrence in the sentence.
            span: Range of its characters in the sentence.

        Returns:
            The term; None if the entry only forbids translations.
        """
        if self.keep:
            return Term((surface,), span)
        return Term(self.targets, span, ignore_case=not self.case) if self.targets else None


@dataclass(frozen=True, slots=True)
class GlossaryMatch:
    """An occurrence of a glossary entry in a sentence.

    Attributes:
        entry: The entry.
        span: Range `[start, end)` of the characters of the sentence.
        surface: The text of these characters.
    """

    entry: GlossaryEntry
    span: Span
    surface: str


class Glossary:
    """Terms with the translations that they must, or must not, have.

    Terms are found in a sentence as whole words, without regard to case unless an entry has `case`. Where occurrences
    overlap, the longest counts. If several entries match the same characters, one with `case` is preferred, then one
    without `inflect` (which also matches other endings of a word), then the earlier one. Entries that only forbid
    translations apply in addition to the preferred one. Each entry counts once per sentence, at its first occurrence,
    since a translation may replace a repetition by a pronoun. See `GlossaryEntry` for `case`, `inflect` and `keep`.

    Args:
        entries: The entries. Those with equal `sources`, `case`, `inflect` and `keep` are joined: the translations of
            either may be used.

    Attributes:
        entries: The entries, joined.
        always_excluded: Translations that are forbidden in every sentence.

    Raises:
        DataError: There are too many entries, or one forbids what another requires for the same term.
    """

    def __init__(self, entries: Iterable[GlossaryEntry]) -> None:
        self.entries = _joined(entries)
        self.always_excluded = tuple(
            Term((text,), ignore_case=not entry.case)
            for entry in self.entries
            if not entry.sources
            for text in entry.forbidden
        )
        self._index = TermIndex()
        for number, entry in enumerate(self.entries):
            for source in entry.sources:
                self._index.add(source, number, inflect=entry.inflect)

    def __len__(self) -> int:
        """Number of entries."""
        return len(self.entries)

    def __eq__(self, other: object) -> bool:
        """Whether another glossary has the same entries in the same order."""
        if not isinstance(other, Glossary):
            return NotImplemented
        return self is other or self.signature == other.signature

    def __hash__(self) -> int:
        """Hash of the entries."""
        return hash(self.signature)

    @cached_property
    def signature(self) -> str:
        """Hash of the entries in hexadecimal digits, by which equal glossaries are recognized."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(repr(_key(entry)).encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    def find(self, sentence: str) -> tuple[GlossaryMatch, ...]:
        """Finds the terms of a sentence.

        Args:
            sentence: The sentence, as `regard.text.normalize.normalize` returns it.

        Returns:
            Occurrences that do not overlap, in the order of the sentence.
        """
        candidates = [
            (span, number)
            for span, numbers in self._index.find(Words.of(sentence))
            for number in numbers
            if not self.entries[number].case or _has_case(self.entries[number], sentence[slice(*span)])
        ]
        candidates.sort(key=self._rank)
        taken, complete = bytearray(len(sentence)), dict[Span, bool]()
        matches: dict[tuple[int, str], GlossaryMatch] = {}
        for span, number in candidates:
            start, end = span
            entry = self.entries[number]
            translates = entry.keep or bool(entry.targets)
            if complete.get(span, any(taken[start:end])) and (translates or span not in complete):
                continue
            complete[span] = translates or complete.get(span, False)
            taken[start:end] = b"\1" * (end - start)
            surface = sentence[start:end]
            key = number, surface if entry.keep else ""
            if key not in matches or start < matches[key].span[0]:
                matches[key] = GlossaryMatch(entry, span, surface)
        return tuple(sorted(matches.values(), key=lambda match: match.span))

    def _rank(self, candidate: tuple[Span, int]) -> tuple[int, int, bool, bool, int]:
        """Sort key of an occurrence: longest first, then as in the description of the class."""
        (start, end), number = candidate
        entry = self.entries[number]
        return start - end, start, not entry.case, entry.inflect, number

    def match(self, sentence: str) -> Constraints:
        """Finds what the translation of a sentence must and must not contain.

        >>> glossary = Glossary([GlossaryEntry(("day",), ("journée", "jour")), GlossaryEntry(("your",), (), ("vos",))])
        >>> glossary.match("How was your day?").include
        (Term(alternatives=('journée', 'jour'), source=(13, 16), ignore_case=True, whole_words=True),)

        Args:
            sentence: The sentence, as `regard.text.normalize.normalize` returns it.

        Returns:
            The terms, with their characters in the sentence.
        """
        include, exclude = [], list(self.always_excluded)
        for found in self.find(sentence):
            term = found.entry.term(found.surface, found.span)
            if term is not None:
                include.append(term)
            exclude += [Term((text,), found.span, ignore_case=not found.entry.case) for text in found.entry.forbidden]
        return Constraints(tuple(include), tuple(exclude))


def _has_case(entry: GlossaryEntry, surface: str) -> bool:
    """Whether an occurrence has the case of the term, apart from endings."""
    words = surface.split(" ")
    return any(
        len(words) == len(parts) and all(word.startswith(part) for word, part in zip(words, parts, strict=True))
        for parts in (source.split(" ") for source in entry.sources)
    )


def _key(entry: GlossaryEntry) -> tuple[object, ...]:
    return entry.sources, entry.targets, entry.forbidden, entry.case, entry.inflect, entry.keep


def _joined(entries: Iterable[GlossaryEntry]) -> tuple[GlossaryEntry, ...]:
    """Joins the entries of equal terms, and refuses contradictions."""
    joined: dict[tuple[object, ...], GlossaryEntry] = {}
    for number, entry in enumerate(entries, start=1):
        if number > MAX_ENTRIES:
            raise DataError(
                f"{entry.where or 'glossary'}: expected at most {MAX_ENTRIES:,} entries, found more: split the "
                "glossary by subject, and give the part that the text needs"
            )
        key = entry.sources, entry.case, entry.inflect, entry.keep
        known = joined.get(key)
        joined[key] = entry if known is None else _join(known, entry)
    return tuple(joined.values())


def _join(first: GlossaryEntry, second: GlossaryEntry) -> GlossaryEntry:
    for required, forbidding in ((first, second), (second, first)):
        both = set(required.targets) & set(forbidding.forbidden)
        if both:
            raise DataError(
                f"{second._start}{_short(sorted(both))} is required as a translation of {_short(first.sources)} by one "
                f"entry and forbidden by another ({first.where or 'an earlier one'}): remove one of the two"
            )
    return GlossaryEntry(
        first.sources,
        (*first.targets, *second.targets),
        (*first.forbidden, *second.forbidden),
        first.case,
        first.inflect,
        first.keep,
        first.where,
    )


def _short(texts: Sequence[str]) -> str:
    """Texts for a message, cut if they are long."""
    return " | ".join(map(repr, texts))[:200] or "no text"


def merge_constraints(constraints: Iterable[Constraints | None]) -> Constraints:
    """Joins constraints on the translation of one sentence, without repetitions.

    Args:
        constraints: The constraints to join; None among them is ignored.

    Returns:
        Constraints with the terms of all, in order.
    """
    given = [each for each in constraints if each is not None]
    include = dict.fromkeys(term for each in given for term in each.include)
    exclude = dict.fromkeys(term for each in given for term in each.exclude)
    return Constraints(tuple(include), tuple(exclude))
