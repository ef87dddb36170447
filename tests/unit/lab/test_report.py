"""The report: complete, self-contained, and safe with any text in names and titles."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from regard.errors import DataError
from regard.evaluate.scores import corpus_bleu
from regard.lab.chart import WIDTH, Line, axes_for, draw_chart
from regard.lab.corpus import word_splitter
from regard.lab.experiment import Experiment
from regard.lab.findings import headlines
from regard.lab.report import write_report
from regard.lab.result import read_result
from regard.lab.summary import summarize
from regard.lab.tables import MINUS, scores_table, seeds_table

Make = Callable[..., Experiment]
FETCHED = re.compile(r"(?:src|href)=[\"']?(?:https?:|//|file:)|@import|url\(")


class Elements(HTMLParser):
    """Counts elements, and checks that they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: dict[str, int] = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_is_one_file_with_all_figures_and_tables(finished_lab: Make) -> None:
    experiment = finished_lab()
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(experiment.directory))
    outside = re.sub(r'srcdoc="[^"]*"', "", html)
    assert not FETCHED.search(outside)
    assert "{{" not in outside
    counts = Elements(outside).counts
    assert counts["figure"] == 7  # BLEU by step and minute, length, frequency, gradient, sharpness, entropy
    assert counts["iframe"] == 4  # systems with attention
    for text in (html, markdown):
        for name in (
            "luong/dot",
            "plain",
            "BLEU",
            "chrF",
            "perplexity",
            "AER",
            "600 MiB",
            "12,346",
            "1,000,000",
            "0.86",
        ):
            assert name in text, name
    assert "| bahdanau/general (baseline) |" in markdown
    assert "Holm" in markdown
    assert "nrefs:1|case:mixed|eff:no|tok:13a" in markdown


def test_a_summary_agrees_with_the_results(finished_lab: Make) -> None:
    experiment = finished_lab({"good": 0.0, "bad": 0.6, "plain": 0.3})
    summary = summarize(experiment)
    assert summary.scores["BLEU"]["good"].score == pytest.approx(100.0)
    assert list(summary.scores["AER"]) == ["good", "bad"]
    sentences = headlines(summary)
    assert sentences[0].startswith("Highest BLEU: good, 100.0 ± 0.0")
    assert "worse: bad, plain" in sentences[1]
    for bucket in summary.frequencies:
        assert bucket.values["good"] == 100.0
        assert bucket.values["bad"] == pytest.approx(40.0, abs=25.0)
    references = experiment.corpus.lines("test.tgt")
    assert sum(bucket.size for bucket in summary.frequencies) <= sum(
        len(word_splitter(references)(line)) for line in references
    )
    assert sum(bucket.size for bucket in summary.lengths) == len(references)
    far, near = summary.distances[-1].values, summary.distances[0].values
    assert isinstance(far["plain"], float)
    assert isinstance(near["plain"], float)
    assert far["plain"] < near["plain"] / 100
    assert [x for x, _ in summary.curves["BLEU by step"]["good"]] == [100.0 * number for number in range(1, 8)]


def test_a_seed_has_its_own_column(finished_lab: Make) -> None:
    experiment = finished_lab({"a": 0.1, "b": 0.3, "c": 0.2}, seeds=(7, 2, 5, 9))
    references, expected = experiment.corpus.lines("test.tgt"), {}
    for run in experiment.runs():
        if run.seed == 9 or run.name in ("b, seed 7", "c, seed 2"):
            shutil.rmtree(run.directory)
            continue
        translations = [sentence.translation for sentence in read_result(run.result_file).measured.sentences]
        expected[run.system, run.seed] = f"{corpus_bleu(translations, references):.1f}"
    table = seeds_table(summarize(experiment))
    assert table.header == ["system", "seed 7", "seed 2", "seed 5"]
    assert table.rows == [[name, *(expected.get((name, seed), "") for seed in (7, 2, 5))] for name in "abc"]
    html = write_report(experiment.directory)[0].read_text(encoding="utf-8")
    assert html.count('class="seed"') == 7  # one dot per run


