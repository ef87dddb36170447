"""Collects the contents of a report from the finished runs: scores, learning curves and attention matrices."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

from regard.errors import DataError, RegardError
from regard.evaluate.length import buckets, range_label
from regard.evaluate.scores import normalized_lines
from regard.evaluate.tokenizers import choose_tokenizer
from regard.inspection.record import AttentionRecord
from regard.lab.compare import METRICS, PooledScore, compare, sentence_statistics
from regard.lab.corpus import LabCorpus, word_splitter
from regard.lab.experiment import Experiment
from regard.lab.recorder import ValidationPoint
from regard.lab.result import RunResult

DISTANCE_EDGES = (5, 10, 15, 20, 30, 40, 60, 80)
"""Distances in recurrent steps at which a new bucket begins."""
MIN_SIZE = 10
"""Minimum number of word pairs or test words from which a point of a curve is computed."""
BUCKET_TRIALS = 2000
"""Maximum number of trials of a significance test within a bucket."""

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Bucket:
    """Results for the test sentences or words in one range, such as sentences of 10 to 14 words.

    Attributes:
        label: The range, such as `10-14` or `1000+`.
        size: Number of sentences or words in the range.
        values: Result of each system, by name of the system: a score, a recall or a gradient norm.
    """

    label: str
    size: int
    values: Mapping[str, PooledScore | float]


@dataclass(frozen=True)
class SystemCosts:
    """Training cost and speed of a system; means over its seeds.

    Attributes:
        num_seeds: Number of finished runs of the system.
        num_parameters: Number of trained parameters.
        tokens: Number of target tokens trained on; None if unknown.
        minutes: Training time in minutes.
        tokens_per_second: Target tokens per second in training; None if unknown.
        sentences_per_second: Translation speed with the lab's beam size.
        peak_memory: Peak memory of training in bytes.
    """

    num_seeds: int
    num_parameters: int
    tokens: float | None
    minutes: float
    tokens_per_second: float | None
    sentences_per_second: float
    peak_memory: float


@dataclass(frozen=True)
class Summary:
    """Everything that a report shows.

    Attributes:
        experiment: The lab with its directory.
        results: Results of the finished runs, by system.
        scores: Scores by name of the metric, then by system.
        costs: Training cost and speed by system.
        lengths: BLEU in ranges of source length.
        frequencies: Recall of target words in percent, in ranges of their frequency in the training text.
        distances: Median norm of the gradient of a target word's log-probability with respect to the embedding of the
            source word that it is linked to, in ranges of the distance between the two words in recurrent steps.
        curves: Validation curves by name of the curve, such as `BLEU by step`, then by system.
        notes: Caveats for the reader, one sentence each.
    """

    experiment: Experiment
    results: Mapping[str, Sequence[RunResult]]
    scores: Mapping[str, Mapping[str, PooledScore]]
    costs: Mapping[str, SystemCosts]
    lengths: Sequence[Bucket]
    frequencies: Sequence[Bucket]
    distances: Sequence[Bucket]
    curves: Mapping[str, Mapping[str, Curve]]
    notes: Sequence[str] = field(default_factory=list)

    @property
    def systems(self) -> list[str]:
        """Names of the systems with a finished run, in the order of the lab's description."""
        return list(self.results)

    def attention(self) -> list[dict[str, AttentionRecord]]:
        """For each sentence whose attention the report shows, the attention by system, from its first finished seed."""
        first = {name: runs[0].measured.records() for name, runs in self.results.items()}
        count = max((len(records) for records in first.values()), default=0)
        return [
            {name: records[number] for name, records in first.items() if len(records) > number}
            for number in range(count)
        ]


def summarize(experiment: Experiment) -> Summary:
    """Collects the results of a lab's finished runs, and compares its systems.

    Args:
        experiment: The lab with its directory.

    Returns:
        Contents of the report.

    Raises:
        DataError: No run has finished yet.
    """
    results: dict[str, list[RunResult]] = {}
    for run in experiment.runs():
        if os.path.lexists(run.result_file):
            results.setdefault(run.system, []).append(experiment.result(run))
    if not results:
        raise DataError(
            f"{experiment.directory}: expected at least one system that has been trained and measured, found none: "
            "train the systems with `regard lab run`"
        )
    results = {name: results[name] for name in experiment.lab.systems if name in results}
    corpus, lab = experiment.corpus, experiment.lab
    references = corpus.lines("test.tgt")
    tokenizer = choose_tokenizer(normalized_lines(references))
    statistics = {
        name: {run.seed: sentence_statistics(run.measured.sentences, references, tokenizer=tokenizer) for run in runs}
        for name, runs in results.items()
    }
    scores = {metric.name: compare(statistics, lab.baseline, metric, trials=lab.measure.trials) for metric in METRICS}
    trials = min(BUCKET_TRIALS, lab.measure.trials)
    by_length = _labeled_buckets([len(line.split()) for line in corpus.lines("test.src")], lab.measure.lengths)
    lengths = [
        Bucket(label, len(rows), compare(statistics, lab.baseline, METRICS[0], trials=trials, rows=rows))
        for label, rows in by_length
    ]
    return Summary(
        experiment,
        results,
        {name: by_system for name, by_system in scores.items() if by_system},
        {name: _costs(runs) for name, runs in results.items()},
        lengths,
        _recall_by_frequency(results, corpus, lab.measure.frequencies),
        _gradients_by_distance(results),
        _curves(results),
        _notes(experiment, results),
    )


def _labeled_buckets(values: Sequence[int], edges: Sequence[int]) -> list[tuple[str, list[int]]]:
    return [(range_label(first, last), indices) for first, last, indices in buckets(values, edges)]


