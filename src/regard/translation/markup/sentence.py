"""A sentence of a document with its translation."""

from __future__ import annotations

from dataclasses import dataclass

from regard.values import Links


@dataclass(frozen=True, slots=True)
class TranslatedSentence:
    """A sentence of a document with its translation.

    Attributes:
        source: The sentence as the document gave it.
        text: The translation, normalized.
        alignment: Links `(source word, target word)`, counted from 0; empty = unknown. Links to words that do not exist
            are ignored.
    """

    source: str
    text: str
    alignment: Links = ()
