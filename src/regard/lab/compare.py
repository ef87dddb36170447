"""Scores with their uncertainty: bootstrap intervals, and paired tests against the baseline, over all seeds at once.

Every measure here is a function of sums over sentences: n-gram counts for BLEU and chrF, nats and tokens for
perplexity, counts of links for the alignment error rate. The numbers of one sentence are added over the seeds first, so
that a sentence with all its translations is what is drawn, or exchanged between two systems. To take each translation
for a draw of its own would count a sentence once a seed, and find everything more certain than it is.

Tests and intervals are sacreBLEU's own (`sacrebleu --paired-ar --confidence`); with one seed the numbers are the same.
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
from regard.evaluate.scores import comparable
from regard.evaluate.tokenizers import bleu_metric
from regard.lab.result import Sentence

Sums = NDArray[np.float64]
"""`(sentences, columns)`: what each sentence adds to the columns of `COLUMNS`."""
RESAMPLES = 1000
LEVEL = 0.05
"""Differences whose corrected p is below this are called significant."""
TESTABLE = 10
"""Sentences that a test is made with. sacreBLEU's counts the exchanges that make a difference larger, not those that
make the same again, such as exchanging all: with one sentence there are no others, and all would be significant."""

_BLEU, _CHRF = BLEU(), CHRF()
COLUMNS = {"BLEU": slice(0, 10), "chrF": slice(10, 28), "perplexity": slice(28, 30), "AER": slice(30, 34)}
"""Which columns belong to which measure."""


@dataclass(frozen=True)
class Measure:
    """A number that follows from sums over sentences, in the form that sacreBLEU's tests ask for.

    Attributes:
        name: Such as `BLEU`; one of `COLUMNS`.
        compute: From the sums of its columns to the number.
        rises: Whether more is better.
        decimals: That are shown.
    """

    name: str
    compute: Callable[[NDArray[np.float64]], float]
    rises: bool
    decimals: int

    def of(self, sums: Sums) -> float:
        """The number over all sentences."""
        return self.compute(sums[:, COLUMNS[self.name]].sum(axis=0))

    def get_signature(self) -> Signature:
        """Where sacreBLEU notes seeds and trials."""
        return Signature({"num_refs": 1})

    def _extract_corpus_statistics(self, hypotheses: Sums, _references: object) -> Sums:
        return hypotheses[:, COLUMNS[self.name]]

    def _aggregate_and_compute(self, stats: Sums) -> Score:
        return self._compute_score_from_stats(np.asarray(stats).sum(axis=0))

    def _compute_score_from_stats(self, stats: NDArray[np.float64]) -> Score:
        return Score(self.name, self.compute(stats))


def _alignment_error_rate(sums: NDArray[np.float64]) -> float:
    counts = [int(one) for one in sums]
    return AlignmentScores(*counts).aer


MEASURES = (
    Measure("BLEU", lambda sums: float(_BLEU._compute_score_from_stats(cast("list[int]", sums)).score), True, 1),
    Measure("chrF", lambda sums: float(_CHRF._compute_score_from_stats(cast("list[int]", sums)).score), True, 1),
    Measure("perplexity", lambda sums: exp(sums[0] / sums[1]), False, 2),
    Measure("AER", _alignment_error_rate, False, 3),
)


@dataclass(frozen=True)
class Value:
    """A score over all seeds of a system.

    Attributes:
        score: Over the translations of all of its seeds together.
        margin: Half of the 95 % bootstrap interval around it.
        seeds: The score of each seed alone, by its number.
        difference: From the baseline, over the seeds that both have; None for the baseline, for fewer than `TESTABLE`
            sentences, and without a seed in common.
        p: That a difference at least as large arises by chance, corrected for the number of systems (Holm 1979); None
            where there is no difference.
        agreed: Whether every seed that both have differs in the same direction.
    """

    score: float
    margin: float
    seeds: Mapping[int, float]
    difference: float | None = None
    p: float | None = None
    agreed: bool = False

    @property
    def significant(self) -> bool:
        """Whether the difference from the baseline is beyond chance, and the same way round with every seed."""
        return self.p is not None and self.p < LEVEL and self.agreed


def sentence_sums(sentences: Sequence[Sentence], references: Sequence[str], *, tokenizer: str) -> Sums:
    """What each sentence adds to every measure.

    Args:
        sentences: Of one cell.
        references: The right translations.
        tokenizer: Of BLEU (see `regard.evaluate.tokenizers`).

    Returns:
        `(sentences, columns)`; NaN in the columns of a measure that was not taken.
    """
    said, right = comparable([one.translation for one in sentences]), [comparable(references)]
    links = [one.links or (np.nan,) * 4 for one in sentences]
    parts = [
        bleu_metric(tokenizer, force=True)._extract_corpus_statistics(said, right),
        _CHRF._extract_corpus_statistics(said, right),
        [(one.nll, one.num_tokens) for one in sentences],
        links,
    ]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts], axis=1)


BySeed = Mapping[int, Sums]


def compare(
    systems: Mapping[str, BySeed], baseline: str, measure: Measure, *, trials: int, rows: Sequence[int] | None = None
) -> dict[str, Value]:
    """One measure of all systems, each with its interval and its test against the baseline.

    Args:
        systems: What each sentence adds, a system and a seed.
        baseline: Name of the system to compare with.
        measure: What to take.
        trials: Of the approximate randomization test.
        rows: Sentences to look at; all when not given.

    Returns:
        A value a system that the measure could be taken of.
    """
    taken = {name: _taken(one, measure, rows) for name, one in systems.items()}
    taken = {name: one for name, one in taken.items() if one}
    found = {name: _compare(name, one, taken.get(baseline), baseline, measure, trials) for name, one in taken.items()}
    return _corrected(found)


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Corrects p values for their number (Holm 1979).

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}

    Args:
        values: By name.

    Returns:
        Corrected ones, the smallest first.
    """
    corrected, least = {}, 0.0
    for place, (name, p) in enumerate(sorted(values.items(), key=lambda one: one[1])):
        least = max(least, min(1.0, (len(values) - place) * p))
        corrected[name] = least
    return corrected


