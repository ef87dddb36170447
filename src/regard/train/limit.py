"""`train.max_minutes`: plans how many steps fit into the time limit, from the pace so far."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import cast

from regard.config.resolved import ResolvedTrainConfig
from regard.store.checkpoint import Plain
from regard.train.progress import Progress
from regard.train.schedule import Schedule

WINDOW = 0.05
"""Share of the limit over which the pace is averaged; the first plan is made after this share."""
TOLERANCE = 0.1
"""Share of the remaining steps by which an estimate must differ from the plan to change it."""
MARGIN = 0.005
"""Share of the limit that is kept free for what is not measured, such as writing files."""
UNMEASURED = 0.05
"""Share of the limit that a validation is assumed to take until one was measured."""


def round_up_minutes(seconds: float) -> str:
    """Seconds plus 10 % as minutes, rounded up to a number that is easy to type.

    >>> round_up_minutes(61), round_up_minutes(3000), round_up_minutes(2)
    ('1.2', '55', '0.1')
    """
    minutes = round(1.1 * seconds / 60.0, 9)  # 55 and not a little more
    return f"{math.ceil(minutes)}" if minutes > 10 else f"{math.ceil(10 * minutes) / 10:g}"


class TimeLimit:
    """A time limit, and the number of steps that are planned within it.

    Without a limit, or while the limit leaves time for all steps, the plan is `train.steps` and nothing depends on the
    clock. If the pace shows that time will not suffice, the plan is shortened, and the learning rate schedule with it,
    so that the rate still reaches its end. A change of pace changes the plan again, up to `train.steps`.

    Args:
        config: The `[train]` section, complete.
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
        """Whether it is time to measure the pace and to revise the plan.

        Args:
            steps: Steps since the last check.
            seconds: Seconds since the last check.
            step: Updates done in total.

        Returns:
            True after a good part of the limit, or of the rest of a shortened plan: if the machine got faster, that
            plan would be over too soon.
        """
        shortened_plan_is_due = self.steps < self.max_steps and 8 * steps >= self.steps - step
        return shortened_plan_is_due or seconds >= 0.5 * WINDOW * self.budget

    @property
    def pace(self) -> float:
        """Recent seconds per step, without validations; 0 if nothing was measured."""
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
        """Whether the remaining time suffices only for the last validations; False before the first step.

        Args:
            progress: Progress of the training.
            elapsed: Seconds of training so far.

        Returns:
            Whether one more step does not fit, not even nearly.
        """
        step = (1.0 - TOLERANCE) * self.pace
        return progress.step > 0 and elapsed + step >= self.budget - self._reserve(progress)

    def revise(self, progress: Progress, elapsed: float, schedule: Schedule) -> str | None:
        """Changes the plan and the learning rate schedule if the pace clearly requires it.

        Args:
            progress: Progress of the training.
            elapsed: Seconds of training so far.
            schedule: Learning rate schedule; set to the new end.

        Returns:
            A message for the user about the new plan; None if it is about the same as the last reported one.
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
        """Estimated seconds of all `train.steps` steps, including the last validations.

        Args:
            progress: Progress of the training.
            elapsed: Seconds of training so far.

        Returns:
            Seconds, from the recent pace.
        """
        pace = self.pace or elapsed / max(1, progress.step)
        return elapsed + self._cost(self.max_steps - progress.step, progress, pace) + self._reserve(progress)

    def start_message(self, rate: float) -> str:
        """Message for the user about a training that resumes with other limits.

        Args:
            rate: Learning rate of the next step.

        Returns:
            One sentence.
        """
        return (
            f"the limits have changed: {self.steps:,} steps are planned, and the learning rate continues at "
            f"{rate:.1e}, as if these limits had been set from the start"
        )

    def end_message(self, step: int, full_seconds: float) -> str:
        """Message for the user about a training that the limit ended.

        Args:
            step: Updates done.
            full_seconds: Seconds that all steps would take, from `full_time`.

        Returns:
            One sentence: how many steps were done, and how to train the rest.
        """
        return (
            f"train.max_minutes = {self.minutes:g} ended the training after {step:,} of {self.max_steps:,} steps: to "
            f"train the rest, use --resume --set train.max_minutes={round_up_minutes(full_seconds)}"
        )

    def state(self) -> dict[str, Plain]:
        """What an interrupted training needs to resume, as JSON."""
        return {
            "minutes": self.minutes,
            "most": self.max_steps,
            "revisions": [number for revision in self.revisions for number in revision],
            "recent_seconds": self.recent_seconds,
            "recent_steps": self.recent_steps,
        }

    def restore(self, state: dict[str, Plain], progress: Progress, elapsed: float, schedule: Schedule) -> bool:
        """Restores what `state` returned; if the limits have changed, makes a new plan.

        Args:
            state: Saved state of a limit.
            progress: Progress of the training.
            elapsed: Seconds of training so far.
            schedule: Learning rate schedule as built for `train.steps`; set to the saved plan, or to the new one.

        Returns:
            Whether the limits have changed.
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
