"""What a report says, counted once more by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest

from regard.lab.corpus import word_splitter
from regard.lab.experiment import Experiment
from regard.lab.result import read_result
from regard.lab.summary import FEWEST, Summary, summarize

Make = Callable[..., Experiment]
EDGES = (1, 20, 200)


def told_apart(finished_lab: Make) -> Summary:
    """References say everything twice; one system is right, and the other says each of their words only once."""
    bench = finished_lab({"good": 0.0, "terse": 0.2}, measure={"trials": 20, "lengths": (4, 6), "frequencies": EDGES})
    own = bench.directory / "twice"
    shutil.copytree(bench.corpus.directory, own)
    references = [f"{line} {line}" for line in bench.corpus.lines("test.tgt")]
    (own / "test.tgt").write_text("".join(f"{line}\n" for line in references), encoding="utf-8")
    for cell in bench.cells():
        result = read_result(cell.result)
        said = (
            references
            if cell.system == "good"
            else [" ".join(dict.fromkeys(word_splitter(references)(line))) for line in references]
        )
        sentences = tuple(
            replace(one, translation=text) for one, text in zip(result.measured.sentences, said, strict=True)
        )
        replace(result, measured=replace(result.measured, sentences=sentences)).write(cell.result)
    return summarize(replace(bench, corpus=replace(bench.corpus, directory=own, files={})))


def test_a_word_counts_as_often_as_both_have_it(finished_lab: Make) -> None:
    summary = told_apart(finished_lab)
    corpus = summary.bench.corpus
    references = corpus.lines("test.tgt")
    lines = [word_splitter(references)(line) for line in references]
    twice = 0

    def shown(word: str) -> int:
        return corpus.counts.get(word, 0)

    buckets = iter(summary.frequencies)
    for first, last in ((0, 0), (1, 19), (20, 199), (200, 10**9)):
        here = [(row, word) for row, line in enumerate(lines) for word in line if first <= shown(word) <= last]
        if len(here) < FEWEST:
            continue
        bucket = next(buckets)
        assert bucket.size == len(here)
        assert bucket.values["good"] == 100.0
        assert bucket.values["terse"] == pytest.approx(100 * len(set(here)) / len(here))
        twice += len(here) - len(set(here))
    assert next(buckets, None) is None
    assert twice > 0


def test_lengths_are_those_of_the_source(finished_lab: Make) -> None:
    summary = told_apart(finished_lab)
    lengths = [len(line.split()) for line in summary.bench.corpus.lines("test.src")]
    others = [len(line.split()) for line in summary.bench.corpus.lines("test.tgt")]
    parts = [sum(first <= length < last for length in lengths) for first, last in ((0, 4), (4, 6), (6, 99))]
    assert [bucket.size for bucket in summary.lengths] == [size for size in parts if size]
    assert parts != [sum(first <= length < last for length in others) for first, last in ((0, 4), (4, 6), (6, 99))]


def test_a_distance_is_told_by_its_middle_gradient(finished_lab: Make) -> None:
    summary = told_apart(finished_lab)
    pairs = [pair for cell in summary.results["good"] for pair in cell.measured.gradients]
    for bucket, (first, last) in zip(summary.distances, ((0, 4), (5, 9)), strict=False):
        here = [norm for steps, norm in pairs if first <= steps <= last]
        assert bucket.values["good"] == median(here)
        assert bucket.size == len(here)


def test_costs_are_in_the_units_that_they_name(finished_lab: Make) -> None:
    facts = told_apart(finished_lab).facts["good"]
    assert (facts.minutes, facts.num_parameters, facts.num_seeds) == (0.7, 1_000_000, 2)
    assert (facts.sentences_per_second, facts.tokens_per_second) == (250.0, 12_345.6)
