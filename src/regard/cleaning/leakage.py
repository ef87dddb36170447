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
    """Scores each pair with the share of its source or target that test sets contain: 1 = the whole side.

    A source is compared with the sources of the test sets, a target with their targets; the score of a pair is the
    larger one of its sides. A side scores 1 if it has the same words as a side of a test pair, ignoring case and
    punctuation. Otherwise a side with at least 5 n-grams of 6 words scores the share of these n-grams that occur in the
    test sets, and a shorter one 0. Use `from_pairs` to make a scorer.

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
            min_words: Fewest words of a test source or target that counts as leaked wherever the corpus has it on the
                same side. A shorter one, such as "Thank you.", may occur by chance: it counts only if a pair of the
                corpus has both the source and the target of the test pair.

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
        """Scores pairs, one score per pair from 0 to 1. See `regard.cleaning.check.Scorer`."""
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
