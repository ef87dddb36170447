"""The time limit `train.max_minutes`: plans how many steps fit into the limit, from the seconds per step so far."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import cast

from regard.config.resolved import ResolvedTrainConfig
from regard.store.checkpoint import Plain
from regard.train.progress import Progress
from regard.train.schedule import Schedule

WINDOW = 0.05
"""Share of the time limit over which the seconds per step are averaged; the first plan is made after this share."""
TOLERANCE = 0.1
"""Share of the remaining steps by which a new estimate must differ from the planned steps to change the plan."""
MARGIN = 0.005
"""Share of the time limit that is reserved for work that is not measured, such as writing files."""
UNMEASURED = 0.05
"""Share of the time limit that a validation is assumed to take until the first validation was measured."""


def round_up_minutes(seconds: float) -> str:
    """Converts seconds plus 10 % to minutes, rounded up to a number that is easy to type.

    >>> round_up_minutes(61), round_up_minutes(3000), round_up_minutes(2)
    ('1.2', '55', '0.1')
    """
    minutes = round(1.1 * seconds / 60.0, 9)  # 55 and not a little more
    return f"{math.ceil(minutes)}" if minutes > 10 else f"{math.ceil(10 * minutes) / 10:g}"


class TimeLimit:
    """The time limit of a training, and the number of steps that are planned to fit into it.

    Without a limit, or while the limit leaves time for all steps, `train.steps` steps are planned and nothing depends
    on the clock. If the measured seconds per step show that the time will not suffice, fewer steps are planned, and the
    learning rate schedule is shortened accordingly, so that it still reaches its last rate. If the speed changes, the
    number of planned steps is changed again, up to `train.steps`.

    Args:
        config: The `[train]` section, with numbers for `steps` and `validate_every`.
    """

    def __init__(self, config: ResolvedTrainConfig) -> None:
        self.minutes = config.max_minutes
        self.budget = math.inf if config.max_minutes is None else 60.0 * config.max_minutes
        self.steps = self.max_steps = self.reported_steps = config.steps
        self.validate_every = config.validate_every
        self.last_validations = 1 if config.average == "none" else 2
        self.revisions: list[tuple[int, int]] = []
        self.recent_seconds = self.recent_steps = 0.0

    def needs_check(self, steps: int, seconds: float, step: int) -> bool:
        """Whether it is time to measure the seconds per step and to revise the number of planned steps.

        Args:
            steps: Number of steps since the last check.
            seconds: Seconds since the last check.
            step: Number of updates done in total.

        Returns:
            True if 2.5 % of the time limit has passed since the last check. If fewer than `train.steps` steps are
            planned, also if `steps` is at least an eighth of the planned steps that remain: on a machine that became
            faster, these might all be done before 2.5 % of the time limit has passed.
        """
        shortened_plan_is_due = self.steps < self.max_steps and 8 * steps >= self.steps - step
        return shortened_plan_is_due or seconds >= 0.5 * WINDOW * self.budget

    @property
    def pace(self) -> float:
        """Seconds per step, averaged over recent steps, without validations; 0 if nothing was measured yet."""
        return self.recent_seconds / self.recent_steps if self.recent_steps else 0.0

    def record_pace(self, steps: int, seconds: float) -> None:
        """Records how long some steps took, for the estimate of the time per step.

        Args:
            steps: Number of steps.
            seconds: Total duration of these steps, excluding validation.
        """
        if math.isinf(self.budget) or steps < 1:
            return
        decay = math.exp(-max(0.0, seconds) / (WINDOW * self.budget))
        self.recent_seconds = decay * self.recent_seconds + seconds
        self.recent_steps = decay * self.recent_steps + steps

    def is_up(self, progress: Progress, elapsed: float) -> bool:
        """Whether the time limit leaves no time for another step, only for the last validations.

        Args:
            progress: Progress of the training.
            elapsed: Seconds of training so far.

        Returns:
            True if the remaining time, minus the time reserved for the last validations, is at most 90 % of the mean
            time of a step. (90 %, because the next step may be faster than the mean.) Always False before the first
            step.
        """
        step = (1.0 - TOLERANCE) * self.pace
        return progress.step > 0 and elapsed + step >= self.budget - self._reserve(progress)

    def revise(self, progress: Progress, elapsed: float, schedule: Schedule) -> str | None:
        """Changes the number of planned steps and the schedule if the measured speed clearly requires it.

        Args:
            progress: Progress of the training.
            elapsed: Seconds of training so far.
            schedule: Learning rate schedule; changed to end at the new number of steps.

        Returns:
            A message for the user about the new number of steps; None if nothing was changed, or if the new number
            differs by at most 10 % from the number in the previous message.
        """
        if not self.pace or elapsed < WINDOW * self.budget:
            return None
        step, planned = progress.step, self.steps - progress.step
        possible = self._possible(progress, elapsed)
        shorter = possible < (1.0 - TOLERANCE) * planned
        longer = self.steps < self.max_steps and possible > (1.0 + TOLERANCE) * planned
        if planned < 1 or not (shorter or longer):
            return None
        self._plan(step, step + max(1, possible), schedule)
        if abs(self.steps - self.reported_steps) <= TOLERANCE * self.reported_steps:
            return None
        self.reported_steps = self.steps
        return self._plan_message(progress, elapsed)

    def full_time(self, progress: Progress, elapsed: float) -> float:
        """Estimates how long all `train.steps` steps would take without a time limit, with all validations.

        Args:
            progress: Progress of the training.
            elapsed: Seconds of training so far.

        Returns:
            Estimated seconds from the start of the training, extrapolated from the recent seconds per step.
        """
        pace = self.pace or elapsed / max(1, progress.step)
        return elapsed + self._cost(self.max_steps - progress.step, progress, pace) + self._reserve(progress)

    def start_message(self, rate: float) -> str:
        """Message for the user about a training that resumes with another `train.steps` or `train.max_minutes`.

        Args:
            rate: Learning rate of the next step.

        Returns:
            One sentence: the number of planned steps and the present learning rate.
        """
        return (
            f"train.steps or train.max_minutes has changed: {self.steps:,} steps are planned, and the learning rate "
            f"continues at {rate:.1e}, as if these values had been set from the start"
        )

    def end_message(self, step: int, full_seconds: float) -> str:
        """Message for the user about a training that the time limit ended before `train.steps` steps.

        Args:
            step: Number of updates done.
            full_seconds: Estimated seconds that all steps would take, from `full_time`.

        Returns:
            One sentence: how many steps were done, and how to train the rest.
        """
        return (
            f"train.max_minutes = {self.minutes:g} ended the training after {step:,} of {self.max_steps:,} steps: to "
            f"train the rest, use --resume --set train.max_minutes={round_up_minutes(full_seconds)}"
        )

    def state(self) -> dict[str, Plain]:
        """Limits, planned steps and measured speed as JSON, for `restore` when an interrupted training resumes."""
        return {
            "minutes": self.minutes,
            "most": self.max_steps,
            "revisions": [number for revision in self.revisions for number in revision],
            "recent_seconds": self.recent_seconds,
            "recent_steps": self.recent_steps,
        }

    def restore(self, state: dict[str, Plain], progress: Progress, elapsed: float, schedule: Schedule) -> bool:
        """Restores planned steps and measured speed when an interrupted training resumes.

        If `train.steps` or `train.max_minutes` has changed since, a new number of steps is planned instead.

        Args:
            state: Value that the method `state` returned before the interruption.
            progress: Progress of the training.
            elapsed: Seconds of training so far.
            schedule: Learning rate schedule as built for `train.steps`; changed to end at the planned number of steps.

        Returns:
            Whether `train.steps` or `train.max_minutes` has changed.
        """
        self.recent_seconds = cast("float", state["recent_seconds"])
        self.recent_steps = cast("float", state["recent_steps"])
        if (state["minutes"], state["most"]) == (self.minutes, self.max_steps):
            numbers = cast("list[int]", state["revisions"])
            for step, steps in zip(numbers[::2], numbers[1::2], strict=True):
                self._plan(step, steps, schedule)
            return False
        if self.pace and not math.isinf(self.budget):
            possible = self._possible(progress, elapsed)
            if possible < (1.0 - TOLERANCE) * (self.max_steps - progress.step):
                # From the first step on, as if this had been the limit from the start: the rate may rise again.
                self._plan(0, progress.step + max(1, possible), schedule)
        return True

    def _plan_message(self, progress: Progress, elapsed: float) -> str:
        if self.steps == self.max_steps:
            return f"train.max_minutes = {self.minutes:g} leaves time for all {self.max_steps:,} steps after all"
        return (
            f"at {self.pace:.2g} seconds per step, train.max_minutes = {self.minutes:g} leaves time for about "
            f"{self.steps:,} of the {self.max_steps:,} steps, and all of them would take "
            f"{round_up_minutes(self.full_time(progress, elapsed))} minutes here: the learning rate schedule is "
            "shortened to match"
        )

    def _plan(self, step: int, steps: int, schedule: Schedule) -> None:
        self.steps = min(self.max_steps, steps)
        self.revisions.append((step, self.steps))
        schedule.end_at(self.steps, step=step)

    def _reserve(self, progress: Progress) -> float:
        """Seconds reserved for the last validation, that of the average, and a margin; at most half of the limit."""
        if math.isinf(self.budget):
            return self.last_validations * progress.validation_seconds
        validation = progress.validation_seconds or UNMEASURED * self.budget
        return min(0.5 * self.budget, self.last_validations * validation + MARGIN * self.budget)

    def _cost(self, steps: int, progress: Progress, pace: float) -> float:
        """Estimated seconds of a number of further steps and the validations between them."""
        validations = (progress.step % self.validate_every + steps) // self.validate_every
        return steps * pace + validations * progress.validation_seconds

    def _possible(self, progress: Progress, elapsed: float) -> int:
        """How many further steps fit into the remaining time."""
        left = self.budget - self._reserve(progress) - elapsed
        max_steps, pace = max(0, self.max_steps - progress.step), self.pace
        return max(0, bisect_right(range(max_steps + 1), left, key=lambda steps: self._cost(steps, progress, pace)) - 1)
