"""The report: everything in it, nothing from elsewhere, and nothing that a name could break."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import regard.files.atomic
from regard.errors import DataError
from regard.evaluate.scores import corpus_bleu
from regard.lab.chart import WIDTH, Line, axes_for, draw
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
    """Counts elements, and complains where they are not closed."""

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


def test_a_report_is_one_file_with_everything(finished_lab: Make) -> None:
    bench = finished_lab()
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(bench.directory))
    outside = re.sub(r'srcdoc="[^"]*"', "", html)
    assert not FETCHED.search(outside)
    assert "{{" not in outside
    counts = Elements(outside).counts
    assert counts["figure"] == 7  # BLEU by step and minute, length, frequency, gradient, sharpness, entropy
    assert counts["iframe"] == 4  # systems that attend
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


def test_what_a_report_says_is_what_was_measured(finished_lab: Make) -> None:
    bench = finished_lab({"good": 0.0, "bad": 0.6, "plain": 0.3})
    summary = summarize(bench)
    assert summary.values["BLEU"]["good"].score == pytest.approx(100.0)
    assert list(summary.values["AER"]) == ["good", "bad"]
    said = headlines(summary)
    assert said[0].startswith("Highest BLEU: good, 100.0 ± 0.0")
    assert "worse: bad, plain" in said[1]
    for bucket in summary.frequencies:
        assert bucket.values["good"] == 100.0
        assert bucket.values["bad"] == pytest.approx(40.0, abs=25.0)
    references = bench.corpus.lines("test.tgt")
    assert sum(bucket.size for bucket in summary.frequencies) <= sum(
        len(word_splitter(references)(line)) for line in references
    )
    assert sum(bucket.size for bucket in summary.lengths) == len(references)
    far, near = summary.distances[-1].values, summary.distances[0].values
    assert far["plain"] < near["plain"] / 100
    assert [x for x, _ in summary.curves["BLEU by step"]["good"]] == [100.0 * at for at in range(1, 8)]


def test_a_seed_has_its_own_column(finished_lab: Make) -> None:
    bench = finished_lab({"a": 0.1, "b": 0.3, "c": 0.2}, seeds=(7, 2, 5, 9))
    references, expected = bench.corpus.lines("test.tgt"), {}
    for cell in bench.cells():
        if cell.seed == 9 or cell.name in ("b, seed 7", "c, seed 2"):
            shutil.rmtree(cell.directory)
            continue
        said = [one.translation for one in read_result(cell.result).measured.sentences]
        expected[cell.system, cell.seed] = f"{corpus_bleu(said, references):.1f}"
    table = seeds_table(summarize(bench))
    assert table.header == ["system", "seed 7", "seed 2", "seed 5"]
    assert table.rows == [[name, *(expected.get((name, seed), "") for seed in (7, 2, 5))] for name in "abc"]
    html = write_report(bench.directory)[0].read_text(encoding="utf-8")
    assert html.count('class="seed"') == 7  # a dot each


def test_a_difference_is_of_the_seeds_that_both_have(finished_lab: Make) -> None:
    bench = finished_lab({"a": 0.1, "b": 0.3})
    cells = {cell.name: cell for cell in bench.cells()}
    shutil.rmtree(cells["b, seed 2"].directory)
    bad = read_result(cells["a, seed 2"].result)
    silent = tuple(replace(one, translation="euh") for one in bad.measured.sentences)
    replace(bad, measured=replace(bad.measured, sentences=silent)).write(cells["a, seed 2"].result)
    summary = summarize(bench)
    own, other = (summary.values["BLEU"]["b"].seeds[1], summary.values["BLEU"]["a"].seeds[1])
    assert scores_table(summary).rows[1][2] == f"{MINUS}{other - own:.1f} *"
    assert "worse: b" in headlines(summary)[1]


def test_a_part_of_a_lab_can_be_told(finished_lab: Make) -> None:
    bench = finished_lab({"a": 0.1, "b/c": 0.2, "b/d": 0.3})
    for cell in bench.cells():
        if cell.name in ("a, seed 2", "b/c, seed 1", "b/d, seed 1", "b/d, seed 2"):
            shutil.rmtree(cell.directory)
    summary = summarize(bench)
    assert summary.systems == ["a", "b/c"]
    assert summary.values["BLEU"]["b/c"].p is None  # no seed in common
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(bench.directory))
    for text in (html, markdown):
        assert "4 of 6 trainings are not finished" in text


def test_two_may_write_a_report_at_once(finished_lab: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, sync = finished_lab({"a": 0.1}, seeds=(1,)), os.fsync

    def meanwhile(handle: int) -> None:
        monkeypatch.setattr(regard.files.atomic.os, "fsync", sync)
        write_report(bench.directory)

    monkeypatch.setattr(regard.files.atomic.os, "fsync", meanwhile)
    files = write_report(bench.directory)
    assert {path.name for path in bench.directory.glob("report*")} == {path.name for path in files}


def test_a_lab_without_the_baseline_or_without_anything(finished_lab: Make) -> None:
    bench = finished_lab({"a": 0.1, "plain": 0.2})
    shutil.rmtree(bench.cells()[0].directory.parent)
    assert "plain" in write_report(bench.directory)[0].read_text(encoding="utf-8")
    shutil.rmtree(bench.directory / "cells")
    with pytest.raises(DataError, match="expected finished cells"):
        write_report(bench.directory)


def test_no_text_can_break_the_page(finished_lab: Make) -> None:
    evil = "</title><script>alert(1)</script> {{lab}} | *"
    bench = finished_lab({"a": 0.1, "b": 0.2}, title=evil, about=evil)
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(bench.directory))
    outside = re.sub(r'srcdoc="[^"]*"', "", html)
    assert "script" not in Elements(outside).counts
    assert "&lt;script&gt;" in outside
    assert markdown.startswith("# ")


def test_a_point_stands_where_its_value_says() -> None:
    lines = [Line("a", 0, [(0, 10.0, 8.0, 12.0), (1, 20.0, 15.0, 25.0)]), Line("b", 1, [(0, float("nan"))])]
    axes = axes_for(lines, x_label="x", y_label="y", categories=["s", "t"])
    assert axes.y_range == (0.0, 25.0)
    assert axes.y(25.0) < axes.y(12.5) < axes.y(0.0)
    assert axes.y(12.5) == pytest.approx((axes.y(0.0) + axes.y(25.0)) / 2)
    assert axes.x(1) - axes.x(0) > 100
    drawn = draw(lines, axes, label="<label>")
    assert "a, t: 20" in drawn
    assert "nan" not in drawn
    assert 'aria-label="&lt;label&gt;"' in drawn
    powers = axes_for([Line("a", 0, [(0, 1e-4), (1, 0.2)])], x_label="", y_label="", logarithmic=True)
    assert powers.y_range == (1e-4, 1.0)
    assert powers.y(1e-2) == pytest.approx((powers.y(1e-4) + powers.y(1.0)) / 2)


def test_the_last_number_below_a_chart_has_room() -> None:
    lines = [Line("a", 0, [(0, 1), (100_000, 2)])]
    drawn = draw(lines, axes_for(lines, x_label="updates", y_label="BLEU"), label="")
    [place] = re.findall(r'x="([\d.]+)"[^>]*>100,000<', drawn)
    assert float(place) + 7 * 6 / 2 <= WIDTH  # seven signs of about six pixels, around the place
