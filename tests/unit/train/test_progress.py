"""Counts, times and sums."""

from __future__ import annotations

import pytest
import torch

from regard.train.progress import Meter, Progress, Stopwatch, time_is_up


def test_progress_knows_the_best_and_how_long_it_waited() -> None:
    progress = Progress()
    seen = []
    for step, score in enumerate((2.0, 1.0, 2.0, float("nan"), 3.0, 1.0), start=1):
        progress.step = step
        seen.append((progress.note(score), progress.waited))
    assert seen == [(True, 0), (False, 1), (False, 2), (False, 3), (True, 0), (False, 1)]
    assert (progress.best_score, progress.validated) == (3.0, 6)


def test_a_first_score_that_is_no_number_is_not_best() -> None:
    progress = Progress()
    assert not progress.note(float("nan"))
    assert progress.best_score is None


def test_the_stopwatch_goes_on(bench) -> None:
    clock = bench.clock()
    watch = Stopwatch(clock)
    clock.now += 5
    assert watch.elapsed() == 5
    watch.resume(60)
    clock.now += 1
    assert watch.elapsed() == 61


@pytest.mark.parametrize(
    ("average", "validation", "elapsed", "over"),
    [
        ("none", 30.0, 566.0, False),  # 600 - 30 - 3
        ("none", 30.0, 567.0, True),
        ("last", 30.0, 536.0, False),  # 600 - 60 - 3
        ("last", 30.0, 537.0, True),
        ("last", 0.0, 536.0, False),  # not measured: taken for 30
        ("last", 0.0, 537.0, True),
        ("last", 900.0, 299.0, False),  # half of the time is training, come what may
        ("last", 900.0, 300.0, True),
    ],
)
def test_time_is_up_when_only_validations_fit(
    bench, average: str, validation: float, elapsed: float, over: bool
) -> None:
    config = bench.options(max_minutes=10.0, average=average)
    assert time_is_up(config, Progress(validation_seconds=validation), elapsed) == over


def test_without_a_budget_time_is_never_up(bench) -> None:
    assert not time_is_up(bench.options(), Progress(), 1e9)


def test_the_meter_gives_means_a_token(bench) -> None:
    clock = bench.clock()
    meter = Meter("cpu", clock)
    meter.add(torch.tensor(30.0), torch.tensor(20.0), torch.tensor(1.0), 10)
    meter.add(torch.tensor(10.0), torch.tensor(0.0), torch.tensor(2.0), 10)
    clock.now += 4
    assert meter.means() == (2.0, 1.0)
    assert (meter.tokens, meter.steps, meter.seconds(), float(meter.norm)) == (20, 2, 4, 2.0)
    meter.begin()
    assert meter.means() == (0.0, 0.0)
    assert (meter.tokens, meter.seconds()) == (0, 0)
