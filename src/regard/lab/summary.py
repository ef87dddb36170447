"""What a report says, before it is written down: scores, curves, buckets and matrices of the finished cells."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

from regard.errors import DataError, RegardError
from regard.evaluate.length import buckets, range_label
from regard.evaluate.scores import comparable
from regard.evaluate.tokenizers import choose_tokenizer
from regard.inspection.record import AttentionRecord
from regard.lab.compare import MEASURES, Value, compare, sentence_sums
from regard.lab.corpus import LabCorpus, word_splitter
from regard.lab.experiment import Experiment
from regard.lab.recorder import Point
from regard.lab.result import RunResult

DISTANCES = (5, 10, 15, 20, 30, 40, 60, 80)
FEWEST = 10
"""Pairs of words, or test words, that a point of a curve stands for at least."""
BUCKET_TRIALS = 2000

Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Bucket:
    """Test sentences or words that belong together.

    Attributes:
        label: Such as `10-14` or `1000+`.
        size: How many there are.
        values: A value a system.
    """

    label: str
    size: int
    values: Mapping[str, Value | float]


@dataclass(frozen=True)
class SystemFacts:
    """What a system costs, the mean over its seeds.

    Attributes:
        num_seeds: Finished cells.
        num_parameters: Trained numbers.
        tokens: Target tokens learned from.
        minutes: Of training.
        tokens_per_second: In training.
        sentences_per_second: In translating, with the lab's beam.
        peak_memory: Bytes in training.
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
        bench: The lab.
        results: Finished cells, by system.
        values: By measure, then by system.
        facts: By system.
        lengths: BLEU by source length.
        frequencies: Recall of target words by their frequency in the training text.
        distances: Median gradient norm by distance.
        curves: By name of the curve, then by system.
        notes: What a careful reader should know, a sentence each.
    """

    bench: Experiment
    results: Mapping[str, Sequence[RunResult]]
    values: Mapping[str, Mapping[str, Value]]
    facts: Mapping[str, SystemFacts]
    lengths: Sequence[Bucket]
    frequencies: Sequence[Bucket]
    distances: Sequence[Bucket]
    curves: Mapping[str, Mapping[str, Curve]]
    notes: Sequence[str] = field(default_factory=list)

    @property
    def systems(self) -> list[str]:
        """Systems with a finished cell, in the order of the lab."""
        return list(self.results)

    def attention(self) -> list[dict[str, AttentionRecord]]:
        """For each chosen sentence, the attention of the first seed of every system that has any."""
        first = {name: cells[0].measured.records() for name, cells in self.results.items()}
        count = max((len(records) for records in first.values()), default=0)
        return [{name: records[at] for name, records in first.items() if len(records) > at} for at in range(count)]


def summarize(bench: Experiment) -> Summary:
    """Brings the finished cells of a lab together.

    Args:
        bench: The lab.

    Returns:
        What the report says.

    Raises:
        DataError: No cell is finished.
    """
    results: dict[str, list[RunResult]] = {}
    for cell in bench.cells():
        if os.path.lexists(cell.result):
            results.setdefault(cell.system, []).append(bench.result(cell))
    if not results:
        raise DataError(f"{bench.directory}: expected finished cells, found none: `regard lab run` trains them")
    results = {name: results[name] for name in bench.lab.systems if name in results}
    corpus, lab = bench.corpus, bench.lab
    references = corpus.lines("test.tgt")
    tokenizer = choose_tokenizer(comparable(references))
    sums = {
        name: {one.seed: sentence_sums(one.measured.sentences, references, tokenizer=tokenizer) for one in cells}
        for name, cells in results.items()
    }
    values = {one.name: compare(sums, lab.baseline, one, trials=lab.measure.trials) for one in MEASURES}
    trials = min(BUCKET_TRIALS, lab.measure.trials)
    rows = _buckets([len(line.split()) for line in corpus.lines("test.src")], lab.measure.lengths)
    lengths = [
        Bucket(label, len(chosen), compare(sums, lab.baseline, MEASURES[0], trials=trials, rows=chosen))
        for label, chosen in rows
    ]
    return Summary(
        bench,
        results,
        {name: one for name, one in values.items() if one},
        {name: _facts(cells) for name, cells in results.items()},
        lengths,
        _by_frequency(results, corpus, lab.measure.frequencies),
        _by_distance(results),
        _curves(results),
        _notes(bench, results),
    )


def _buckets(values: Sequence[int], edges: Sequence[int]) -> list[tuple[str, list[int]]]:
    return [(range_label(first, last), places) for first, last, places in buckets(values, edges)]


def _facts(cells: Sequence[RunResult]) -> SystemFacts:
    trained = [cell.trained for cell in cells]
    return SystemFacts(
        len(cells),
        trained[0].num_parameters,
        _mean(one.tokens for one in trained),
        mean(one.seconds for one in trained) / 60.0,
        _mean(one.tokens_per_second for one in trained),
        mean(cell.measured.sentences_per_second for cell in cells),
        mean(one.peak_memory for one in trained),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return mean(known) if known else None


def _by_frequency(results: Mapping[str, Sequence[RunResult]], corpus: LabCorpus, edges: Sequence[int]) -> list[Bucket]:
    """Recall: the share of a reference's words that the translation has too, each as often as it is there."""
    targets = comparable(corpus.lines("test.tgt"))
    words = word_splitter(targets)
    references = [words(line) for line in targets]
    tokens = [(row, word) for row, line in enumerate(references) for word in line]
    buckets = _buckets([corpus.counts.get(word, 0) for _, word in tokens], edges)
    found = {}
    for name, cells in results.items():
        hits = [0] * len(tokens)
        for cell in cells:
            said = [Counter(words(one.translation)) for one in cell.measured.sentences]
            for at, (row, word) in enumerate(tokens):
                if said[row][word] > 0:
                    said[row][word] -= 1
                    hits[at] += 1
        found[name] = hits
    return [
        Bucket(
            label,
            len(chosen),
            {
                name: 100.0 * sum(hits[at] for at in chosen) / (len(chosen) * len(results[name]))
                for name, hits in found.items()
            },
        )
        for label, chosen in buckets
        if len(chosen) >= FEWEST
    ]


