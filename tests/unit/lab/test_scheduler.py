"""What the scheduler of a lab reports: runs in progress here and elsewhere, and the time that is left."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from regard.errors import ConfigError
from regard.lab import scheduler
from regard.lab.recorder import Record
from regard.lab.scheduler import _OVERHEAD, _Scheduler, run_lab

SECONDS = 1000.0 - _OVERHEAD
"""Seconds of a finished run, which takes 1,000 with everything around it."""


class Run:
    """A run that some process may hold."""

    def __init__(self, system: str, seed: int, *, holder: str | None = None, is_finished: bool = False) -> None:
        self.name, self.system, self.seed = f"{system}-{seed}", system, seed
        self.lock = SimpleNamespace(holder=lambda: holder)
        self.is_finished = is_finished
        self.directory = Path(self.name)


def scheduler_of(
    monkeypatch: pytest.MonkeyPatch, runs: list[Run], records: dict[str, Record], workers: int = 1
) -> tuple[Any, io.StringIO]:
    sentences = [SimpleNamespace(translation="the cat sat on the mat")]
    result = SimpleNamespace(wall_seconds=SECONDS, measured=SimpleNamespace(sentences=sentences))
    experiment = SimpleNamespace(
        runs=lambda: runs,
        is_finished=lambda run: run.is_finished,
        result=lambda _: result,
        corpus=SimpleNamespace(lines=lambda _: ["the cat sat on the mat"]),
    )
    output = io.StringIO()
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(scheduler, "read_record", lambda path: records.get(path.parent.name, Record()))
    own: Any = _Scheduler(experiment, workers, Console(file=output, width=500))  # type: ignore[arg-type]
    return own, output


def test_progress_names_each_run_and_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [
        Run("rnn", 1, is_finished=True),
        Run("rnn", 2, holder="me"),
        Run("rnn", 3, holder="box:7"),
        Run("rnn", 4),
        Run("big", 1),
    ]
    record = Record(step=1500, steps=3000, loss=2.5, elapsed=1500.0, remaining=1490.0)
    own, output = scheduler_of(monkeypatch, runs, {"rnn-2": record}, workers=2)
    own.running[runs[1]] = None
    own._report_progress()
    # 1,500 for the run in progress; 2,000 on average for each of three others, of which two have a known system.
    assert own._remaining() == pytest.approx((1500.0 + 3 * 2000.0) / 2)
    assert output.getvalue() == (
        "rnn-2: step 1,500/3,000 loss 2.50; rnn-3 (by box:7): preparing; about 1:02:30 left for all\n"
    )


def test_there_is_no_estimate_before_any_run_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    own, output = scheduler_of(monkeypatch, [Run("rnn", 1)], {})
    own._report_progress()
    assert output.getvalue() == "no estimate yet\n"
    monkeypatch.setattr(scheduler, "PROGRESS_SECONDS", 3600.0)
    own._report_progress()
    assert output.getvalue() == "no estimate yet\n"


def test_a_run_that_another_machine_has_finished_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run("rnn", 1)
    own, output = scheduler_of(monkeypatch, [run], {})
    run.is_finished = True
    own._start_workers()
    assert own.outcome.finished == [run]
    assert own.running == {}
    assert output.getvalue().startswith("rnn-1: BLEU 100.0 in ")
    assert output.getvalue().endswith("(1 of 1 done)\n")


def test_a_lab_needs_a_worker(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--workers: expected a number of at least 1, got 0"):
        run_lab(SimpleNamespace(), tmp_path, workers=0)  # type: ignore[arg-type] # is not read
