"""Counts, times and sums."""

from __future__ import annotations

import torch
from workbench import Workbench

from regard.train.progress import Meter, Progress, Stopwatch


def test_progress_records_the_best_score_and_the_validations_since() -> None:
    progress = Progress()
    results = []
    for step, score in enumerate((2.0, 1.0, 2.0, float("nan"), 3.0, 1.0), start=1):
        progress.step = step
        results.append((progress.record_score(score), progress.waited))
    assert results == [(True, 0), (False, 1), (False, 2), (False, 3), (True, 0), (False, 1)]
    assert (progress.best_score, progress.validated) == (3.0, 6)


def test_a_first_score_of_nan_is_not_the_best() -> None:
    progress = Progress()
    assert not progress.record_score(float("nan"))
    assert progress.best_score is None


def test_the_stopwatch_resumes(bench: Workbench) -> None:
    clock = bench.clock()
    watch = Stopwatch(clock)
    clock.now += 5
    assert watch.elapsed() == 5
    watch.resume(60)
    clock.now += 1
    assert watch.elapsed() == 61


def test_the_meter_gives_means_per_token(bench: Workbench) -> None:
    clock = bench.clock()
    meter = Meter("cpu", clock)
    meter.add(torch.tensor(30.0), torch.tensor(20.0), torch.tensor(1.0), 10)
    meter.add(torch.tensor(10.0), torch.tensor(0.0), torch.tensor(2.0), 10)
    clock.now += 4
    assert meter.means() == (2.0, 1.0)
    assert (meter.tokens, meter.steps, meter.seconds(), float(meter.norm)) == (20, 2, 4, 2.0)
    meter.reset()
    assert meter.means() == (0.0, 0.0)
    assert (meter.tokens, meter.seconds()) == (0, 0)
