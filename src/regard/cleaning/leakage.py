"""Leakage: pairs of a training corpus that a test set contains as well, or almost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from regard.cleaning.expressions import SPACELESS_LETTERS
from regard.cleaning.keys import text_key
from regard.values import Pair

NGRAM = 6
"""Words per n-gram; in scripts that do not separate words, letters."""
_MIN_NGRAMS = 5
"""Fewest n-grams of a side from which their overlap counts."""
_TOKEN = re.compile(rf"[{SPACELESS_LETTERS}]|[^\s{SPACELESS_LETTERS}]+")
_SPACELESS = re.compile(f"[{SPACELESS_LETTERS}]")
TextSets = tuple[frozenset[str], frozenset[str]]
"""Texts of the source side and of the target side."""


@dataclass(frozen=True, slots=True)
class Leakage:
    """Scores each pair with the share of a side that test sets contain on the same side: 1 = the whole side.

    A side is the same as that of a test pair if both have the same words, ignoring case and punctuation. Otherwise its
    score is the share of its n-grams that occur in the test sets, if it has a few. Use `from_pairs` to make it.

    Attributes:
        texts: Per side, keys of the texts of the test sets.
        pairs: Keys of whole test pairs.
        ngrams: Per side, n-grams of the test sets.

    >>> leakage = Leakage.from_pairs([Pair("How was your day?", "Comment s'est passée ta journée ?")])
    >>> leakage([Pair("how was your day", "Ça va ?"), Pair("How are you?", "Ça va ?")])
    [1.0, 0.0]
    """

    texts: TextSets
    pairs: frozenset[tuple[str, str]]
    ngrams: TextSets

    @classmethod
    def from_pairs(cls, test_pairs: Iterable[Pair], *, min_words: int = 4) -> Leakage:
        """Makes the scorer from test pairs.

        Args:
            test_pairs: The pairs of all test sets.
            min_words: Fewest words of a test side that counts by itself: a short side such as "Thank you." may also
                occur elsewhere. Shorter sides count if both sides are the same.

        Returns:
            The scorer.
        """
        texts: tuple[set[str], set[str]] = (set(), set())
        ngrams: tuple[set[str], set[str]] = (set(), set())
        pairs = set()
        for pair in test_pairs:
            keys = text_key(pair.src), text_key(pair.tgt)
            pairs.add(keys)
            for side, key in enumerate(keys):
                tokens = _tokens(key)
                ngrams[side].update(_ngrams(tokens))
                if len(tokens) >= min_words:
                    texts[side].add(key)
        return cls(
            (frozenset(texts[0]), frozenset(texts[1])),
            frozenset(pairs),
            (frozenset(ngrams[0]), frozenset(ngrams[1])),
        )

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """See `regard.cleaning.check.Scorer`."""
        return [self._score(text_key(pair.src), text_key(pair.tgt)) for pair in pairs]

    def _score(self, src: str, tgt: str) -> float:
        if src in self.texts[0] or tgt in self.texts[1] or (src, tgt) in self.pairs:
            return 1.0
        return max(_overlap(src, self.ngrams[0]), _overlap(tgt, self.ngrams[1]))


def _tokens(key: str) -> list[str]:
    return _TOKEN.findall(key) if not key.isascii() and _SPACELESS.search(key) else key.split(" ")


def _ngrams(tokens: list[str]) -> list[str]:
    return [" ".join(tokens[start : start + NGRAM]) for start in range(len(tokens) - NGRAM + 1)]


def _overlap(key: str, ngrams: frozenset[str]) -> float:
    found = _ngrams(_tokens(key))
    return sum(ngram in ngrams for ngram in found) / len(found) if len(found) >= _MIN_NGRAMS else 0.0
