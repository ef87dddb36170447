"""`regard lab`: from one command to a report, and messages about wrong options."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.cli import lab


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
LAB = """
baseline = "plain"
seeds = [1]

[corpus]
train = ["train.en", "train.fr"]

[budget]
steps = 4

[base]
set = ["subword.vocab_size=320", "model.embed_size=8", "model.hidden_size=8", "train.threads=1"]

[systems]
plain = ["model.decoder=plain"]
attends = ["model.attention.score=dot"]

[measure]
trials = 50
gradients = 2
"""


def test_a_lab_of_the_user_from_text_to_report(at_work: Path, regard: Run) -> None:
    (at_work / "lab.toml").write_text(LAB)
    options = ["--test", "test.en", "test.fr", "--gold", "test.align", "--pairs", "100", "--workers", "2"]
    done = regard("lab", "run", "lab.toml", "lab", *options)
    assert done.status == 0, done.err
    assert done.out == "lab/report.html\nlab/report.md\n"
    assert re.search(r"attends, seed 1: BLEU \d+\.\d in \d+:\d\d  \(\d of 2 done", done.err)
    report = (at_work / "lab/report.md").read_text(encoding="utf-8")
    assert "| plain (baseline) |" in report
    assert "train.en and train.fr; tested on test.en and test.fr (100 train" in report
    files = [at_work / f"lab/cells/{name}/seed-1/result.json" for name in ("plain", "attends")]
    results = [json.loads(path.read_text()) for path in files]
    assert [result["trained"]["steps"] for result in results] == [4, 4]
    assert results[1]["measured"]["sentences"][0]["links"]
    before = {path: path.stat().st_mtime_ns for path in files}
    again = regard("lab", "run", "lab.toml", "lab", *options)
    assert again.status == 0
    assert "2 of 2 runs were finished earlier" in again.err
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert regard("lab", "report", "lab").out == done.out
    other = regard("lab", "run", "lab.toml", "lab", *("90" if option == "100" else option for option in options))
    assert other.status == 2
    assert "started with other options in [corpus]" in other.err


def test_a_run_that_fails_is_reported_with_the_finished_ones(at_work: Path, regard: Run) -> None:
    bad = LAB.replace("[measure]", 'bad = ["train.device=cuda:7"]\n\n[measure]')
    (at_work / "lab.toml").write_text(bad)
    done = regard("lab", "run", "lab.toml", "lab", "--only", "bad")
    assert done.status == 1
    assert re.search(r"bad, seed 1 failed: error: train.device = 'cuda:7' cannot be used here", done.err)
    assert "1 of 2 runs have not finished" in (at_work / "lab/report.md").read_text(encoding="utf-8")


def test_the_built_in_labs_are_listed(regard: Run) -> None:
    lines = regard("lab", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["bottleneck", "heads", "scores", "word-order"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["scors"], "did you mean 'scores'?"),
        (["scores", "--seeds", "one"], "expected whole numbers separated by commas"),
        (["scores", "--baseline", "best"], "baseline: expected one of plain, luong/dot"),
        (["scores", "--steps", "3", "--tokens", "3"], "expected steps or tokens, got both"),
        (["scores", "--only", "luongg/*"], "no system matches 'luongg/*'"),
        (["scores", "--set", "model.hiden_size=3"], "did you mean 'model.hidden_size'?"),
        (["scores", "--corpus", "nowhere.en", "nowhere.fr"], "nowhere.en: no such file"),
    ],
)
def test_wrong_options(at_work: Path, regard: Run, options: list[str], message: str) -> None:
    done = regard("lab", "run", *options)
    assert done.status == 2
    assert message in " ".join(done.err.split())
    assert not list(at_work.glob("lab-*/cells"))


def test_a_report_without_a_lab(at_work: Path, regard: Run) -> None:
    done = regard("lab", "report", "model")
    assert done.status == 2
    assert "start a comparison with `regard lab run`" in done.err


@pytest.mark.parametrize("examples", [lab.RUN_EXAMPLES, lab.REPORT_EXAMPLES, lab.LIST_EXAMPLES])
def test_the_examples_are_commands(regard: Run, examples: str) -> None:
    """Trainings would take minutes: only their options are checked here, since a similar command runs above."""
    for line in re.findall(r"^\$ regard (.*)$", examples, re.MULTILINE):
        verb = line.split()[:2]
        help_text = regard(*verb, "--help").out
        assert all(option in help_text for option in re.findall(r"--[a-z-]+", line))
