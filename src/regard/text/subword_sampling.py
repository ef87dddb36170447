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
from types import MappingProxyType
from typing import Protocol

from regard.text.tokenizers import SPACE

_CACHED_WORDS = 100_000
_LONGEST_PIECE = 16
_UNKNOWN_PENALTY = 10.0
# As in SentencePiece: log-probability of a character without a piece, relative to the least likely piece.

# A word with the space before it; very long words are split into parts of 64 characters.
_UNITS = f"{SPACE}[^{SPACE}]{{0,63}}|[^{SPACE}]{{1,64}}"

Ids = tuple[int, ...]


class SegmentationSampler(Protocol):
    """Interface of classes that sample random segmentations of words into subwords."""

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Samples one random segmentation of a word into subwords.

        Args:
            word: The word with a leading `▁`, which stands for the space before it.
            generator: Source of random numbers.

        Returns:
            The subword ids of the segmentation, in order.
        """
        ...


class ScoredPieces:
    """The pieces (subwords) of a SentencePiece vocabulary with their ids and scores.

    Attributes:
        ids: Id of each piece, by its spelling.
        scores: Score of each piece, by its spelling: log-probability for unigram, negative merge rank for BPE.
        byte_ids: Ids of the 256 byte pieces, in order of the bytes.
    """

    def __init__(self, ids: Mapping[str, int], scores: Mapping[str, float], byte_ids: Sequence[int]) -> None:
        """Stores the arguments as the attributes of the same names."""
        self.ids = ids
        self.scores = scores
        self.byte_ids = byte_ids

    def ids_of(self, part: str) -> Ids:
        """Ids of a string: one id if the string is a piece, otherwise the ids of its UTF-8 bytes."""
        piece_id = self.ids.get(part)
        return tuple(self.byte_ids[byte] for byte in part.encode()) if piece_id is None else (piece_id,)

    def has_bpe_ranks(self) -> bool:
        """Whether the scores are 0, -1, -2, ...: the negative merge ranks of a BPE vocabulary."""
        return [-score for score in self.scores.values()] == list(range(len(self.scores)))


class UnigramSampler:
    """Samples segmentations of a word with probability proportional to `P(segmentation)^α` (Kudo 2018, §3.2).

    The algorithm is forward filtering, backward sampling: pieces are sampled from the end of the word to its start.
    The weight of a piece is its own `P^α`, times the total weight of all segmentations of the text before the piece.
    """

    def __init__(self, pieces: ScoredPieces, alpha: float) -> None:
        """Creates a sampler for a unigram vocabulary.

        Args:
            pieces: Pieces of the vocabulary, with log-probabilities as scores.
            alpha: Exponent α: 1 = the distribution of the unigram model; near 0 = uniform over all segmentations.
        """
        self._pieces = pieces
        self._alpha = alpha
        self._unknown = min(pieces.scores.values(), default=0.0) - _UNKNOWN_PENALTY
        self._lattice = lru_cache(maxsize=_CACHED_WORDS)(self._build)

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Samples the subword ids of a word from the unigram model. See `SegmentationSampler.draw`."""
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
    """Samples segmentations of a word by BPE dropout (Provilkov et al. 2020, Algorithm 1).

    At each merge step, every possible merge is dropped with a given probability. A merge that is dropped at one step
    may be applied at a later step; in SentencePiece's own version it is dropped for good.
    """

    def __init__(self, pieces: ScoredPieces, dropout: float) -> None:
        """Creates a sampler for a BPE vocabulary.

        Args:
            pieces: Pieces of the vocabulary, with negative merge ranks as scores.
            dropout: Probability of dropping a merge; 0 = deterministic BPE, 1 = single characters.
        """
        self._pieces = pieces
        self._dropout = dropout

    def draw(self, word: str, generator: random.Random) -> list[int]:
        """Samples the subword ids of a word, by BPE with dropped merges. See `SegmentationSampler.draw`."""
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
    """Creates a sampler of segmentations for a vocabulary, according to its algorithm.

    Args:
        pieces: Pieces of a unigram or BPE vocabulary, with their scores.
        alpha: Exponent α of the probabilities for unigram; probability of dropping a merge for BPE.

    Returns:
        A `BPESampler` if the scores are merge ranks, otherwise a `UnigramSampler`.
    """
    return BPESampler(pieces, alpha) if pieces.has_bpe_ranks() else UnigramSampler(pieces, alpha)


def sample_ids(
    text: str,
    sampler: SegmentationSampler,
    generator: random.Random,
    tag_ids: Mapping[str, int] = MappingProxyType({}),
) -> list[int]:
    """Samples a random segmentation of a text into subwords, word by word.

    Args:
        text: The text, in which `regard.text.tokenizers.escape_text` has escaped `▁`.
        sampler: Sampler that segments single words.
        generator: Source of random numbers.
        tag_ids: Ids of words that are never split, by their spelling with `▁`.

    Returns:
        The subword ids of the text, in order.
    """
    if not text:
        return []
    words = _units(tuple(tag_ids)).findall(SPACE + text.replace(" ", SPACE))
    return [i for word in words for i in ([tag_ids[word]] if word in tag_ids else sampler.draw(word, generator))]


@lru_cache
def _units(tags: tuple[str, ...]) -> re.Pattern[str]:
    """Pattern of a tag (the longest that fits, as in SentencePiece), or of a word or a part of one."""
    return re.compile("|".join([*map(re.escape, sorted(tags, key=len, reverse=True)), _UNITS]))
