"""What a grammar gives to the corpus writer: drafts of sentences, and their spelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from regard_phrasebook.engine.phrase import Phrase, SentencePair
from regard_phrasebook.engine.sampler import Sampler


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence before it is spelt.

    Attributes:
        phrase: All its tokens, punctuation too.
        combos: Combinations of words it holds, such as `eat+apple`; they decide which split it belongs to.
        constructions: Names of the constructions that made it.
        contracted: Whether English is written with its short forms (`don't`).
    """

    phrase: Phrase
    combos: tuple[str, ...] = ()
    constructions: tuple[str, ...] = ()
    contracted: bool = field(default=False)


class Grammar(Protocol):
    """A synchronous grammar of two languages.

    Attributes:
        longest: Most source words that a sentence of it may have.
        showcase: Source texts that always stand in the training split, when their length is asked for.
        pinned: Combinations that always belong to the training split.
    """

    longest: int
    showcase: tuple[str, ...]
    pinned: frozenset[str]

    def opening(self) -> list[Draft]:
        """The sentences of `showcase`, as drafts."""

    def draft(self, sampler: Sampler, shortest: int, longest: int) -> Draft | None:
        """Tries to make a sentence.

        Args:
            sampler: Source of all choices.
            shortest: Fewest source words wanted.
            longest: Most source words wanted.

        Returns:
            A draft near the wanted length (the corpus writer measures it), or None when the try failed.
        """

    def spell(self, draft: Draft) -> SentencePair:
        """The written pair of sentences."""
