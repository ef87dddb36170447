"""Translators of fixed behavior for documents."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

import pytest

from regard.markup.sentence import TranslatedSentence
from regard.values import Links

Translate = Callable[[str], TranslatedSentence]


class WithSentences(Protocol):
    """A document or a file."""

    @property
    def sentences(self) -> tuple[str, ...]: ...


def _diagonal(text: str) -> Links:
    return tuple((number, number) for number in range(len(text.split())))


def unchanged(text: str) -> TranslatedSentence:
    """Each sentence is its own translation."""
    return TranslatedSentence(text, text, _diagonal(text))


def upper(text: str) -> TranslatedSentence:
    """The words in the same order, in capitals."""
    return TranslatedSentence(text, text.upper(), _diagonal(text))


def unaligned(text: str) -> TranslatedSentence:
    """The words in capitals, without alignment."""
    return TranslatedSentence(text, text.upper())


def backward(text: str) -> TranslatedSentence:
    """The words in the opposite order."""
    size = len(text.split())
    links = tuple((number, size - 1 - number) for number in range(size))
    return TranslatedSentence(text, " ".join(text.split()[::-1]), links)


def shuffled(seed: int, suffix: str = "") -> Translate:
    """The words in random order, each with a suffix."""
    generator = random.Random(seed)

    def translate(text: str) -> TranslatedSentence:
        words = text.split()
        order = generator.sample(range(len(words)), len(words))
        links = tuple(sorted((source, target) for target, source in enumerate(order)))
        return TranslatedSentence(text, " ".join(words[source] + suffix for source in order), links)

    return translate


def translations(document: WithSentences, translate: Translate) -> list[TranslatedSentence]:
    """The translations of all sentences."""
    return [translate(sentence) for sentence in document.sentences]


@pytest.fixture
def by_words() -> Callable[[dict[str, tuple[str, str]]], Translate]:
    """A translator from a table: source sentence to translation and links, such as `"0-0 1-2"`."""

    def make(table: dict[str, tuple[str, str]]) -> Translate:
        def translate(text: str) -> TranslatedSentence:
            translation, links = table[text]
            pairs = [link.split("-") for link in links.split()]
            return TranslatedSentence(text, translation, tuple((int(src), int(tgt)) for src, tgt in pairs))

        return translate

    return make