def test_a_difference_uses_the_seeds_that_both_have(finished_lab: Make) -> None:
    experiment = finished_lab({"a": 0.1, "b": 0.3})
    runs = {run.name: run for run in experiment.runs()}
    shutil.rmtree(runs["b, seed 2"].directory)
    bad = read_result(runs["a, seed 2"].result_file)
    useless = tuple(replace(sentence, translation="euh") for sentence in bad.measured.sentences)
    replace(bad, measured=replace(bad.measured, sentences=useless)).write(runs["a, seed 2"].result_file)
    summary = summarize(experiment)
    own, other = (summary.scores["BLEU"]["b"].seeds[1], summary.scores["BLEU"]["a"].seeds[1])
    assert scores_table(summary).rows[1][2] == f"{MINUS}{other - own:.1f} *"
    assert "worse: b" in headlines(summary)[1]


def test_a_report_on_a_part_of_a_lab(finished_lab: Make) -> None:
    experiment = finished_lab({"a": 0.1, "b/c": 0.2, "b/d": 0.3})
    for run in experiment.runs():
        if run.name in ("a, seed 2", "b/c, seed 1", "b/d, seed 1", "b/d, seed 2"):
            shutil.rmtree(run.directory)
    summary = summarize(experiment)
    assert summary.systems == ["a", "b/c"]
    assert summary.scores["BLEU"]["b/c"].p_value is None  # no seed in common
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(experiment.directory))
    for text in (html, markdown):
        assert "4 of 6 runs have not finished" in text


def test_two_processes_may_write_a_report_at_once(finished_lab: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, sync = finished_lab({"a": 0.1}, seeds=(1,)), os.fsync

    def write_again(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        write_report(experiment.directory)

    monkeypatch.setattr(os, "fsync", write_again)
    files = write_report(experiment.directory)
    assert {path.name for path in experiment.directory.glob("report*")} == {path.name for path in files}


def test_a_lab_without_results_of_the_baseline_or_of_any_system(finished_lab: Make) -> None:
    experiment = finished_lab({"a": 0.1, "plain": 0.2})
    shutil.rmtree(experiment.runs()[0].directory.parent)
    assert "plain" in write_report(experiment.directory)[0].read_text(encoding="utf-8")
    shutil.rmtree(experiment.directory / "cells")
    with pytest.raises(DataError, match="expected at least one system"):
        write_report(experiment.directory)


def test_a_title_with_markup_is_escaped(finished_lab: Make) -> None:
    markup = "</title><script>alert(1)</script> {{lab}} | *"
    experiment = finished_lab({"a": 0.1, "b": 0.2}, title=markup, about=markup)
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(experiment.directory))
    outside = re.sub(r'srcdoc="[^"]*"', "", html)
    assert "script" not in Elements(outside).counts
    assert "&lt;script&gt;" in outside
    assert markdown.startswith("# ")


def test_positions_of_points_on_axes() -> None:
    lines = [Line("a", 0, [(0, 10.0, 8.0, 12.0), (1, 20.0, 15.0, 25.0)]), Line("b", 1, [(0, float("nan"))])]
    axes = axes_for(lines, x_label="x", y_label="y", categories=["s", "t"])
    assert axes.y_range == (0.0, 25.0)
    assert axes.y(25.0) < axes.y(12.5) < axes.y(0.0)
    assert axes.y(12.5) == pytest.approx((axes.y(0.0) + axes.y(25.0)) / 2)
    assert axes.x(1) - axes.x(0) > 100
    drawn = draw_chart(lines, axes, label="<label>")
    assert "a, t: 20" in drawn
    assert "nan" not in drawn
    assert 'aria-label="&lt;label&gt;"' in drawn
    powers = axes_for([Line("a", 0, [(0, 1e-4), (1, 0.2)])], x_label="", y_label="", logarithmic=True)
    assert powers.y_range == (1e-4, 1.0)
    assert powers.y(1e-2) == pytest.approx((powers.y(1e-4) + powers.y(1.0)) / 2)


def test_the_last_number_below_a_chart_fits_into_it() -> None:
    lines = [Line("a", 0, [(0, 1), (100_000, 2)])]
    drawn = draw_chart(lines, axes_for(lines, x_label="updates", y_label="BLEU"), label="")
    [position] = re.findall(r'x="([\d.]+)"[^>]*>100,000<', drawn)
    assert float(position) + 7 * 6 / 2 <= WIDTH  # seven characters of about six pixels, centered
