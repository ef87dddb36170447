"""Finds sentence pairs whose sides do not mean the same, by the probability that a translation model gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regard.alignment.readout import Readout
from regard.data.cleaning.check import Check
from regard.errors import ConfigError
from regard.translation.translator import Translator
from regard.values import Pair

Floats = npt.NDArray[np.float64]
_BATCH = 64
_SAMPLE = 500
"""Pairs of the sample from which the scale is learned."""
_MISSED = 0.12
"""Share of randomly paired sentences whose score is below 1, as in the check `misaligned`."""


@dataclass(frozen=True, slots=True)
class ModelScore:
    """Scores pairs by how improbable a translation model finds the target: 0 for typical pairs, 1 for random pairs.

    The unscaled score is the mean negative log-probability per token in nats. With a model of the opposite direction,
    it is the mean of the two directions plus their absolute difference (dual conditional cross-entropy; Junczys-Dowmunt
    2018). The score is `(unscaled - center) / scale`; `learn` finds `center` and `scale` for a corpus. A pair that is
    too long for a model has the score 0.

    Attributes:
        translator: Model from the source to the target language.
        reverse: Model from the target to the source language; None = only one direction.
        center: Unscaled score of pairs whose score is 0.
        scale: Unscaled score of pairs whose score is 1, minus `center`.
    """

    translator: Translator
    reverse: Translator | None = None
    center: float = 0.0
    scale: float = 1.0

    @classmethod
    def learn(cls, translator: Translator, sample: Sequence[Pair], reverse: Translator | None = None) -> ModelScore:
        """Learns the linear scale that turns mean negative log-probabilities into scores.

        Score 0 is the median of the pairs in `sample`. Score 1 is the value that 88 % of random pairs exceed, each made
        of a source and the target of another pair.

        Args:
            translator: Model from the source to the target language.
            sample: Pairs of the corpus, most of them correct; about 500 of them, evenly spaced, are used.
            reverse: Model from the target to the source language; None = only one direction.

        Returns:
            The scorer.

        Raises:
            ConfigError: The model does not find the pairs more probable than random pairs, or `sample` is empty.
        """
        pairs = sample[:: -(-len(sample) // _SAMPLE) or 1]
        order = np.random.default_rng(0).permutation(len(pairs)).tolist()
        shuffled = [Pair(pair.src, pairs[index].tgt) for pair, index in zip(pairs, order, strict=True)]
        unscaled = cls(translator, reverse)
        real, random = np.array(unscaled(pairs)), np.array(unscaled(shuffled))
        center, bound = (float(np.median(real)), float(np.quantile(random, _MISSED))) if len(pairs) else (0.0, 0.0)
        if bound <= center:
            raise ConfigError(
                f"expected a model that finds the {len(pairs)} sampled pairs more probable than random pairs, but it "
                "does not: check that the model translates from the source to the target language of the corpus"
            )
        return cls(translator, reverse, center, bound - center)

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Computes the score of each pair, in the order of `pairs`; a higher score is worse."""
        sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
        forward = _losses(self.translator, sources, targets)
        if self.reverse is not None:
            backward = _losses(self.reverse, targets, sources)
            forward = (forward + backward) / 2 + np.abs(forward - backward)
        scaled = (np.where(np.isnan(forward), self.center, forward) - self.center) / self.scale
        return [float(score) for score in scaled]


def model_check(
    translator: Translator, sample: Sequence[Pair], reverse: Translator | None = None, *, threshold: float = 0.9
) -> Check:
    """Makes the data-cleaning check that finds sentence pairs which a translation model considers improbable.

    Args:
        translator: Model from the source to the target language.
        sample: Pairs of the corpus, from which the scale of the scores is learned.
        reverse: Model from the target to the source language; None = only one direction.
        threshold: Largest `ModelScore` of a pair that passes: 0 is typical of the corpus, 1 of random pairs.

    Returns:
        The check, with the name `model`.

    Raises:
        ConfigError: The model does not find the pairs more probable than random pairs.
    """
    score = ModelScore.learn(translator, sample, reverse)
    return Check("model", "pairs that the model finds improbable", threshold, score)


def _losses(translator: Translator, sources: list[str], targets: list[str]) -> Floats:
    """Mean negative log-probability per token of each target, with the end of the sentence; NaN if not scored."""
    losses = np.full(len(sources), np.nan)
    order = sorted(range(len(sources)), key=lambda row: len(targets[row]))
    for first in range(0, len(order), _BATCH):
        rows = order[first : first + _BATCH]
        scored = translator.score([sources[row] for row in rows], [targets[row] for row in rows], only=Readout())
        for row, translation in zip(rows, scored, strict=True):
            if translation.tokens:
                losses[row] = -translation.score / (len(translation.tokens) + 1)
    return losses
