"""Check of meaning: pairs whose sides do not translate each other, by the words of the corpus itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regard.cleaning.word_translations import WordTranslations
from regard.values import Pair

Floats = npt.NDArray[np.float64]
MIN_SAMPLE = 2000
"""Fewest pairs from which translations of words are learned."""
_SHUFFLED = 20_000
"""Most pairs of the sample that are compared with shuffled ones."""
_MISSED = 0.12
"""Share of randomly paired sentences whose score is below 1."""
_LENGTH_WEIGHT = 4.0
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Misaligned:
    """Scores each pair by how badly its words match: 0 = as most pairs do, 1 = as randomly paired sentences do.

    The evidence is the sum over the words of both sides of the logarithm of how much more probable a word is given the
    other side, divided by the square root of the number of words, because the words of a sentence depend on each other.
    A length that is unusual for the other side counts against a pair. The score is scaled so that 88 % of randomly
    paired sentences of the corpus are above 1.

    Attributes:
        translations: Which words translate which.
        usual_ratio: Usual logarithm of the number of target words per source word.
        center: Unscaled score that becomes 0.
        scale: Difference of unscaled scores that becomes 1.
    """

    translations: WordTranslations
    usual_ratio: float
    center: float
    scale: float

    @classmethod
    def learn(cls, sample: Sequence[Pair]) -> Misaligned | None:
        """Learns which words translate which, and how scores of matching and of random pairs differ.

        Args:
            sample: Pairs of the corpus, of which most are right.

        Returns:
            The scorer; None if the sample is too small, or says too little to tell matching from random pairs.
        """
        if len(sample) < MIN_SAMPLE:
            return None
        translations = WordTranslations.learn(sample)
        some = sample[:: -(-len(sample) // _SHUFFLED)]
        sources, targets = [pair.src for pair in some], [pair.tgt for pair in some]
        order = np.random.default_rng(0).permutation(len(some))
        evidence = translations.evidence(sources, targets)
        usual_ratio = float(np.median(np.log((evidence.tgt_sizes + 2) / (evidence.src_sizes + 2))))
        unscaled = cls(translations, usual_ratio, 0.0, 1.0)
        real = unscaled.unscaled_scores(sources, targets)
        random = unscaled.unscaled_scores(sources, [targets[index] for index in order.tolist()])
        center, bound = float(np.median(real)), float(np.quantile(random, _MISSED))
        if bound <= np.quantile(real, 0.8):
            return None
        return cls(translations, usual_ratio, center, bound - center)

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """See `regard.cleaning.check.Scorer`."""
        scores: list[float] = []
        for first in range(0, len(pairs), _BATCH):
            batch = pairs[first : first + _BATCH]
            unscaled = self.unscaled_scores([pair.src for pair in batch], [pair.tgt for pair in batch])
            scores += ((unscaled - self.center) / self.scale).tolist()
        return scores

    def unscaled_scores(self, sources: Sequence[str], targets: Sequence[str]) -> Floats:
        """Scores pairs before scaling.

        Args:
            sources: Source sentences.
            targets: One target sentence per source sentence.

        Returns:
            One score per pair; higher is worse. (N,)
        """
        evidence = self.translations.evidence(sources, targets)
        match = evidence.src_sums / np.sqrt(evidence.src_sizes + 1) + evidence.tgt_sums / np.sqrt(
            evidence.tgt_sizes + 1
        )
        ratios = np.log((evidence.tgt_sizes + 2) / (evidence.src_sizes + 2)) - self.usual_ratio
        scores: Floats = _LENGTH_WEIGHT * ratios**2 - match
        return scores