def _by_distance(results: Mapping[str, Sequence[RunResult]]) -> list[Bucket]:
    pairs = [(name, *one) for name, cells in results.items() for cell in cells for one in cell.measured.gradients]
    rows = []
    for label, places in _buckets([steps for _, steps, _ in pairs], DISTANCES):
        norms: dict[str, list[float]] = {}
        for name, _, norm in (pairs[place] for place in places):
            norms.setdefault(name, []).append(norm)
        middle = {name: median(one) for name, one in norms.items() if len(one) >= FEWEST}
        if middle:
            rows.append(Bucket(label, max(map(len, norms.values())), middle))
    return rows


def _curves(results: Mapping[str, Sequence[RunResult]]) -> dict[str, dict[str, Curve]]:
    def by(x: Callable[[Point], float], y: Callable[[Point], float | None]) -> dict[str, Curve]:
        drawn = {name: _mean_curve([cell.trained.points for cell in cells], x, y) for name, cells in results.items()}
        return {name: curve for name, curve in drawn.items() if curve}

    return {
        "BLEU by step": by(lambda point: point.step, lambda point: point.bleu),
        "BLEU by minute": by(lambda point: point.seconds / 60.0, lambda point: point.bleu),
        "entropy": by(lambda point: point.step, lambda point: point.entropy),
        "sharpness": by(lambda point: point.step, lambda point: point.sharpness),
    }


def _mean_curve(
    seeds: Sequence[Sequence[Point]], x: Callable[[Point], float], y: Callable[[Point], float | None]
) -> Curve:
    """The mean over the seeds of their first validations, of their second ones, and so on while all have one."""
    curve = []
    for points in zip(*seeds, strict=False):
        heights = [value for value in map(y, points) if value is not None]
        if len(heights) == len(points):
            curve.append((mean(map(x, points)), mean(heights)))
    return curve


def _notes(bench: Experiment, results: Mapping[str, Sequence[RunResult]]) -> list[str]:
    cells = [cell for one in results.values() for cell in one]
    missing = len(bench.cells()) - len(cells)
    notes = []
    others = _of_other_options(bench, results)
    if others:
        notes.append(f"Begun with other options than the lab has now: {', '.join(others)}.")
    if missing:
        notes.append(f"{missing} of {len(bench.cells())} trainings are not finished: what is shown is of the others.")
    if bench.corpus.num_seen:
        size = bench.corpus.sizes["test"]
        notes.append(f"{bench.corpus.num_seen} of the {size} test sources stand in the training text too.")
    if len({cell.measured.vocabulary for cell in cells}) > 1:
        notes.append(
            "The systems have different vocabularies: their perplexities, which are a subword, do not compare."
        )
    if len({cell.trained.precision for cell in cells}) > 1:
        notes.append("Not all trainings ran in the same precision, which `auto` chose by measuring: speeds say less.")
    if len(bench.lab.seeds) < 3:
        notes.append(
            f"{len(bench.lab.seeds)} seeds tell little of how much a seed matters: trust small differences less."
        )
    return notes


def _of_other_options(bench: Experiment, results: Mapping[str, Sequence[RunResult]]) -> list[str]:
    """Finished cells that bear the mark of other options, or whose options cannot be told any more."""
    others = []
    finished = {(name, cell.seed) for name, cells in results.items() for cell in cells}
    for cell in bench.cells():
        if (cell.system, cell.seed) in finished and os.path.lexists(cell.mark):
            try:
                bench.check(cell)
            except RegardError:
                others.append(cell.name)
    return others
