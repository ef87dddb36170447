"""A time limit: the learning rate reaches its end within it, and a limit that is long enough changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from workbench import FakeValidator, Workbench

from regard.model.seq2seq import Seq2Seq
from regard.store.checkpoint import Plain, save_state
from regard.train.interrupt import Interrupt
from regard.train.limit import TimeLimit, round_up_minutes
from regard.train.loop import Outcome
from regard.train.progress import Progress
from regard.train.reporter import Validation
from regard.train.schedule import CosineSchedule
from regard.train.step import StepResult
from regard.values import Batch

PEAK = 1e-2


@dataclass
class Machine:
    """Trains without computing anything: a step and a validation take a given number of seconds."""

    bench: Workbench
    pace: Callable[[float], float]
    validation: float = 0.5
    rates: list[float] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    planned: list[int] = field(default_factory=list)

    def run(self, *, resume: bool = False, stop_at: int | None = None, **options: object) -> Outcome:
        machine, bench = self, self.bench
        clock, reporter = bench.clock(), bench.reporter()

        class Slow(FakeValidator):
            def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
                clock.now += machine.validation
                return super().__call__(model, check=check)

        defaults = {"schedule": "cosine", "steps": 200, "validate_every": 40, "warmup": 20, "average": "last"}
        trainer = bench.trainer(
            validator=Slow(), reporter=reporter, precision="float32", clock=clock, network=None, batches=None,
            workers=None,
            **{**defaults, **options},
        )  # fmt: skip
        interrupt = Interrupt()

        def step(batches: Sequence[Batch], rate: float, *, update: int) -> StepResult:
            clock.now += machine.pace(trainer.stopwatch.elapsed())
            machine.rates.append(rate)
            if trainer.progress.step == stop_at:
                interrupt.request()
            return StepResult(torch.ones(()), torch.ones(()), torch.ones(()), 1)

        trainer.step = step  # type: ignore[assignment]
        outcome = trainer.run(resume=resume, interrupt=interrupt)
        self.messages += reporter.messages
        self.planned += [report.steps for report in reporter.steps]
        return outcome


def constant_pace(seconds: float) -> Callable[[float], float]:
    return lambda elapsed: seconds


def assert_well_ended(machine: Machine, outcome: Outcome, seconds: float) -> None:
    """Ended early and in time, with a message, and with a learning rate that reached its end."""
    assert outcome.step < 200
    assert outcome.seconds <= seconds
    assert machine.rates[-1] < 0.02 * PEAK
    assert outcome.full_seconds is not None
    assert outcome.full_seconds > seconds
    assert machine.messages[-1] == (
        f"train.max_minutes = {seconds / 60:g} ended the training after {outcome.step} of 200 steps: to train the "
        f"rest, use --resume --set train.max_minutes={round_up_minutes(outcome.full_seconds)}"
    )
    assert outcome.validation is not None


def test_on_a_slow_machine_the_rate_reaches_its_end_in_time(bench: Workbench) -> None:
    machine = Machine(bench, constant_pace(1.0), validation=2.0)
    outcome = machine.run(max_minutes=1.0)
    assert_well_ended(machine, outcome, 60.0)
    assert 45 <= outcome.step <= 55  # of 60 seconds, 2 validations on the way and 2 at the end
    assert outcome.full_seconds == pytest.approx(200 + 5 * 2 + 2, rel=0.1)
    assert machine.messages[0] == (
        "at 1 seconds per step, train.max_minutes = 1 leaves time for about 53 of the 200 steps, and all of them would "
        "take 3.8 minutes here: the learning rate schedule is shortened to match"
    )
    assert max(machine.rates) > 0.9 * PEAK
    assert machine.planned[-1] == outcome.step


def test_a_long_enough_limit_does_not_change_the_rates(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    free = Machine(bench, constant_pace(1.0))
    free.run()
    for share in (1.2, 10.0):
        bound = Machine(type(bench)(tmp_path_factory.mktemp("bound")), constant_pace(1.0))
        outcome = bound.run(max_minutes=share * 200 / 60)
        assert bound.rates == free.rates
        assert outcome.step == 200
        assert outcome.full_seconds is None
        assert not [message for message in bound.messages if "max_minutes" in message]


def test_a_long_enough_limit_does_not_change_the_weights(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    free = bench.trainer(schedule="cosine")
    free.run()
    other = type(bench)(tmp_path_factory.mktemp("bound"))
    bound = other.trainer(schedule="cosine", clock=other.clock(0.01), max_minutes=1.0)
    bound.run()
    for name, weight in free.model.state_dict().items():
        assert torch.equal(weight, bound.model.state_dict()[name])


def test_a_short_slowdown_changes_no_plan_with_time_to_spare(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    free = Machine(bench, constant_pace(1.0))
    free.run()
    shaky = Machine(type(bench)(tmp_path_factory.mktemp("shaky")), lambda elapsed: 4.0 if 100 < elapsed < 110 else 1.0)
    shaky.run(max_minutes=2 * 200 / 60)
    assert shaky.rates == free.rates


@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_a_change_of_pace_at_half_time_changes_the_plan(bench: Workbench, factor: float) -> None:
    machine = Machine(bench, lambda elapsed: 1.0 if elapsed < 30.0 else factor)
    outcome = machine.run(max_minutes=1.0)
    assert_well_ended(machine, outcome, 60.0)
    assert outcome.step == pytest.approx(28 + 28 / factor, rel=0.12)
    falls = [after / before for before, after in zip(machine.rates[20:-5], machine.rates[21:-4], strict=True)]
    assert min(falls) > 0.5  # no leap downwards


def test_a_machine_that_gets_slow_late_still_ends_low(bench: Workbench) -> None:
    machine = Machine(bench, lambda elapsed: 0.25 if elapsed < 40.0 else 1.0)
    outcome = machine.run(max_minutes=0.8)
    assert_well_ended(machine, outcome, 48.0)


def test_the_plan_grows_again_when_the_machine_gets_fast(bench: Workbench) -> None:
    machine = Machine(bench, lambda elapsed: 4.0 if elapsed < 20.0 else 0.1)
    outcome = machine.run(max_minutes=1.0)
    assert outcome.step == 200
    assert machine.rates[-1] < 0.02 * PEAK
    assert machine.messages[-2].endswith("leaves time for all 200 steps after all")


@pytest.mark.parametrize("stops", [[3], [10, 30], [45], [1, 2, 3, 4]])
def test_an_interruption_keeps_the_plan(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory, stops: list[int]
) -> None:
    whole = Machine(bench, constant_pace(1.0))
    straight = whole.run(max_minutes=1.0)
    broken = Machine(type(bench)(tmp_path_factory.mktemp("broken")), constant_pace(1.0))
    for number, stop in enumerate(stops):
        assert broken.run(max_minutes=1.0, stop_at=stop, resume=number > 0).full_seconds is None
        assert len(broken.rates) == stop
    outcome = broken.run(max_minutes=1.0, resume=True)
    assert_well_ended(broken, outcome, 60.0)
    assert abs(outcome.step - straight.step) <= 2
    assert broken.rates == pytest.approx(whole.rates[: outcome.step] + [0.0] * (outcome.step - straight.step), abs=5e-4)
    assert not [message for message in broken.messages if "train.max_minutes has changed" in message]


def test_with_more_minutes_it_resumes_to_the_last_step(bench: Workbench) -> None:
    machine = Machine(bench, constant_pace(1.0))
    short = machine.run(max_minutes=1.0)
    assert short.full_seconds is not None
    outcome = machine.run(max_minutes=float(round_up_minutes(short.full_seconds)), resume=True)
    assert (outcome.step, outcome.full_seconds) == (200, None)
    start_messages = [
        message for message in machine.messages if "train.max_minutes has changed: 200 steps are planned" in message
    ]
    schedule = CosineSchedule(PEAK, steps=200, warmup=20)
    assert machine.rates[short.step :] == [schedule.rate(step) for step in range(short.step + 1, 201)]
    assert f"{machine.rates[short.step]:.1e}" in start_messages[0]


@pytest.mark.parametrize("minutes", [1.5, 2.5])
def test_with_a_few_more_minutes_the_rate_reaches_its_end_again(bench: Workbench, minutes: float) -> None:
    machine = Machine(bench, constant_pace(1.0))
    short = machine.run(max_minutes=1.0)
    outcome = machine.run(max_minutes=minutes, resume=True)
    assert_well_ended(machine, outcome, 60.0 * minutes)
    assert machine.rates[short.step] > 0.1 * PEAK > machine.rates[short.step - 1]
    assert not [message for message in machine.messages if "200 steps are planned" in message]
    again = machine.run(max_minutes=minutes, resume=True)
    assert (again.step, len(machine.rates)) == (outcome.step, outcome.step)


def test_a_state_without_a_plan_can_be_resumed(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def save_without_limit(path: Path, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
        save_state(path, tensors, {name: value for name, value in scalars.items() if name != "limit"})

    machine = Machine(bench, constant_pace(0.1))
    with monkeypatch.context() as patch:
        patch.setattr("regard.train.checkpoints.save_state", save_without_limit)
        machine.run(stop_at=100)
    assert machine.run(resume=True).step == 200


@pytest.mark.parametrize("seconds", [0.01, 0.9, 1.5, 2.5, 4.0, 7.0, 10.0])
@pytest.mark.parametrize("warmup", [0, 100])
def test_a_tiny_limit_is_reported_and_the_rate_reaches_its_end(bench: Workbench, seconds: float, warmup: int) -> None:
    machine = Machine(bench, constant_pace(1.0), validation=0.1)
    outcome = machine.run(max_minutes=seconds / 60, warmup=warmup)
    assert outcome.validation is not None
    assert f"ended the training after {outcome.step} of 200 steps" in machine.messages[-1]
    assert 1 <= outcome.step <= max(1, seconds)
    # Before the first step it is unknown that it is the last.
    assert outcome.step == 1 or machine.rates[-1] < 0.02 * PEAK


def test_a_warm_up_longer_than_the_limit_is_shortened(bench: Workbench) -> None:
    machine = Machine(bench, constant_pace(1.0))
    outcome = machine.run(max_minutes=1.0, warmup=150)
    assert_well_ended(machine, outcome, 60.0)
    assert max(machine.rates) > 0.9 * PEAK
    assert machine.rates.index(max(machine.rates)) == pytest.approx(outcome.step / 4, abs=3)


@pytest.mark.parametrize("schedule", ["constant", "noam", "inverse-sqrt", "plateau"])
def test_other_schedules_keep_the_limit_and_their_shape(bench: Workbench, schedule: str) -> None:
    machine = Machine(bench, constant_pace(1.0))
    outcome = machine.run(max_minutes=1.0, schedule=schedule, metric="loss")
    assert outcome.seconds <= 60.0
    assert outcome.step < 60
    assert max(machine.rates) == pytest.approx(PEAK)
    assert "ended the training" in machine.messages[-1]


def test_an_end_by_patience_is_not_reported_as_a_time_limit(bench: Workbench) -> None:
    machine = Machine(bench, constant_pace(1.0))
    outcome = machine.run(max_minutes=30.0, patience=2, validate_every=10)
    assert outcome.step == 30
    assert outcome.full_seconds is None


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paces=st.lists(st.floats(0.02, 3.0), min_size=1, max_size=4),
    seconds=st.floats(20.0, 200.0),
    validation=st.floats(0.01, 2.0),
    warmup=st.integers(0, 300),
)
def test_the_rate_reaches_its_end_with_any_changes_of_pace(
    bench: Workbench,
    tmp_path_factory: pytest.TempPathFactory,
    paces: list[float],
    seconds: float,
    validation: float,
    warmup: int,
) -> None:
    """The last change is at half of the time: later there would be no steps left to change the plan for."""

    def pace(elapsed: float) -> float:
        return paces[min(len(paces) - 1, int(2.0 * len(paces) * elapsed / seconds))]

    machine = Machine(type(bench)(tmp_path_factory.mktemp("any")), pace, validation)
    outcome = machine.run(max_minutes=seconds / 60, warmup=warmup)
    assert machine.rates[-1] < 0.1 * PEAK or (outcome.step == 200 and warmup > 150)
    assert outcome.seconds <= seconds + 3.0
    assert (outcome.full_seconds is None) == (outcome.step == 200)
    assert (f"ended the training after {outcome.step} of 200" in machine.messages[-1]) == (outcome.step < 200)


@pytest.mark.parametrize(
    ("average", "validation", "elapsed", "up"),
    [
        ("none", 30.0, 566.0, False),  # 600 - 30 - 3
        ("none", 30.0, 567.0, True),
        ("last", 30.0, 536.0, False),  # 600 - 60 - 3
        ("last", 30.0, 537.0, True),
        ("last", 0.0, 536.0, False),  # not measured: assumed to take 30
        ("last", 0.0, 537.0, True),
        ("last", 900.0, 299.0, False),  # half of the time is always for training
        ("last", 900.0, 300.0, True),
    ],
)
def test_time_is_up_when_only_validations_fit(
    bench: Workbench, average: str, validation: float, elapsed: float, up: bool
) -> None:
    limit = TimeLimit(bench.options(max_minutes=10.0, average=average))
    assert limit.is_up(Progress(step=1, validation_seconds=validation), elapsed) == up
    assert not limit.is_up(Progress(step=0, validation_seconds=validation), elapsed)


def test_without_a_limit_time_is_never_up(bench: Workbench) -> None:
    limit, schedule = TimeLimit(bench.options()), CosineSchedule(1.0, steps=12)
    limit.record_pace(1, 1e6)
    assert not limit.is_up(Progress(step=1), 1e9)
    assert limit.revise(Progress(step=1), 1e9, schedule) is None
    assert limit.steps == 12
