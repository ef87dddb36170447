"""Numbers of a summary, computed a second time in a simpler way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest

from regard.lab.corpus import word_splitter
from regard.lab.experiment import Experiment
from regard.lab.result import read_result
from regard.lab.summary import MIN_SIZE, Summary, summarize

Make = Callable[..., Experiment]
EDGES = (1, 20, 200)


def summary_of_two(finished_lab: Make) -> Summary:
    """Each reference is a sentence twice; one system is right, the other outputs each word only once."""
    experiment = finished_lab(
        {"good": 0.0, "terse": 0.2}, measure={"trials": 20, "lengths": (4, 6), "frequencies": EDGES}
    )
    doubled = experiment.directory / "twice"
    shutil.copytree(experiment.corpus.directory, doubled)
    references = [f"{line} {line}" for line in experiment.corpus.lines("test.tgt")]
    (doubled / "test.tgt").write_text("".join(f"{line}\n" for line in references), encoding="utf-8")
    for run in experiment.runs():
        result = read_result(run.result_file)
        translations = (
            references
            if run.system == "good"
            else [" ".join(dict.fromkeys(word_splitter(references)(line))) for line in references]
        )
        sentences = tuple(
            replace(sentence, translation=text)
            for sentence, text in zip(result.measured.sentences, translations, strict=True)
        )
        replace(result, measured=replace(result.measured, sentences=sentences)).write(run.result_file)
    return summarize(replace(experiment, corpus=replace(experiment.corpus, directory=doubled, files={})))


def test_recall_counts_repeated_words(finished_lab: Make) -> None:
    summary = summary_of_two(finished_lab)
    corpus = summary.experiment.corpus
    references = corpus.lines("test.tgt")
    lines = [word_splitter(references)(line) for line in references]
    num_repeated = 0

    def frequency(word: str) -> int:
        return corpus.counts.get(word, 0)

    buckets = iter(summary.frequencies)
    for first, last in ((0, 0), (1, 19), (20, 199), (200, 10**9)):
        in_bucket = [(row, word) for row, line in enumerate(lines) for word in line if first <= frequency(word) <= last]
        if len(in_bucket) < MIN_SIZE:
            continue
        bucket = next(buckets)
        assert bucket.size == len(in_bucket)
        assert bucket.values["good"] == 100.0
        assert bucket.values["terse"] == pytest.approx(100 * len(set(in_bucket)) / len(in_bucket))
        num_repeated += len(in_bucket) - len(set(in_bucket))
    assert next(buckets, None) is None
    assert num_repeated > 0


def test_lengths_are_source_lengths(finished_lab: Make) -> None:
    summary = summary_of_two(finished_lab)
    lengths = [len(line.split()) for line in summary.experiment.corpus.lines("test.src")]
    others = [len(line.split()) for line in summary.experiment.corpus.lines("test.tgt")]
    parts = [sum(first <= length < last for length in lengths) for first, last in ((0, 4), (4, 6), (6, 99))]
    assert [bucket.size for bucket in summary.lengths] == [size for size in parts if size]
    assert parts != [sum(first <= length < last for length in others) for first, last in ((0, 4), (4, 6), (6, 99))]


def test_distances_show_the_median_gradient(finished_lab: Make) -> None:
    summary = summary_of_two(finished_lab)
    pairs = [pair for run in summary.results["good"] for pair in run.measured.gradients]
    for bucket, (first, last) in zip(summary.distances, ((0, 4), (5, 9)), strict=False):
        in_bucket = [norm for steps, norm in pairs if first <= steps <= last]
        assert bucket.values["good"] == median(in_bucket)
        assert bucket.size == len(in_bucket)


def test_costs_are_in_the_documented_units(finished_lab: Make) -> None:
    costs = summary_of_two(finished_lab).costs["good"]
    assert (costs.minutes, costs.num_parameters, costs.num_seeds) == (0.7, 1_000_000, 2)
    assert (costs.sentences_per_second, costs.tokens_per_second) == (250.0, 12_345.6)
