"""Inserts target words into source sentences, after the source words that they translate (Dinu et al. 2019, append).

A vocabulary that was learned with `TERM_SYMBOLS` has two symbols that enclose the inserted target words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.text.subword import Subword
from regard.text.tokenizers import SPACE

TERM_SYMBOLS = ("\x0e", "\x0f")
"""Symbols before and after a term. Normalization removes control characters, so no text can spell them."""


@dataclass(frozen=True, slots=True)
class Insertion:
    """A term in the target language to insert into a source sentence, after the source words that it translates.

    Attributes:
        start: Index of the first subword of these source words in the sentence.
        end: Index after the last subword of these source words, where the term is inserted.
        ids: Ids of the inserted subwords, with the symbols before and after the term.
    """

    start: int
    end: int
    ids: tuple[int, ...]


class TermWriter:
    """Encodes target terms, to be inserted into source sentences, as subwords of the source vocabulary.

    Args:
        subword: Source vocabulary with the two symbols that enclose a term: `term_symbols(subword)` is not None.
    """

    def __init__(self, subword: Subword) -> None:
        symbols = term_symbols(subword)
        assert symbols is not None
        self._subword = subword
        self._begin, self._end = symbols

    def insertion(self, start: int, end: int, text: str) -> Insertion:
        """Encodes a term in the target language, with the symbols before and after it.

        Args:
            start: Index of the first subword of the source words that the term translates.
            end: Index after the last subword of these source words.
            text: The term in the target language.

        Returns:
            The encoded term, and its position in the source sentence.
        """
        [ids] = self._subword.encode_ids([text])
        return Insertion(start, end, (self._begin, *ids, self._end))


def term_symbols(subword: Subword) -> tuple[int, int] | None:
    """Ids of the symbols before and after an inserted term; None if the vocabulary was learned without them."""
    if not set(TERM_SYMBOLS) <= set(subword.tags):
        return None
    begin, end = (subword.pieces.index(SPACE + symbol) for symbol in TERM_SYMBOLS)
    return begin, end


def insert_terms(ids: Sequence[int], insertions: Sequence[Insertion]) -> list[int]:
    """Inserts target terms into a source sentence, each after the source words that it translates.

    Args:
        ids: Subword ids of the sentence.
        insertions: The terms, in the order of their source words, which must not overlap.

    Returns:
        Ids of the sentence with the terms.
    """
    result: list[int] = []
    last = 0
    for insertion in insertions:
        result += [*ids[last : insertion.end], *insertion.ids]
        last = insertion.end
    return [*result, *ids[last:]]
