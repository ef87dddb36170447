"""How the subwords of a vocabulary spell a term.

A term can be spelled by many sequences of subwords. A model has learned the segmentation that the vocabulary chooses,
so the search offers the subwords of this segmentation, and of others that are not longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from regard.search.constraints import Constraints, Term
from regard.text.term_vocabulary import SPACE_CLASS, TermVocabulary, fold, fold_character
from regard.text.word_boundaries import is_letter


@dataclass(frozen=True, slots=True)
class Pattern:
    """One alternative of a term, and the number of subwords that spell it.

    Attributes:
        text: The text to find; with case folded if `ignore_case`.
        bit: Integer with a single bit set, which stands for the term in bit masks; all excluded terms have the same.
        starts_word: Whether no letter may precede the text.
        ends_word: Whether no letter may follow the text.
        ignore_case: Whether upper and lower case are the same.
        spelled: The text with its case not folded.
        costs: Number of subwords that spell `text[i:]`, for each i from 0 to the length of the text, where it is 0;
            empty for excluded terms.
        cost: Number of subwords that spell the text with a space before it, as it must be written after a letter.
    """

    text: str
    bit: int
    starts_word: bool
    ends_word: bool
    ignore_case: bool
    spelled: str
    costs: tuple[int, ...] = field(default=())
    cost: int = 0

    def matches(self, position: int, character: str) -> bool:
        """Compares a character of a translation with one of the pattern's text.

        Args:
            position: Index of the character in the pattern's text.
            character: Character of the translation.

        Returns:
            True if they are equal, without regard to their case if `ignore_case` is set.
        """
        return self.text[position] == (fold_character(character) if self.ignore_case else character)

    def starting_tokens(self, vocabulary: TermVocabulary) -> Iterator[int]:
        """Yields the ids of subwords that contain the whole text of the pattern or end with its first characters."""
        index = vocabulary.index(ignore_case=self.ignore_case)
        for end in range(1, min(len(self.text), index.longest) + 1):
            yield from index.ending_with(self.text[:end], whole_word=self.starts_word)
        yield from index.containing(self.text, starts_word=self.starts_word, ends_word=self.ends_word)

    def continuing_tokens(self, vocabulary: TermVocabulary, length: int, last_class: int) -> Iterator[int]:
        """Finds the subwords that continue the pattern's text, of which the translation so far ends with a part.

        Such a subword is the beginning of the rest of the text, or begins with the whole rest.

        Args:
            vocabulary: Target vocabulary.
            length: Number of characters, from the start of the pattern's text, with which the translation ends.
            last_class: Class of the last character of the translation: `SPACE_CLASS`, `LETTER_CLASS` or `OTHER_CLASS`.

        Yields:
            Ids of the subwords.
        """
        index, rest = vocabulary.index(ignore_case=self.ignore_case), self.text[length:]
        for lead in ("", " ") if last_class == SPACE_CLASS else ("",):
            text = lead + rest
            for end in range(1, min(len(text), index.longest) + 1):
                yield from index.equal(text[:end])
            if rest:
                yield from index.starting_with(text, whole_word=self.ends_word)

    def remaining(self, length: int, pending: bytes) -> int | None:
        """Number of subwords that spell the rest of the pattern's text, of which a translation ends with a part.

        Args:
            length: Number of characters, from the start of the pattern's text, with which the translation ends.
            pending: First bytes of the next character, if the translation ends with an incomplete one.

        Returns:
            The number; None if the next character of the text does not begin with these bytes.
        """
        if not pending:
            return self.costs[length]
        if length == len(self.text):
            return None
        encoded = self.spelled[length].encode()
        return len(encoded) - len(pending) + self.costs[length + 1] if encoded.startswith(pending) else None

    def nearing_tokens(self, vocabulary: TermVocabulary, length: int, pending: bytes) -> Iterator[int]:
        """Finds the next subwords that reduce the number of subwords needed to complete the pattern's text.

        Args:
            vocabulary: Target vocabulary.
            length: Number of characters, from the start of the pattern's text, with which the translation ends.
            pending: First bytes of the next character, if the translation ends with an incomplete one.

        Yields:
            Ids of the subwords.
        """
        if length == len(self.text):
            return
        encoded = self.spelled[length].encode()
        if pending:
            yield vocabulary.byte_ids[encoded[len(pending)]]
            return
        index, rest = vocabulary.index(ignore_case=self.ignore_case), self.text[length:]
        limit = min(self.costs[length], self.cost)
        for end in range(1, min(len(rest), index.longest) + 1):
            if self.costs[length + end] < limit:
                yield from vocabulary.without_bytes(index.equal(rest[:end]))
        if len(encoded) > 1 and limit == len(encoded) + self.costs[length + 1] and encoded[0] in vocabulary.byte_ids:
            yield vocabulary.byte_ids[encoded[0]]

    def beginning_tokens(self, vocabulary: TermVocabulary) -> Iterator[int]:
        """Finds the subwords that begin the pattern's text and a space before it.

        Such a subword is a space, alone or with the first characters of the text, after which fewer than `cost`
        subwords are needed.

        Args:
            vocabulary: Target vocabulary.

        Yields:
            Ids of the subwords.
        """
        index = vocabulary.index(ignore_case=self.ignore_case)
        for end in range(min(len(self.text), index.longest) + 1):
            if self.costs[end] < self.cost:
                yield from vocabulary.without_bytes(index.equal(" " + self.text[:end]))


def make_patterns(vocabulary: TermVocabulary, constraints: Constraints, *, excluded: int) -> list[Pattern]:
    """Makes the patterns to find in a translation: the alternatives of its included and excluded terms.

    Args:
        vocabulary: Target vocabulary.
        constraints: The constraints, whose terms are normalized; the vocabulary can spell each alternative of each
            included term.
        excluded: Bit that stands for all excluded terms together; included term j has bit j.

    Returns:
        One pattern per alternative of each term, included terms first.
    """
    included = [
        (text, 1 << number, term) for number, term in enumerate(constraints.include) for text in term.alternatives
    ]
    segmented = [vocabulary.encode([text])[0] for text, _, _ in included]  # SentencePiece starts threads for a list
    patterns = [
        _pattern(text, bit, term, _costs(vocabulary, text, ids))
        for (text, bit, term), ids in zip(included, segmented, strict=True)
    ]
    return patterns + [
        _pattern(text, excluded, term, ((), 0)) for term in constraints.exclude for text in term.alternatives
    ]


def _pattern(text: str, bit: int, term: Term, costs: tuple[tuple[int, ...], int]) -> Pattern:
    return Pattern(
        fold(text) if term.ignore_case else text,
        bit,
        starts_word=term.whole_words and is_letter(text[0]),
        ends_word=term.whole_words and is_letter(text[-1]),
        ignore_case=term.ignore_case,
        spelled=text,
        costs=costs[0],
        cost=costs[1],
    )


def _costs(vocabulary: TermVocabulary, text: str, ids: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Number of subwords that spell each `text[i:]`, and the whole text with a space before it."""
    chosen = _remaining_subwords(vocabulary, text, ids)
    index = vocabulary.index(ignore_case=False)
    costs = [0] * (len(text) + 1)
    for start in range(len(text) - 1, -1, -1):
        if start in chosen:
            costs[start] = chosen[start]
            continue
        ways = [
            1 + costs[end]
            for end in range(start + 1, min(len(text), start + index.longest) + 1)
            if index.equal(text[start:end])
        ]
        costs[start] = min(ways, default=len(text[start].encode()) + costs[start + 1])
    with_space = 0 if vocabulary.texts[ids[0]].startswith(" ") else 1
    return tuple(costs), len(ids) + with_space


def _remaining_subwords(vocabulary: TermVocabulary, text: str, ids: Sequence[int]) -> dict[int, int]:
    """Number of subwords that follow in a segmentation, by the position in the text at which a subword ends."""
    ends, position, num_bytes = {}, 0, 0
    for number, token in enumerate(ids, start=1):
        if isinstance(vocabulary.surfaces[token], int):
            num_bytes = num_bytes + 1
            if num_bytes < len(text[position].encode()):
                continue
            position, num_bytes = position + 1, 0
        else:
            position += len(vocabulary.texts[token].lstrip(" ") if number == 1 else vocabulary.texts[token])
        ends[position] = len(ids) - number
    return ends
