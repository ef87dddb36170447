"""Scores with bootstrap intervals, and paired tests against the baseline, over all seeds at once.

Every metric here is a function of sums over sentences: n-gram counts for BLEU and chrF, nats and tokens for
perplexity, counts of links for the alignment error rate. The statistics of a sentence are first added over the seeds,
so that a bootstrap sample draws, and a randomization test swaps, a sentence together with all its translations.
Treating each seed's translation as a separate sentence would make all differences look more certain than they are.

Intervals and tests are those of sacreBLEU (`sacrebleu --paired-ar --confidence`), with equal numbers for one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric, Score, Signature
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest, Result

from regard.alignment.error_rate import AlignmentScores
from regard.evaluate.scores import normalized_lines
from regard.evaluate.tokenizers import bleu_metric
from regard.lab.result import SentenceResult

Statistics = NDArray[np.float64]
"""Statistics of each sentence from which metrics are computed, `(sentences, columns)`; see `COLUMNS`."""
BOOTSTRAP_SAMPLES = 1000
SIGNIFICANCE_LEVEL = 0.05
"""A difference is called significant if its corrected p value is below this level."""
MIN_SENTENCES = 10
"""Minimum number of sentences of a test. sacreBLEU counts the swaps that make a difference larger, but not those that
reproduce it, such as swapping all sentences; with one sentence there are no others, and any difference would be
significant."""

_BLEU, _CHRF = BLEU(), CHRF()
COLUMNS = {"BLEU": slice(0, 10), "chrF": slice(10, 28), "perplexity": slice(28, 30), "AER": slice(30, 34)}
"""Columns of `Statistics` that each metric needs."""


@dataclass(frozen=True)
class LabMetric:
    """A metric computed from sums over sentences, with the interface that sacreBLEU's significance tests expect.

    Attributes:
        name: Name of the metric: `BLEU`, `chrF`, `perplexity` or `AER`.
        compute: Function that computes the score from the metric's statistics, such as n-gram counts, summed over all
            sentences. `COLUMNS` says which columns of `Statistics` it takes.
        higher_is_better: Whether a higher score is better.
        decimals: Number of decimals in the report.
    """

    name: str
    compute: Callable[[NDArray[np.float64]], float]
    higher_is_better: bool
    decimals: int

    def corpus_score(self, statistics: Statistics) -> float:
        """Computes the score over all sentences from statistics in the form that `sentence_statistics` returns."""
        return self.compute(statistics[:, COLUMNS[self.name]].sum(axis=0))

    def get_signature(self) -> Signature:
        """A new sacreBLEU signature; sacreBLEU's significance test adds seed and number of trials to it."""
        return Signature({"num_refs": 1})

    def _extract_corpus_statistics(self, hypotheses: Statistics, _references: object) -> Statistics:
        return hypotheses[:, COLUMNS[self.name]]

    def _aggregate_and_compute(self, stats: Statistics) -> Score:
        return self._compute_score_from_stats(np.asarray(stats).sum(axis=0))

    def _compute_score_from_stats(self, stats: NDArray[np.float64]) -> Score:
        return Score(self.name, self.compute(stats))


def _alignment_error_rate(sums: NDArray[np.float64]) -> float:
    counts = [int(count) for count in sums]
    return AlignmentScores(*counts).aer


METRICS = (
    LabMetric("BLEU", lambda sums: float(_BLEU._compute_score_from_stats(cast("list[int]", sums)).score), True, 1),
    LabMetric("chrF", lambda sums: float(_CHRF._compute_score_from_stats(cast("list[int]", sums)).score), True, 1),
    LabMetric("perplexity", lambda sums: exp(sums[0] / sums[1]), False, 2),
    LabMetric("AER", _alignment_error_rate, False, 3),
)


@dataclass(frozen=True)
class PooledScore:
    """Score of a system over all its seeds, and its difference from the baseline system.

    Attributes:
        score: Score over the translations of all seeds together.
        margin: Half of the width of the 95 % bootstrap confidence interval.
        seeds: Score of each single seed, by seed.
        difference: Score minus the baseline's score, over the seeds that both systems have; None for the baseline
            itself, if there are fewer than `MIN_SENTENCES` sentences, or if the two have no seed in common.
        p_value: Probability of a difference at least as large by chance, corrected for the number of systems
            (Holm 1979); None without a difference.
        seeds_agree: Whether the difference has the same sign for every common seed.
    """

    score: float
    margin: float
    seeds: Mapping[int, float]
    difference: float | None = None
    p_value: float | None = None
    seeds_agree: bool = False

    @property
    def significant(self) -> bool:
        """Whether the difference from the baseline is significant and has the same sign for every common seed."""
        return self.p_value is not None and self.p_value < SIGNIFICANCE_LEVEL and self.seeds_agree


