"""Alters the sources of training pairs, so that a model learns to translate unusual case, missing periods and typos."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regard.config.schema import NOISE_KINDS, NoiseKind
from regard.data.corpus import Corpus, Ragged
from regard.text.sentences import written_without_spaces
from regard.text.subword import Subword

_FINAL_MARKS = ".!?。！？…"
_STREAM = 0x6E6F6973
"""Number that keeps these random numbers apart from others with the same seed."""


@dataclass(frozen=True, slots=True)
class SourceNoise:
    """Alters a random share of the training sources, for example by typos or all capitals.

    Attributes:
        share: Fraction of the pairs whose source is altered, from 0 to 1; each epoch draws other pairs.
        subword: Source vocabulary.
        max_len: Largest number of subwords of an altered source; a source that would become longer is not altered.
        kinds: Kinds of alteration; each altered source gets one of them, all with equal probability.
    """

    share: float
    subword: Subword
    max_len: int
    kinds: tuple[NoiseKind, ...] = NOISE_KINDS

    def apply(self, corpus: Corpus, *, seed: int, epoch: int) -> Corpus:
        """Alters a random share of the sources of a corpus.

        Whether and how a source is altered depends only on the seed, the epoch and the row number of the pair.

        Args:
            corpus: The corpus.
            seed: Random seed.
            epoch: Number of the epoch.

        Returns:
            A corpus of the same pairs, in which only the ids of the altered sources differ.
        """
        rows = self.rows(len(corpus), seed=seed, epoch=epoch).tolist()
        texts = [self._altered(corpus.pairs[row].src, random.Random(f"{seed} {epoch} {row}")) for row in rows]
        altered = dict(zip(rows, self.subword.encode_ids(texts), strict=True))
        ids: list[Sequence[int]] = [
            altered[row] if row in altered and 0 < len(altered[row]) <= self.max_len else corpus.src[row].tolist()
            for row in range(len(corpus))
        ]
        return replace(corpus, src=Ragged.from_rows(ids)) if rows else corpus

    def rows(self, num_pairs: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
        """Rows of the pairs that are altered in an epoch.

        Args:
            num_pairs: Number of pairs of the corpus.
            seed: Random seed.
            epoch: Number of the epoch.

        Returns:
            Row numbers, ascending, `(num_altered,)` int64.
        """
        return drawn_rows(num_pairs, self.share, (seed, epoch, _STREAM))

    def _altered(self, text: str, generator: random.Random) -> str:
        tag, _, rest = text.partition(" ")
        if rest and tag in self.subword.tags:
            return f"{tag} {self._altered(rest, generator)}"
        return alter(text, generator.choice(self.kinds), generator)


def drawn_rows(num_pairs: int, share: float, key: tuple[int, int, int]) -> NDArray[np.int64]:
    """Draws random rows of a corpus, independently of one another, for sources to alter in an epoch.

    Args:
        num_pairs: Number of pairs of the corpus.
        share: Probability with which each row is drawn, from 0 to 1.
        key: Random seed, number of the epoch, and a number that is different for each purpose of the draw.

    Returns:
        Row numbers, ascending, `(num_drawn,)` int64.
    """
    seed, epoch, stream = key
    generator = np.random.default_rng((seed % 2**64, epoch, stream))
    return np.flatnonzero(generator.random(num_pairs) < share)


def alter(text: str, kind: NoiseKind, generator: random.Random) -> str:
    """Alters a sentence in one way, such as all capitals or a typo.

    >>> alter("How was your day?", "capitals", random.Random(1)), alter("It rains.", "unpunctuated", random.Random(1))
    ('HOW WAS YOUR DAY?', 'It rains')

    Args:
        text: The sentence, as `regard.text.normalize.normalize` returns it.
        kind: Kind of alteration: `capitals`, `title`, `lower`, `unpunctuated` or `typos`.
        generator: Random generator, which chooses the typos.

    Returns:
        The altered sentence; it may be equal to `text`, for example if there is no punctuation to remove.
    """
    return _ALTERATIONS[kind](text, generator)


def _unpunctuated(text: str, _: random.Random) -> str:
    without = text.rstrip(_FINAL_MARKS)
    return text if without == text else without.removesuffix(" ") or text


def _title(text: str, _: random.Random) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def _typo(text: str, generator: random.Random) -> str:
    """Drops, doubles, swaps or replaces a letter of a word of three letters or more; one or two such typos."""
    for _ in range(generator.choice((1, 1, 2))):
        places = [
            index
            for index in range(len(text) - 2)
            if all(map(_is_typed, text[index : index + 3])) and not text[index].isupper()
        ]
        if not places:
            break
        place = generator.choice(places)
        first, second = text[place], text[place + 1]
        middle = generator.choice(
            (second + first, first, first + second + second, first + generator.choice(text[place:]))
        )
        middle = middle if " " not in middle else second + first
        text = text[:place] + middle + text[place + 2 :]
    return text


def _is_typed(character: str) -> bool:
    """Whether a character is a letter of a script with spaces between words."""
    return character.isalpha() and not written_without_spaces(character)


_ALTERATIONS: dict[NoiseKind, Callable[[str, random.Random], str]] = {
    "capitals": lambda text, _: text.upper(),
    "title": _title,
    "lower": lambda text, _: text.lower(),
    "unpunctuated": _unpunctuated,
    "typos": _typo,
}
