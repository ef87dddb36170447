"""Terms that a translation must, or must not, contain."""

from __future__ import annotations

from dataclasses import dataclass

from regard.errors import SearchError
from regard.text.term_vocabulary import fold
from regard.text.word_boundaries import is_within_word


@dataclass(frozen=True, slots=True)
class Term:
    """Text that a translation must, or must not, contain.

    Terms are compared with the detokenized text of a translation, so how the text is divided into subwords has no
    effect.

    Attributes:
        alternatives: One or more texts; a translation contains the term if it contains any of them.
        source: Range `[start, end)` of the characters of the source sentence that the term translates; None = unknown.
        ignore_case: Whether upper and lower case letters are the same.
        whole_words: Whether both ends of an occurrence must be at word boundaries: no letter or digit may directly
            precede a term that begins with one, or follow a term that ends with one. Scripts without spaces, such as
            Chinese, have no such boundaries.

    Raises:
        SearchError: There is no alternative, an alternative is empty, or `source` is not a range.
    """

    alternatives: tuple[str, ...]
    source: tuple[int, int] | None = None
    ignore_case: bool = False
    whole_words: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.alternatives, str):
            raise SearchError(
                f"expected a tuple of alternatives of a term, got the text {self.alternatives!r}: "
                f"write ({self.alternatives!r},)"
            )
        if not self.alternatives or not all(text.strip() for text in self.alternatives):
            raise SearchError(
                f"expected one or more texts, none of them empty, as alternatives of a term, got {self.alternatives!r}"
            )
        if self.source is not None and not 0 <= self.source[0] < self.source[1]:
            raise SearchError(
                f"expected the source of the term {self.alternatives[0]!r} as a range of characters, 0 <= start < end, "
                f"got {self.source}"
            )

    def occurs_in(self, text: str) -> bool:
        """Whether a text contains any of the term's alternatives, at word boundaries if `whole_words`."""
        return any(self._contains(text, alternative) for alternative in self.alternatives)

    def _contains(self, text: str, part: str) -> bool:
        if self.ignore_case:
            text, part = fold(text), fold(part)
        start = text.find(part)
        while start >= 0:
            if not self.whole_words or not (is_within_word(text, start) or is_within_word(text, start + len(part))):
                return True
            start = text.find(part, start + 1)
        return False


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the translation of one sentence must and must not contain.

    Attributes:
        include: Terms that the translation must contain.
        exclude: Terms none of whose alternatives the translation may contain; their `source` has no effect.
    """

    include: tuple[Term, ...] = ()
    exclude: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any term."""
        return bool(self.include or self.exclude)

    def unmet(self, text: str) -> tuple[str, ...]:
        """Finds the constraints that a translation does not satisfy.

        Args:
            text: The translation.

        Returns:
            The first alternative of each included term that is missing, then of each excluded term that occurs.
        """
        missing = [term.alternatives[0] for term in self.include if not term.occurs_in(text)]
        return (*missing, *(term.alternatives[0] for term in self.exclude if term.occurs_in(text)))


NO_CONSTRAINTS = Constraints()
"""Constraints without terms, which every translation satisfies."""
