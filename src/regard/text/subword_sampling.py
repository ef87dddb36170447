"""Drawing segmentations at random: subword regularization (Kudo 2018) and BPE dropout (Provilkov et al. 2020).

SentencePiece can draw, too, but mixes a salt of the process into its seed (as of 0.2.3), so that no training
could be repeated. Pieces never reach over a space, so words are drawn one by one, and what is worth knowing of
a word is computed once.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

from regard.text.surface import SPACE

_CACHED_WORDS = 100_000
_LONGEST_PIECE = 16
_UNKNOWN_PENALTY = 10.0
# SentencePiece's: a character without a piece is so much less likely than the least likely piece.

# A word with the space before it; of very long words, parts of 64 characters.
_UNITS = re.compile(f"{SPACE}[^{SPACE}]{{0,63}}|[^{SPACE}]{{1,64}}")

Ids = tuple[int, ...]


class SegmentationSampler(Protocol):
    """Cuts a word at random."""

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Draws one segmentation.

        Args:
            word: The word, a `▁` before it.
            generator: Where chance comes from.

        Returns:
            Its ids.
        """
        ...


class ScoredPieces:
    """The pieces of a vocabulary and what they are worth.

    Attributes:
        ids: The id of each piece.
        scores: What each piece is worth: log-probability for unigram, minus its rank for BPE.
        byte_ids: The ids of the 256 bytes.
    """

    def __init__(self, ids: Mapping[str, int], scores: Mapping[str, float], byte_ids: Sequence[int]) -> None:
        """Keeps them; see the attributes."""
        self.ids = ids
        self.scores = scores
        self.byte_ids = byte_ids

    def ids_of(self, part: str) -> Ids:
        """The id of a piece, or those of the bytes of a character that is none."""
        found = self.ids.get(part)
        return tuple(self.byte_ids[byte] for byte in part.encode()) if found is None else (found,)

    def has_bpe_ranks(self) -> bool:
        """Whether the pieces are worth 0, -1, -2 …, as BPE writes its merges."""
        return [-score for score in self.scores.values()] == list(range(len(self.scores)))


class UnigramSampler:
    """Draws from `P(segmentation)^α`, normalized, over all segmentations of a word (Kudo 2018, §3.2).

    By forward filtering and backward sampling: from the end of the word, each piece is drawn by how likely all
    that can stand before it is.
    """

    def __init__(self, pieces: ScoredPieces, alpha: float) -> None:
        """Prepares to draw.

        Args:
            pieces: With log-probabilities.
            alpha: 1 = as likely as the model says, towards 0 = all segmentations alike.
        """
        self._pieces = pieces
        self._alpha = alpha
        self._unknown = min(pieces.scores.values(), default=0.0) - _UNKNOWN_PENALTY
        self._lattice = lru_cache(maxsize=_CACHED_WORDS)(self._build)

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """See `Sampler.draw`."""
        lattice, end = self._lattice(word), len(word)
        found: list[Ids] = []
        while end:
            shares, arcs = lattice[end - 1]
            start, ids = arcs[bisect(shares, generator.random())] if len(arcs) > 1 else arcs[0]
            found.append(ids)
            end = start
        return [i for ids in reversed(found) for i in ids]

    def _build(self, word: str) -> list[tuple[list[float], list[tuple[int, Ids]]]]:
        """For each place: the pieces that can end there, where they begin, and their cumulated shares."""
        forward = [0.0]  # logarithm of the weight of all that can stand before each place
        lattice = []
        for end in range(1, len(word) + 1):
            arcs, weights = [], []
            for start in range(max(0, end - _LONGEST_PIECE), end):
                score = self._pieces.scores.get(word[start:end], self._unknown if end - start == 1 else None)
                if score is not None:
                    arcs.append((start, self._pieces.ids_of(word[start:end])))
                    weights.append(forward[start] + self._alpha * score)
            most = max(weights)
            shares = list(accumulate(math.exp(weight - most) for weight in weights))
            forward.append(most + math.log(shares[-1]))
            lattice.append(([share / shares[-1] for share in shares], arcs))
        return lattice


class BPESampler:
    """Merges as BPE does, but at each step leaves out some of the possible merges (Provilkov et al. 2020, alg. 1).

    What was left out may come about at a later step; SentencePiece would leave it out for good.
    """

    def __init__(self, pieces: ScoredPieces, dropout: float) -> None:
        """Prepares to draw.

        Args:
            pieces: With minus their ranks.
            dropout: The probability; 0 = always the same segmentation, 1 = characters.
        """
        self._pieces = pieces
        self._dropout = dropout

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """See `Sampler.draw`."""
        parts, scores = list(word), self._pieces.scores
        while True:
            merges = [
                (-scores[merged], place)
                for place in range(len(parts) - 1)
                if (merged := parts[place] + parts[place + 1]) in scores and generator.random() >= self._dropout
            ]
            if not merges:
                return [i for part in parts for i in self._pieces.ids_of(part)]
            _, place = min(merges)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]


def make_sampler(pieces: ScoredPieces, alpha: float) -> SegmentationSampler:
    """The sampler that goes with a vocabulary.

    Args:
        pieces: Of either kind.
        alpha: α of unigram, dropout of BPE.

    Returns:
        The sampler.
    """
    return BPESampler(pieces, alpha) if pieces.has_bpe_ranks() else UnigramSampler(pieces, alpha)


def sample_ids(text: str, sampler: SegmentationSampler, generator: random.Random) -> list[int]:
    """Cuts a text at random.

    Args:
        text: Hidden, see `regard.text.surface`.
        sampler: Cuts its words.
        generator: Where chance comes from.

    Returns:
        Its ids.
    """
    if not text:
        return []
    spelled = SPACE + text.replace(" ", SPACE)
    return [i for word in _UNITS.findall(spelled) for i in sampler.draw(word, generator)]
