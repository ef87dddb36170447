"""A toy English and a toy French of about fifty words each, small enough for a model of a few thousand weights.

Adjectives move behind their noun and agree with it, `does not see` becomes `ne voit pas`, names are copied: enough
structure for attention to find. Word links are known.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

Word = tuple[str, str]
"""A word in both languages."""
Links = list[tuple[int, int]]

MASCULINE: list[Word] = [("cat", "chat"), ("dog", "chien"), ("bird", "merle"), ("king", "roi"), ("tree", "pommier")]
FEMININE: list[Word] = [
    ("house", "maison"),
    ("flower", "fleur"),
    ("car", "voiture"),
    ("queen", "reine"),
    ("moon", "lune"),
]
NAMES = ["Anna", "Boris", "Zoë", "Kim"]
DETERMINERS = [("the", "le", "la"), ("a", "un", "une"), ("this", "ce", "cette")]
ADJECTIVES = [
    ("green", "vert", "verte"),
    ("small", "petit", "petite"),
    ("black", "noir", "noire"),
    ("big", "grand", "grande"),
]
VERBS = [("see", "voit"), ("like", "aime"), ("hear", "entend"), ("find", "trouve"), ("follow", "suit")]
ADVERBS: list[Word] = [("today", "maintenant"), ("often", "souvent"), ("here", "ici")]
CONJUNCTIONS: list[Word] = [("and", "et"), ("but", "mais")]


@dataclass
class Pair:
    """Words of a sentence pair, and their links."""

    src: list[str]
    tgt: list[str]
    links: Links

    def add(self, src: list[str], tgt: list[str], links: Links) -> None:
        """Appends a phrase, whose links are counted from its start."""
        self.links += [(len(self.src) + i, len(self.tgt) + j) for i, j in links]
        self.src += src
        self.tgt += tgt

    def as_sentence(self, mark: str) -> Pair:
        """The pair with a capital letter, and a punctuation mark that is part of the last word."""
        src, tgt = ([words[0][0].upper() + words[0][1:], *words[1:]] for words in (self.src, self.tgt))
        return Pair([*src[:-1], src[-1] + mark], [*tgt[:-1], tgt[-1] + mark], self.links)

    def texts(self) -> tuple[str, str, str]:
        """Source, target, and links in Pharaoh format."""
        return " ".join(self.src), " ".join(self.tgt), " ".join(f"{i}-{j}" for i, j in sorted(self.links))


def noun_phrase(generator: random.Random) -> Pair:
    """A name, or a noun with an article and possibly an adjective."""
    if generator.random() < 0.2:
        name = generator.choice(NAMES)
        return Pair([name], [name], [(0, 0)])
    feminine = generator.random() < 0.5
    noun = generator.choice(FEMININE if feminine else MASCULINE)
    article, adjective = generator.choice(DETERMINERS), generator.choice(ADJECTIVES)
    form = 2 if feminine else 1
    if generator.random() < 0.5:
        return Pair([article[0], noun[0]], [article[form], noun[1]], [(0, 0), (1, 1)])
    src, tgt = [article[0], adjective[0], noun[0]], [article[form], noun[1], adjective[form]]
    return Pair(src, tgt, [(0, 0), (1, 2), (2, 1)])


def clause(generator: random.Random) -> Pair:
    """Subject, verb, object, and possibly an adverb."""
    pair, verb = noun_phrase(generator), generator.choice(VERBS)
    if generator.random() < 0.3:
        pair.add(["does", "not", verb[0]], ["ne", verb[1], "pas"], [(1, 0), (1, 2), (2, 1)])
    else:
        pair.add([verb[0] + "s"], [verb[1]], [(0, 0)])
    other = noun_phrase(generator)
    pair.add(other.src, other.tgt, other.links)
    if generator.random() < 0.3:
        adverb = generator.choice(ADVERBS)
        pair.add([adverb[0]], [adverb[1]], [(0, 0)])
    return pair


def sentence(generator: random.Random) -> Pair:
    """One clause, or two with a conjunction; sometimes only a noun phrase."""
    if generator.random() < 0.1:
        return noun_phrase(generator).as_sentence(generator.choice(".!"))
    pair = clause(generator)
    if generator.random() < 0.25:
        conjunction, other = generator.choice(CONJUNCTIONS), clause(generator)
        pair.add([conjunction[0]], [conjunction[1]], [(0, 0)])
        pair.add(other.src, other.tgt, other.links)
    return pair.as_sentence(generator.choice("..!?"))


def pairs(count: int, *, seed: int) -> list[tuple[str, str, str]]:
    """Makes sentence pairs with links; one in five consists of two sentences.

    Args:
        count: Number of pairs.
        seed: Seed; the same seed gives the same pairs.

    Returns:
        Source, target, and links in Pharaoh format, of each pair.
    """
    generator, texts = random.Random(seed), []
    for _ in range(count):
        pair = sentence(generator)
        if generator.random() < 0.2:
            other = sentence(generator)
            pair.add(other.src, other.tgt, other.links)
        texts.append(pair.texts())
    return texts
