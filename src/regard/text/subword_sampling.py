"""Random segmentation: subword regularization (Kudo 2018) and BPE dropout (Provilkov et al. 2020).

SentencePiece can sample too, but mixes a per-process salt into its seed (as of 0.2.3), which would make training
irreproducible. Pieces never span a space, so each word is sampled by itself, and its lattice is cached.
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

from regard.text.tokenizers import SPACE

_CACHED_WORDS = 100_000
_LONGEST_PIECE = 16
_UNKNOWN_PENALTY = 10.0
# As in SentencePiece: log-probability of a character without a piece, relative to the least likely piece.

# A word with the space before it; very long words are split into parts of 64 characters.
_UNITS = re.compile(f"{SPACE}[^{SPACE}]{{0,63}}|[^{SPACE}]{{1,64}}")

Ids = tuple[int, ...]


class SegmentationSampler(Protocol):
    """Samples segmentations of words."""

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Samples one segmentation.

        Args:
            word: The word with a leading `▁`.
            generator: Random generator.

        Returns:
            The ids of the segmentation.
        """
        ...


class ScoredPieces:
    """The pieces of a vocabulary with their scores.

    Attributes:
        ids: The id of each piece.
        scores: The score of each piece: log-probability for unigram, negative merge rank for BPE.
        byte_ids: The ids of the 256 bytes.
    """

    def __init__(self, ids: Mapping[str, int], scores: Mapping[str, float], byte_ids: Sequence[int]) -> None:
        """Stores the arguments; see the attributes."""
        self.ids = ids
        self.scores = scores
        self.byte_ids = byte_ids

    def ids_of(self, part: str) -> Ids:
        """The id of a piece, or the byte ids of a string that is not a piece."""
        piece_id = self.ids.get(part)
        return tuple(self.byte_ids[byte] for byte in part.encode()) if piece_id is None else (piece_id,)

    def has_bpe_ranks(self) -> bool:
        """Whether the scores are 0, -1, -2, ..., which are the negative merge ranks of BPE."""
        return [-score for score in self.scores.values()] == list(range(len(self.scores)))


class UnigramSampler:
    """Samples from `P(segmentation)^α`, normalized over all segmentations of a word (Kudo 2018, §3.2).

    The method is forward filtering, backward sampling: starting from the end of the word, each piece is sampled with
    the total weight of all segmentations of the text before it.
    """

    def __init__(self, pieces: ScoredPieces, alpha: float) -> None:
        """Sets up the sampler.

        Args:
            pieces: Pieces with log-probabilities.
            alpha: 1 = the distribution of the model; towards 0 = uniform over all segmentations.
        """
        self._pieces = pieces
        self._alpha = alpha
        self._unknown = min(pieces.scores.values(), default=0.0) - _UNKNOWN_PENALTY
        self._lattice = lru_cache(maxsize=_CACHED_WORDS)(self._build)

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Samples backward through the word's lattice; see `SegmentationSampler.draw`."""
        lattice, end = self._lattice(word), len(word)
        sampled: list[Ids] = []
        while end:
            shares, arcs = lattice[end - 1]
            start, ids = arcs[bisect(shares, generator.random())] if len(arcs) > 1 else arcs[0]
            sampled.append(ids)
            end = start
        return [i for ids in reversed(sampled) for i in ids]

    def _build(self, word: str) -> list[tuple[list[float], list[tuple[int, Ids]]]]:
        """For each position: cumulative probabilities, start positions and ids of the pieces that can end there."""
        forward = [0.0]  # log of the total weight of all segmentations up to each position
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
    """BPE that drops some of the possible merges at each step (Provilkov et al. 2020, Algorithm 1).

    A dropped merge may be applied at a later step; SentencePiece would drop it for good.
    """

    def __init__(self, pieces: ScoredPieces, dropout: float) -> None:
        """Sets up the sampler.

        Args:
            pieces: Pieces with negative merge ranks.
            dropout: Probability of dropping a merge; 0 = deterministic BPE, 1 = single characters.
        """
        self._pieces = pieces
        self._dropout = dropout

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Applies the merges by rank, each dropped at random; see `SegmentationSampler.draw`."""
        parts, scores = list(word), self._pieces.scores
        while True:
            merges = [
                (-scores[merged], index)
                for index in range(len(parts) - 1)
                if (merged := parts[index] + parts[index + 1]) in scores and generator.random() >= self._dropout
            ]
            if not merges:
                return [i for part in parts for i in self._pieces.ids_of(part)]
            _, index = min(merges)
            parts[index : index + 2] = [parts[index] + parts[index + 1]]


def make_sampler(pieces: ScoredPieces, alpha: float) -> SegmentationSampler:
    """Creates the sampler that suits a vocabulary.

    Args:
        pieces: Pieces of a unigram or BPE vocabulary.
        alpha: α for unigram, dropout probability for BPE.

    Returns:
        The sampler.
    """
    return BPESampler(pieces, alpha) if pieces.has_bpe_ranks() else UnigramSampler(pieces, alpha)


def sample_ids(text: str, sampler: SegmentationSampler, generator: random.Random) -> list[int]:
    """Samples a segmentation of a text.

    Args:
        text: The escaped text; see `regard.text.tokenizers.escape_text`.
        sampler: Sampler for its words.
        generator: Random generator.

    Returns:
        The ids of the segmentation.
    """
    if not text:
        return []
    spelled = SPACE + text.replace(" ", SPACE)
    return [i for word in _UNITS.findall(spelled) for i in sampler.draw(word, generator)]
