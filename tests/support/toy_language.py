"""A toy English and a toy French of some fifty words each, small enough for a model of a few thousand weights.

Adjectives move behind their noun and agree with it, `does not see` becomes `ne voit pas`, names are copied: enough for
attention to have something to find. The words that belong together are known.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

Word = tuple[str, str]
"""The same word in both languages."""
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
JOINTS: list[Word] = [("and", "et"), ("but", "mais")]


@dataclass
class Pair:
    """A sentence in both languages, word by word, and its links."""

    src: list[str]
    tgt: list[str]
    links: Links

    def add(self, src: list[str], tgt: list[str], links: Links) -> None:
        """Appends a phrase, whose links count from its own beginning."""
        self.links += [(len(self.src) + i, len(self.tgt) + j) for i, j in links]
        self.src += src
        self.tgt += tgt

    def as_sentence(self, mark: str) -> Pair:
        """The same with a capital letter and a mark at its end, which belong to their words."""
        src, tgt = ([words[0][0].upper() + words[0][1:], *words[1:]] for words in (self.src, self.tgt))
        return Pair([*src[:-1], src[-1] + mark], [*tgt[:-1], tgt[-1] + mark], self.links)

    def texts(self) -> tuple[str, str, str]:
        """Source, target, and links in Pharaoh format."""
        return " ".join(self.src), " ".join(self.tgt), " ".join(f"{i}-{j}" for i, j in sorted(self.links))


def someone(draw: random.Random) -> Pair:
    """A name, or a noun with its article and perhaps an adjective."""
    if draw.random() < 0.2:
        name = draw.choice(NAMES)
        return Pair([name], [name], [(0, 0)])
    feminine = draw.random() < 0.5
    noun = draw.choice(FEMININE if feminine else MASCULINE)
    article, adjective = draw.choice(DETERMINERS), draw.choice(ADJECTIVES)
    form = 2 if feminine else 1
    if draw.random() < 0.5:
        return Pair([article[0], noun[0]], [article[form], noun[1]], [(0, 0), (1, 1)])
    src, tgt = [article[0], adjective[0], noun[0]], [article[form], noun[1], adjective[form]]
    return Pair(src, tgt, [(0, 0), (1, 2), (2, 1)])


def clause(draw: random.Random) -> Pair:
    """Somebody, what is done, to whom, and perhaps when."""
    pair, verb = someone(draw), draw.choice(VERBS)
    if draw.random() < 0.3:
        pair.add(["does", "not", verb[0]], ["ne", verb[1], "pas"], [(1, 0), (1, 2), (2, 1)])
    else:
        pair.add([verb[0] + "s"], [verb[1]], [(0, 0)])
    other = someone(draw)
    pair.add(other.src, other.tgt, other.links)
    if draw.random() < 0.3:
        adverb = draw.choice(ADVERBS)
        pair.add([adverb[0]], [adverb[1]], [(0, 0)])
    return pair


def sentence(draw: random.Random) -> Pair:
    """One clause, or two that are joined; sometimes only somebody."""
    if draw.random() < 0.1:
        return someone(draw).as_sentence(draw.choice(".!"))
    pair = clause(draw)
    if draw.random() < 0.25:
        joint, other = draw.choice(JOINTS), clause(draw)
        pair.add([joint[0]], [joint[1]], [(0, 0)])
        pair.add(other.src, other.tgt, other.links)
    return pair.as_sentence(draw.choice("..!?"))


def pairs(count: int, *, seed: int) -> list[tuple[str, str, str]]:
    """Sentence pairs with their links, one in five of two sentences; the same seed gives the same ones."""
    draw, made = random.Random(seed), []
    for _ in range(count):
        pair = sentence(draw)
        if draw.random() < 0.2:
            other = sentence(draw)
            pair.add(other.src, other.tgt, other.links)
        made.append(pair.texts())
    return made
