"""Translators of fixed behavior for documents with markup."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from regard.translation.markup.sentence import TranslatedSentence
from regard.values import Links

Translate = Callable[[str], TranslatedSentence]


class WithSentences(Protocol):
    """A document or a file."""

    @property
    def sentences(self) -> tuple[str, ...]: ...


def diagonal(text: str) -> Links:
    """Links of each word to the word at the same place."""
    return tuple((number, number) for number in range(len(text.split())))


def unchanged(text: str) -> TranslatedSentence:
    """Each sentence is its own translation."""
    return TranslatedSentence(text, text, diagonal(text))


def capitals(text: str) -> TranslatedSentence:
    """The words in the same order, in capitals."""
    return TranslatedSentence(text, text.upper(), diagonal(text))


def unaligned(text: str) -> TranslatedSentence:
    """The words in capitals, without alignment."""
    return TranslatedSentence(text, text.upper())


def emptied(text: str) -> TranslatedSentence:
    """Nothing."""
    return TranslatedSentence(text, "")


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


def noisy(seed: int) -> Translate:
    """Other words than the source, of another number, with random links."""
    generator = random.Random(seed)

    def translate(text: str) -> TranslatedSentence:
        num_source, num_target = len(text.split()), generator.randint(0, 2 * len(text.split()))
        words = [f"w{number}" for number in range(num_target)]
        links = {
            (generator.randrange(num_source), generator.randrange(num_target))
            for _ in range(generator.randint(0, 2 * num_target))
        }
        return TranslatedSentence(text, " ".join(words), tuple(sorted(links)))

    return translate


def table(entries: dict[str, tuple[str, str]]) -> Translate:
    """A translator from a table: sentence to translation and links in Pharaoh format, such as `"0-0 1-2"`."""

    def translate(text: str) -> TranslatedSentence:
        translation, links = entries[text]
        pairs = [link.split("-") for link in links.split()]
        return TranslatedSentence(text, translation, tuple((int(src), int(tgt)) for src, tgt in pairs))

    return translate


def translations(document: WithSentences, translate: Translate) -> list[TranslatedSentence]:
    """The translations of all sentences."""
    return [translate(sentence) for sentence in document.sentences]
