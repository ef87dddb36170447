"""Checks of size: empty, identical and overlong sides, overlong words, and sides of very different length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from regard.data.cleaning.expressions import URL
from regard.data.cleaning.keys import text_key
from regard.text.normalize import normalize
from regard.text.spaceless import SPACELESS_LETTERS
from regard.values import Pair

_SHORT = 16
"""Characters added to both sides before the ratio is taken, since short sides vary more."""
MIN_SAMPLE = 100
"""Fewest pairs from which the usual ratio is learned."""
_LONG = 30
"""Characters from which a word is measured."""
_LONG_WORD = re.compile(rf"[^\s{SPACELESS_LETTERS}]{{{_LONG},}}")


def empty(pairs: Sequence[Pair]) -> list[float]:
    """Scores 1 for each pair with a side that has no text, or only blanks.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> empty([Pair("Hello", " "), Pair("Hello", "Bonjour")])
    [1.0, 0.0]
    """
    return [float(not _has_text(pair.src) or not _has_text(pair.tgt)) for pair in pairs]


def identical(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair whose sides have the same words with the number of these words; other pairs score 0.

    Case and punctuation are ignored, and numbers are not counted as words: a pair of only numbers scores 0.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> identical([Pair("Hello, Tom!", "hello Tom"), Pair("Hello", "Bonjour"), Pair("1.", "1.")])
    [2.0, 0.0, 0.0]
    """
    return [_same_words(pair.src, pair.tgt) for pair in pairs]


def longest_side(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the number of characters of its longer side.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> longest_side([Pair("Hello", "Bonjour")])
    [7.0]
    """
    return [float(max(len(pair.src), len(pair.tgt))) for pair in pairs]


def longest_word(pairs: Sequence[Pair]) -> list[float]:
    """Scores each pair with the number of characters of its longest word, or 0 if that has fewer than 30.

    Web addresses, and text in scripts that do not separate words, such as Chinese, are ignored.

    Args:
        pairs: Sentence pairs, not normalized.

    Returns:
        One score per pair.

    >>> longest_word([Pair("Hello", "x" * 40), Pair("Hello", "Bonjour")])
    [40.0, 0.0]
    """
    return [float(max(_longest_word(pair.src), _longest_word(pair.tgt))) for pair in pairs]


@dataclass(frozen=True, slots=True)
class LengthRatio:
    """Scores each pair by how far its ratio of lengths is from the usual ratio of the corpus.

    The length of the source is multiplied by the usual ratio, 16 characters are added to both lengths since short
    sides vary more, and the larger length is divided by the smaller one: 1 = as usual.

    Attributes:
        usual: Usual number of target characters per source character.

    >>> LengthRatio(1.0)([Pair("Yes.", "Oui."), Pair("Yes.", "x" * 64)])
    [1.0, 4.0]
    """

    usual: float

    @classmethod
    def learn(cls, sample: Sequence[Pair]) -> LengthRatio | None:
        """Learns the usual number of target characters per source character.

        It is the median over the pairs whose source has at least 16 characters and whose target is not empty.

        Args:
            sample: Pairs of the corpus.

        Returns:
            The scorer; None if the sample has fewer than 100 such pairs.
        """
        ratios = sorted(len(pair.tgt) / len(pair.src) for pair in sample if len(pair.src) >= _SHORT and pair.tgt)
        return cls(ratios[len(ratios) // 2]) if len(ratios) >= MIN_SAMPLE else None

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Returns one score per pair: 1 if the ratio of lengths is as usual, and more the less usual it is."""
        usual, scores = self.usual, []
        for pair in pairs:
            src_len, tgt_len = len(pair.src) * usual + _SHORT, len(pair.tgt) + _SHORT
            scores.append(tgt_len / src_len if tgt_len > src_len else src_len / tgt_len)
        return scores


def _has_text(text: str) -> bool:
    # Most texts begin with a letter: the rest need not be read.
    return text[:1].isalnum() or bool(text and not text.isspace() and normalize(text))


def _same_words(src: str, tgt: str) -> float:
    starts = src[:2], tgt[:2]
    if starts[0].isalpha() and starts[1].isalpha() and starts[0].casefold() != starts[1].casefold():
        return 0.0
    if src != tgt and text_key(src) != text_key(tgt):
        return 0.0
    return float(sum(any(map(str.isalpha, word)) for word in src.split()))


def _longest_word(text: str) -> int:
    if len(text) < _LONG or max(map(len, text.split()), default=0) < _LONG:
        return 0
    return max(map(len, _LONG_WORD.findall(URL.sub(" ", text))), default=0)