def sentence_statistics(
    sentences: Sequence[SentenceResult], references: Sequence[str], *, tokenizer: str
) -> Statistics:
    """Computes the statistics that each sentence contributes to the metrics.

    Args:
        sentences: Results of one trained model for the test sentences.
        references: Reference translation of each test sentence.
        tokenizer: Name of the tokenizer for BLEU (see `regard.evaluate.tokenizers`).

    Returns:
        Array with a row per sentence, `(sentences, columns)`; `COLUMNS` gives each metric's columns. The columns of a
        metric that was not measured are NaN.
    """
    hypotheses = normalized_lines([sentence.translation for sentence in sentences])
    normalized = [normalized_lines(references)]
    parts = [
        bleu_metric(tokenizer, force=True)._extract_corpus_statistics(hypotheses, normalized),
        _CHRF._extract_corpus_statistics(hypotheses, normalized),
        [(sentence.nll, sentence.num_tokens) for sentence in sentences],
        [sentence.links or (np.nan,) * 4 for sentence in sentences],
    ]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts], axis=1)


BySeed = Mapping[int, Statistics]


def compare(
    systems: Mapping[str, BySeed], baseline: str, metric: LabMetric, *, trials: int, rows: Sequence[int] | None = None
) -> dict[str, PooledScore]:
    """Scores all systems by one metric, with confidence intervals, and tests their differences from the baseline.

    Args:
        systems: Arrays from `sentence_statistics`, by name of the system, then by seed.
        baseline: Name of the system with which all others are compared.
        metric: Metric to score by.
        trials: Number of trials of the approximate randomization test.
        rows: 0-based numbers of the test sentences to use; None = all.

    Returns:
        Score by name of the system; systems for which the metric was not measured are missing.
    """
    measured = {name: _measured_seeds(by_seed, metric, rows) for name, by_seed in systems.items()}
    measured = {name: by_seed for name, by_seed in measured.items() if by_seed}
    against = measured.get(baseline)
    scores = {
        name: _compare(by_seed, None if name == baseline else against, metric, trials)
        for name, by_seed in measured.items()
    }
    return _corrected(scores)


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Corrects p values for the number of tests (Holm 1979).

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}

    Args:
        values: p values by name of the test.

    Returns:
        Corrected p values by name of the test, smallest first.
    """
    corrected, least = {}, 0.0
    for rank, (name, p) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, (len(values) - rank) * p))
        corrected[name] = least
    return corrected


def _measured_seeds(by_seed: BySeed, metric: LabMetric, rows: Sequence[int] | None) -> dict[int, Statistics]:
    chosen = {seed: sums if rows is None else sums[list(rows)] for seed, sums in by_seed.items()}
    return {seed: sums for seed, sums in chosen.items() if not np.isnan(sums[:, COLUMNS[metric.name]]).any()}


def _compare(own: BySeed, baseline: BySeed | None, metric: LabMetric, trials: int) -> PooledScore:
    """Score of one system; it is compared only where there is a baseline and enough sentences."""
    few = min(map(len, own.values())) < MIN_SENTENCES
    other = {} if baseline is None or few else baseline
    shared, seeds = sorted(own.keys() & other.keys()), {seed: metric.corpus_score(own[seed]) for seed in sorted(own)}
    if not shared:
        alone = _without_comparison(own, metric)
        return PooledScore(alone.score, float(alone.ci or 0.0), seeds)
    against = _pooled(other, shared)
    tested = _paired_test(against, _pooled(own, shared), metric, trials)
    shown = tested if len(shared) == len(own) else _without_comparison(own, metric)
    signs = {float(np.sign(seeds[seed] - metric.corpus_score(other[seed]))) for seed in shared}
    return PooledScore(
        shown.score,
        float(shown.ci or 0.0),
        seeds,
        tested.score - metric.corpus_score(against),
        tested.p_value,
        signs in ({1.0}, {-1.0}),
    )


def _without_comparison(own: BySeed, metric: LabMetric) -> Result:
    """The score over all seeds with its interval; compared with itself, since sacreBLEU requires two systems."""
    pooled = _pooled(own, sorted(own))
    return _paired_test(pooled, pooled, metric, trials=1)


def _paired_test(against: Statistics, own: Statistics, metric: LabMetric, trials: int) -> Result:
    """The score of a system with its interval, and the p value of its difference from another."""
    # The test passes its "translations" unread to the metric, so they can be sentence statistics.
    test = PairedTest(
        cast("list[tuple[str, Sequence[str]]]", [("baseline", against), ("own", own)]),
        cast("dict[str, Metric]", {metric.name: metric}),
        references=None,
        test_type="ar",
        n_samples=trials,
        n_ar_confidence=BOOTSTRAP_SAMPLES,
    )
    return cast("Result", test()[1][metric.name][1])


def _pooled(by_seed: BySeed, seeds: Sequence[int]) -> Statistics:
    pooled: Statistics = np.sum([by_seed[seed] for seed in seeds], axis=0, dtype=np.float64)
    return pooled


def _corrected(scores: dict[str, PooledScore]) -> dict[str, PooledScore]:
    p_values = holm({name: score.p_value for name, score in scores.items() if score.p_value is not None})
    return {name: replace(score, p_value=p_values.get(name)) for name, score in scores.items()}
