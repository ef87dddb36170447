"""The interface of a grammar to the corpus writer: drafts of sentences and their spelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from regard_phrasebook.engine.phrase import Phrase, SentencePair
from regard_phrasebook.engine.sampler import Sampler


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence before spelling.

    Attributes:
        phrase: All tokens, including punctuation.
        combos: Word combinations in the sentence, such as `eat+apple`; they decide its split.
        constructions: Names of the grammatical constructions in the sentence.
        contracted: Whether English is written with contractions (`don't`).
    """

    phrase: Phrase
    combos: tuple[str, ...] = ()
    constructions: tuple[str, ...] = ()
    contracted: bool = field(default=False)


class Grammar(Protocol):
    """A synchronous grammar of two languages.

    Attributes:
        longest: Largest number of source words in a sentence.
        showcase: Source texts that are always in the training split, unless the corpus excludes their length.
        pinned: Word combinations, such as `eat+apple`, that always belong to the training split.
    """

    longest: int
    showcase: tuple[str, ...]
    pinned: frozenset[str]

    def showcase_drafts(self) -> list[Draft]:
        """The drafts of the `showcase` sentences."""

    def draft(self, sampler: Sampler, shortest: int, longest: int) -> Draft | None:
        """Tries to generate a sentence.

        Args:
            sampler: Source of the random choices.
            shortest: Fewest source words.
            longest: Most source words.

        Returns:
            A draft of approximately this length (the corpus writer checks it), or None if the try failed.
        """

    def spell(self, draft: Draft) -> SentencePair:
        """Spells a draft as a pair of sentences."""
