"""Learning rates against their formulas."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.config.schema import TrainConfig
from regard.train.schedule import ConstantSchedule, CosineSchedule, InverseSqrtSchedule, PlateauSchedule, build_schedule

NAMES = ["constant", "noam", "inverse-sqrt", "cosine", "plateau"]


@pytest.mark.parametrize("name", NAMES)
def test_warm_up_is_a_straight_line_to_the_peak(name: str) -> None:
    config = TrainConfig.model_validate({"schedule": name, "learning_rate": 2e-3, "warmup": 10})
    schedule = build_schedule(config, 100)
    assert [schedule.rate(step) for step in range(1, 11)] == pytest.approx([2e-4 * step for step in range(1, 11)])


@pytest.mark.parametrize("name", NAMES)
@given(step=st.integers(1, 500), warmup=st.integers(0, 50))
def test_rates_are_between_floor_and_peak(name: str, step: int, warmup: int) -> None:
    options = {"schedule": name, "learning_rate": 1e-3, "min_learning_rate": 1e-4, "warmup": warmup}
    rate = build_schedule(TrainConfig.model_validate(options), 400).rate(step)
    assert 0 < rate <= 1e-3 * (1 + 1e-12)
    assert step < warmup or rate >= 1e-4 * (1 - 1e-12)


def test_a_constant_rate_is_constant() -> None:
    assert ConstantSchedule(0.5).rate(10**6) == 0.5


def test_inverse_square_root_is_the_papers_equation_at_the_papers_peak() -> None:
    width, warmup = 512, 4000
    schedule = InverseSqrtSchedule((width * warmup) ** -0.5, warmup=warmup)
    for step in (1, 100, 3999, 4000, 4001, 100_000):
        paper = width**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert schedule.rate(step) == pytest.approx(paper)


def test_inverse_square_root_without_warm_up_begins_at_the_peak() -> None:
    schedule = InverseSqrtSchedule(1.0)
    assert [schedule.rate(step) for step in (1, 4, 100)] == pytest.approx([1.0, 0.5, 0.1])


def test_cosine_halves_in_the_middle_and_ends_at_the_floor() -> None:
    schedule = CosineSchedule(1.0, steps=110, warmup=10, floor=0.2)
    quarter = 0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2
    rates = [schedule.rate(step) for step in (10, 35, 60, 110, 200)]
    assert rates == pytest.approx([1.0, quarter, 0.6, 0.2, 0.2])


def test_plateau_shrinks_after_patience_and_resets_it_on_improvement() -> None:
    schedule = PlateauSchedule(1.0, shrink=0.5, patience=2, floor=0.1)
    rates = []
    for score in (10.0, 9.0, 11.0, 11.0, 10.0, 10.0, 10.0, 10.0, 10.0):
        schedule.observe(score)
        rates.append(schedule.rate(100))
    assert rates == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125]
    for _ in range(4):
        schedule.observe(0.0)
    assert schedule.rate(100) == 0.1


@given(st.lists(st.floats(-100, 100), max_size=8), st.lists(st.floats(-100, 100), max_size=8))
def test_a_restored_plateau_continues_exactly(before: list[float], after: list[float]) -> None:
    whole, first = PlateauSchedule(1.0, warmup=5), PlateauSchedule(1.0, warmup=5)
    for score in before:
        whole.observe(score)
        first.observe(score)
    second = PlateauSchedule(1.0, warmup=5)
    second.restore(first.state())
    for score in after:
        whole.observe(score)
        second.observe(score)
    assert second.state() == whole.state()
    assert second.rate(50) == whole.rate(50)


def test_other_schedules_have_no_state() -> None:
    schedule = ConstantSchedule(1.0)
    schedule.observe(1.0)
    schedule.restore({})
    assert schedule.state() == {}


def test_a_warm_up_longer_than_the_training_ends_with_it() -> None:
    config = TrainConfig(warmup=400, learning_rate=1.0)
    assert build_schedule(config, 10).rate(10) == 1.0


@pytest.mark.parametrize(("step", "steps"), [(0, 30), (5, 40), (5, 400), (10, 11), (60, 70), (60, 500), (109, 110)])
def test_a_cosine_is_fitted_to_another_end_without_a_jump(step: int, steps: int) -> None:
    schedule = CosineSchedule(1.0, steps=110, warmup=10, floor=0.01)
    before = schedule.rate(step)
    schedule.end_at(steps, step=step)
    assert schedule.rate(step) == pytest.approx(before)
    rates = [schedule.rate(at) for at in range(max(step, schedule.warmup), steps + 1)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.01)
    assert schedule.warmup <= max(10, step)


def test_a_shorter_training_has_a_shorter_warm_up() -> None:
    schedule = CosineSchedule(1.0, steps=1000, warmup=100)
    assert schedule.rate(4) == pytest.approx(0.04)
    schedule.end_at(44, step=4)
    assert [schedule.rate(step) for step in (4, 9, 14, 44)] == pytest.approx([0.04, 0.52, 1.0, 0.0])
    schedule.end_at(1000, step=8)  # longer again: the started warm-up is completed
    assert schedule.rate(14) == pytest.approx(1.0)
    assert schedule.rate(1000) == pytest.approx(0.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_end_changes_nothing(name: str) -> None:
    config = TrainConfig.model_validate({"schedule": name, "learning_rate": 2e-3, "warmup": 10})
    schedule, other = build_schedule(config, 100), build_schedule(config, 100)
    other.end_at(100, step=0)
    assert [other.rate(step) for step in range(1, 101)] == [schedule.rate(step) for step in range(1, 101)]
