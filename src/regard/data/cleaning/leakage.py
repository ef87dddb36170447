"""Leakage: pairs of a training corpus that a test set contains as well, or almost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from regard.data.cleaning.keys import text_key
from regard.text.spaceless import SPACELESS_LETTERS
from regard.values import Pair

NGRAM = 6
"""Words per n-gram; in scripts that do not separate words, letters."""
_MIN_NGRAMS = 5
"""Fewest n-grams of a test sentence from which its parts count; shorter sentences count only as a whole."""
_TOKEN = re.compile(rf"[{SPACELESS_LETTERS}]|[^\s{SPACELESS_LETTERS}]+")
_SPACELESS = re.compile(f"[{SPACELESS_LETTERS}]")
TextSets = tuple[frozenset[str], frozenset[str]]
"""Texts of the source side and of the target side."""
Place = tuple[int, int, int]
"""Number of a test sentence, position of an n-gram in it, and its length in words."""
Places = Mapping[str, Sequence[Place]]
"""Where each n-gram occurs in test sentences."""


@dataclass(frozen=True, slots=True)
class Leakage:
    """Scores each pair with the share of a test sentence that it contains: 1 = a whole test sentence.

    A source is compared with the sources of the test sets, a target with their targets; the larger score of both sides
    is that of the pair. A side scores 1 if it has the same words as a test sentence, ignoring case and punctuation.
    Otherwise it is compared with each test sentence of at least 10 words: the score is the share of the words of the
    test sentence that lie in sequences of 6 or more words that both contain, for the test sentence with the largest
    share. So a copy with one of 20 words changed scores up to 0.95, a text that contains a whole test sentence scores
    1, and a short excerpt of a test sentence scores little. Use `from_pairs` to make a scorer.

    Attributes:
        texts: Per side, the test sentences that count as leaked even without their other side, each reduced by
            `text_key` to its words in lower case.
        pairs: Source and target of each test pair, reduced in the same way.
        places: Per side, where each sequence of 6 words occurs in the sentences of the test sets.

    >>> leakage = Leakage.from_pairs([Pair("How was your day?", "Comment s'est passée ta journée ?")])
    >>> leakage([Pair("how was your day", "Ça va ?"), Pair("How are you?", "Ça va ?")])
    [1.0, 0.0]
    """

    texts: TextSets
    pairs: frozenset[tuple[str, str]]
    places: tuple[Places, Places]

    @classmethod
    def from_pairs(cls, test_pairs: Iterable[Pair], *, min_words: int = 4) -> Leakage:
        """Makes the scorer from test pairs.

        Args:
            test_pairs: The pairs of all test sets.
            min_words: A test sentence with at least this number of words counts as leaked wherever the same side of the
                corpus contains it. A shorter one, such as "Thank you.", may occur by chance: it counts only in a pair
                with both the source and the target of the test pair.

        Returns:
            The scorer.
        """
        texts: tuple[set[str], set[str]] = (set(), set())
        places: tuple[dict[str, list[Place]], dict[str, list[Place]]] = ({}, {})
        pairs = set()
        for number, pair in enumerate(test_pairs):
            keys = text_key(pair.src), text_key(pair.tgt)
            pairs.add(keys)
            for side, key in enumerate(keys):
                tokens = _tokens(key)
                ngrams = _ngrams(tokens)
                if len(ngrams) >= _MIN_NGRAMS and key not in texts[side]:
                    for start, ngram in enumerate(ngrams):
                        places[side].setdefault(ngram, []).append((number, start, len(tokens)))
                if len(tokens) >= min_words:
                    texts[side].add(key)
        return cls((frozenset(texts[0]), frozenset(texts[1])), frozenset(pairs), places)

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Returns one score per pair: the share of a test sentence that the pair contains, from 0 to 1."""
        return [self._score(text_key(pair.src), text_key(pair.tgt)) for pair in pairs]

    def _score(self, src: str, tgt: str) -> float:
        if src in self.texts[0] or tgt in self.texts[1] or (src, tgt) in self.pairs:
            return 1.0
        return max(_largest_share(src, self.places[0]), _largest_share(tgt, self.places[1]))


def _tokens(key: str) -> list[str]:
    return _TOKEN.findall(key) if not key.isascii() and _SPACELESS.search(key) else key.split(" ")


def _ngrams(tokens: list[str]) -> list[str]:
    return [" ".join(tokens[start : start + NGRAM]) for start in range(len(tokens) - NGRAM + 1)]


def _largest_share(key: str, places: Places) -> float:
    """Largest share of the words of one test sentence that n-grams of a text cover."""
    covered: dict[int, set[int]] = {}
    lengths: dict[int, int] = {}
    for ngram in _ngrams(_tokens(key)):
        for number, start, length in places.get(ngram, ()):
            covered.setdefault(number, set()).update(range(start, start + NGRAM))
            lengths[number] = length
    return max((len(words) / lengths[number] for number, words in covered.items()), default=0.0)
