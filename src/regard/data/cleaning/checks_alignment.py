"""Finds pairs whose sides do not translate each other, by word translations learned from the corpus itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regard.data.cleaning.word_translations import Evidence, WordTranslations
from regard.values import Pair

Floats = npt.NDArray[np.float64]
MIN_SAMPLE = 2000
"""Fewest pairs from which translations of words are learned."""
_SHUFFLED = 20_000
"""Most pairs of the sample that are compared with shuffled ones."""
_MISSED = 0.12
"""Share of randomly paired sentences whose score is below 1."""
_HELD_OUT = 10_000
"""Most pairs that are held out to see whether the learned translations apply to other pairs."""
_MIN_SEPARATION = 0.7
"""Least share of held-out random pairs that score above the median of held-out pairs; 0.5 = nothing was learned."""
_LENGTH_WEIGHT = 4.0
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Misaligned:
    """Scores each pair by how badly its words match: 0 = like most pairs, 1 = like randomly paired sentences.

    For each word, the logarithm of how much more probable it is given the other side is computed. These logarithms are
    summed over each side and divided by the square root of its number of words, because the words of a sentence depend
    on each other. A length that is unusual for the other side makes the score worse. The score is scaled so that 88 %
    of randomly paired sentences of the corpus are above 1.

    Attributes:
        translations: Probabilities of word translations.
        usual_ratio: Median of the logarithm of the number of target words per source word.
        center: Score before scaling that becomes 0.
        scale: Difference of scores before scaling that becomes 1.
    """

    translations: WordTranslations
    usual_ratio: float
    center: float
    scale: float

    @classmethod
    def learn(cls, sample: Sequence[Pair]) -> Misaligned | None:
        """Learns which words translate which, and how scores of matching and of random pairs differ.

        Args:
            sample: Pairs of the corpus, most of which must be correct translations.

        Returns:
            The scorer. None if the sample is too small, or if translations learned from a part of it do not fit its
            other pairs, as in a corpus whose target lines are all shifted against the source lines.
        """
        if len(sample) < MIN_SAMPLE or _separation(sample) < _MIN_SEPARATION:
            return None
        translations = WordTranslations.learn(sample)
        real, random, usual_ratio = _compare(translations, sample[:: -(-len(sample) // _SHUFFLED)])
        center, bound = float(np.median(real)), float(np.quantile(random, _MISSED))
        return cls(translations, usual_ratio, center, bound - center) if bound > center else None

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Scores how badly the words of each pair match: one score per pair, in their order; higher is worse."""
        scores: list[float] = []
        for first in range(0, len(pairs), _BATCH):
            batch = pairs[first : first + _BATCH]
            evidence = self.translations.evidence([pair.src for pair in batch], [pair.tgt for pair in batch])
            scores += ((_unscaled_scores(evidence, self.usual_ratio) - self.center) / self.scale).tolist()
        return scores


def _separation(sample: Sequence[Pair]) -> float:
    """Share of random pairs that score above the median of matching ones, with translations of other pairs."""
    step = -(-len(sample) // (2 * _HELD_OUT))
    real, random, _ = _compare(WordTranslations.learn(sample[:: 2 * step]), sample[step :: 2 * step])
    return float((random > np.median(real)).mean())


def _compare(translations: WordTranslations, pairs: Sequence[Pair]) -> tuple[Floats, Floats, float]:
    """Scores of pairs, scores of their sides in random combination, and the usual log ratio of their lengths."""
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    order = np.random.default_rng(0).permutation(len(pairs)).tolist()
    real, random = (translations.evidence(sources, texts) for texts in (targets, [targets[index] for index in order]))
    usual_ratio = float(np.median(_log_ratios(real)))
    return _unscaled_scores(real, usual_ratio), _unscaled_scores(random, usual_ratio), usual_ratio


def _unscaled_scores(evidence: Evidence, usual_ratio: float) -> Floats:
    match = evidence.src_sums / np.sqrt(evidence.src_sizes + 1) + evidence.tgt_sums / np.sqrt(evidence.tgt_sizes + 1)
    scores: Floats = _LENGTH_WEIGHT * (_log_ratios(evidence) - usual_ratio) ** 2 - match
    return scores


def _log_ratios(evidence: Evidence) -> Floats:
    ratios: Floats = np.log((evidence.tgt_sizes + 2) / (evidence.src_sizes + 2))
    return ratios