def _costs(runs: Sequence[RunResult]) -> SystemCosts:
    trainings = [run.trained for run in runs]
    return SystemCosts(
        len(runs),
        trainings[0].num_parameters,
        _mean_of_known(training.tokens for training in trainings),
        mean(training.seconds for training in trainings) / 60.0,
        _mean_of_known(training.tokens_per_second for training in trainings),
        mean(run.measured.sentences_per_second for run in runs),
        mean(training.peak_memory for training in trainings),
    )


def _mean_of_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _recall_by_frequency(
    results: Mapping[str, Sequence[RunResult]], corpus: LabCorpus, edges: Sequence[int]
) -> list[Bucket]:
    """Share of the reference words that a translation contains; a repeated word must occur as often."""
    targets = normalized_lines(corpus.lines("test.tgt"))
    split = word_splitter(targets)
    tokens = [(row, word) for row, line in enumerate(targets) for word in split(line)]
    by_frequency = _labeled_buckets([corpus.counts.get(word, 0) for _, word in tokens], edges)
    all_hits = {}
    for name, runs in results.items():
        hits = [0] * len(tokens)
        for run in runs:
            left = [Counter(split(sentence.translation)) for sentence in run.measured.sentences]
            for index, (row, word) in enumerate(tokens):
                if left[row][word] > 0:
                    left[row][word] -= 1
                    hits[index] += 1
        all_hits[name] = hits
    return [
        Bucket(
            label,
            len(indices),
            {
                name: 100.0 * sum(hits[index] for index in indices) / (len(indices) * len(results[name]))
                for name, hits in all_hits.items()
            },
        )
        for label, indices in by_frequency
        if len(indices) >= MIN_SIZE
    ]


def _gradients_by_distance(results: Mapping[str, Sequence[RunResult]]) -> list[Bucket]:
    pairs = [
        (name, steps, norm) for name, runs in results.items() for run in runs for steps, norm in run.measured.gradients
    ]
    rows = []
    for label, indices in _labeled_buckets([steps for _, steps, _ in pairs], DISTANCE_EDGES):
        by_system: dict[str, list[float]] = {}
        for index in indices:
            name, _, norm = pairs[index]
            by_system.setdefault(name, []).append(norm)
        medians = {name: median(norms) for name, norms in by_system.items() if len(norms) >= MIN_SIZE}
        if medians:
            rows.append(Bucket(label, max(map(len, by_system.values())), medians))
    return rows


def _curves(results: Mapping[str, Sequence[RunResult]]) -> dict[str, dict[str, Curve]]:
    def curves_of(
        x: Callable[[ValidationPoint], float], y: Callable[[ValidationPoint], float | None]
    ) -> dict[str, Curve]:
        curves = {name: _mean_curve([run.trained.points for run in runs], x, y) for name, runs in results.items()}
        return {name: curve for name, curve in curves.items() if curve}

    return {
        "BLEU by step": curves_of(lambda point: point.step, lambda point: point.bleu),
        "BLEU by minute": curves_of(lambda point: point.seconds / 60.0, lambda point: point.bleu),
        "entropy": curves_of(lambda point: point.step, lambda point: point.entropy),
        "sharpness": curves_of(lambda point: point.step, lambda point: point.sharpness),
    }


def _mean_curve(
    seeds: Sequence[Sequence[ValidationPoint]],
    x: Callable[[ValidationPoint], float],
    y: Callable[[ValidationPoint], float | None],
) -> Curve:
    """Mean over the seeds of their first validations, of their second ones, and so on, as long as all have one."""
    curve = []
    for points in zip(*seeds, strict=False):
        heights = [value for value in map(y, points) if value is not None]
        if len(heights) == len(points):
            curve.append((mean(map(x, points)), mean(heights)))
    return curve


def _notes(experiment: Experiment, results: Mapping[str, Sequence[RunResult]]) -> list[str]:
    runs = [run for by_seed in results.values() for run in by_seed]
    missing = len(experiment.runs()) - len(runs)
    notes = []
    others = _runs_of_other_options(experiment, results)
    if others:
        notes.append(f"Runs that were started with other options than the lab has now: {', '.join(others)}.")
    if missing:
        notes.append(f"{missing} of {len(experiment.runs())} runs have not finished and are not included.")
    if experiment.corpus.num_seen:
        size = experiment.corpus.sizes["test"]
        notes.append(f"{experiment.corpus.num_seen} of the {size} test sources also occur in the training text.")
    if len({run.measured.vocabulary for run in runs}) > 1:
        notes.append("The systems have different vocabularies, so their perplexities (per subword) are not comparable.")
    if len({run.trained.precision for run in runs}) > 1:
        notes.append(
            "The runs were trained in different precisions, since `auto` picks the fastest: compare speeds with care."
        )
    if len(experiment.lab.seeds) < 3:
        count = len(experiment.lab.seeds)
        notes.append(
            f"With {count} {'seed' if count == 1 else 'seeds'} the variation between seeds is hardly known: "
            "be careful with small differences."
        )
    return notes


def _runs_of_other_options(experiment: Experiment, results: Mapping[str, Sequence[RunResult]]) -> list[str]:
    """Names of finished runs whose fingerprint differs from the lab's, or cannot be computed any more."""
    others = []
    finished = {(name, run.seed) for name, runs in results.items() for run in runs}
    for run in experiment.runs():
        if (run.system, run.seed) in finished and os.path.lexists(run.fingerprint_file):
            try:
                experiment.check_fingerprint(run)
            except RegardError:
                others.append(run.name)
    return others