def _taken(seeds: BySeed, measure: Measure, rows: Sequence[int] | None) -> dict[int, Sums]:
    chosen = {seed: sums if rows is None else sums[list(rows)] for seed, sums in seeds.items()}
    return {seed: sums for seed, sums in chosen.items() if not np.isnan(sums[:, COLUMNS[measure.name]]).any()}


def _compare(name: str, own: BySeed, other: BySeed | None, baseline: str, measure: Measure, trials: int) -> Value:
    few = min(map(len, own.values())) < TESTABLE
    other = {} if other is None or name == baseline or few else other
    shared, each = sorted(own.keys() & other.keys()), {seed: measure.of(own[seed]) for seed in sorted(own)}
    if not shared:
        alone = _alone(own, measure)
        return Value(alone.score, float(alone.ci or 0.0), each)
    against = _pooled(other, shared)
    tested = _paired(against, _pooled(own, shared), measure, trials)
    shown = tested if len(shared) == len(own) else _alone(own, measure)
    signs = {float(np.sign(each[seed] - measure.of(other[seed]))) for seed in shared}
    return Value(
        shown.score,
        float(shown.ci or 0.0),
        each,
        tested.score - measure.of(against),
        tested.p_value,
        signs in ({1.0}, {-1.0}),
    )


def _alone(own: BySeed, measure: Measure) -> Result:
    """The score over all seeds with its interval; compared with itself, since sacreBLEU wants two systems."""
    whole = _pooled(own, sorted(own))
    return _paired(whole, whole, measure, trials=1)


def _paired(against: Sums, own: Sums, measure: Measure, trials: int) -> Result:
    """The score of a system with its interval, and with the p of its difference from another."""
    # The test never looks into a "translation": it hands all of them to the measure, which takes sums.
    test = PairedTest(
        cast("list[tuple[str, Sequence[str]]]", [("baseline", against), ("own", own)]),
        cast("dict[str, Metric]", {measure.name: measure}),
        references=None,
        test_type="ar",
        n_samples=trials,
        n_ar_confidence=RESAMPLES,
    )
    return cast("Result", test()[1][measure.name][1])


def _pooled(seeds: BySeed, chosen: Sequence[int]) -> Sums:
    pooled: Sums = np.sum([seeds[seed] for seed in chosen], axis=0, dtype=np.float64)
    return pooled


def _corrected(values: dict[str, Value]) -> dict[str, Value]:
    ps = holm({name: one.p for name, one in values.items() if one.p is not None})
    return {name: replace(one, p=ps.get(name)) for name, one in values.items()}
