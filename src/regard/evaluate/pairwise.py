"""chrF of every pair of two lists of sentences, for minimum Bayes risk decoding."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec


def pairwise_chrf(hypotheses: Sequence[str], references: Sequence[str]) -> list[list[float]]:
    """Computes the sentence-level chrF (Popović 2015) of every hypothesis against every reference.

    Uses the package fastchrf if it is installed, otherwise sacreBLEU, which takes about 30 times as long. Both give the
    same numbers.

    Args:
        hypotheses: H hypotheses.
        references: R references.

    Returns:
        For each hypothesis, its chrF against each reference, 0 to 100.
    """
    if find_spec("fastchrf") is not None:
        import fastchrf

        [scores] = fastchrf.pairwise_chrf([list(hypotheses)], [list(references)])
        return [list(row) for row in scores]
    return _with_sacrebleu(hypotheses, references)


def _with_sacrebleu(hypotheses: Sequence[str], references: Sequence[str]) -> list[list[float]]:
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return [
        [float(metric.sentence_score(hypothesis, [reference]).score) for reference in references]
        for hypothesis in hypotheses
    ]
