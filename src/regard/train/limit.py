"""How far a training gets within its minutes: the steps that are left time for, planned from the pace so far."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import cast

from regard.config.schema import TrainConfig
from regard.store.checkpoint import Plain
from regard.train.progress import Progress
from regard.train.schedule import Schedule

WINDOW = 0.05
"""Share of the limit over which the pace is averaged; the first plan is made after as long."""
TOLERANCE = 0.1
"""Share of the remaining steps by which an estimate must differ from the plan to change it."""
MARGIN = 0.005
"""Share of the limit that is left free for what nobody measures, such as writing files."""
UNMEASURED = 0.05
"""Until one was measured, a validation is taken for this share of the limit."""


def minutes(seconds: float) -> str:
    """Minutes that surely suffice for so many seconds, in a number that is easily typed.

    >>> minutes(61), minutes(3000), minutes(2)
    ('1.2', '55', '0.1')
    """
    wanted = round(1.1 * seconds / 60.0, 9)  # 55 and not a little more
    return f"{math.ceil(wanted)}" if wanted > 10 else f"{math.ceil(10 * wanted) / 10:g}"


class TimeLimit:
    """`train.max_minutes`, and the number of steps that it leaves time for.

    Without a limit, and as long as one does not bind, the plan is `train.steps` and nothing here depends on the clock.
    Where the pace shows that time will not suffice, the plan is shortened, and the schedule with it, so that the
    learning rate still comes to its end. A change of pace changes the plan again, but never beyond `train.steps`.

    Args:
        config: The `[train]` section, complete.
    """

    def __init__(self, config: TrainConfig) -> None:
        if config.steps is None or config.validate_every is None:
            raise AssertionError("derive() fills the numbers of steps")
        self.minutes = config.max_minutes
        self.budget = math.inf if config.max_minutes is None else 60.0 * config.max_minutes
        self.steps = self.most = self.told = config.steps
        self.validate_every = config.validate_every
        self.last_validations = 1 if config.average == "none" else 2
        self.revisions: list[tuple[int, int]] = []
        self.recent_seconds = self.recent_steps = 0.0

    def needs_check(self, steps: int, seconds: float, step: int) -> bool:
        """Whether the pace should be noted, and the plan looked at, now.

        Args:
            steps: Since the last look.
            seconds: Since then.
            step: Updates done in all.

        Returns:
            Whether a good part of the limit has gone, or of a plan that was shortened: it may be over in no time
            where the machine got faster.
        """
        hurried = self.steps < self.most and 8 * steps >= self.steps - step
        return hurried or seconds >= 0.5 * WINDOW * self.budget

    @property
    def pace(self) -> float:
        """Seconds a step without validations, of late; 0 where nothing was measured."""
        return self.recent_seconds / self.recent_steps if self.recent_steps else 0.0

    def note(self, steps: int, seconds: float) -> None:
        """Takes the measured time of some steps.

        Args:
            steps: How many.
            seconds: That they took together, without validations.
        """
        if math.isinf(self.budget) or steps < 1:
            return
        kept = math.exp(-max(0.0, seconds) / (WINDOW * self.budget))
        self.recent_seconds = kept * self.recent_seconds + seconds
        self.recent_steps = kept * self.recent_steps + steps

    def is_up(self, progress: Progress, elapsed: float) -> bool:
        """Whether time is left for nothing but the last validations; never before the first step.

        Args:
            progress: Knows the step, and how long a validation takes.
            elapsed: Seconds so far.

        Returns:
            Whether one more step does not fit, nor nearly so.
        """
        step = (1.0 - TOLERANCE) * self.pace
        return progress.step > 0 and elapsed + step >= self.budget - self._reserve(progress)

    def revise(self, progress: Progress, elapsed: float, schedule: Schedule) -> str | None:
        """Changes the plan, and the schedule with it, where the pace clearly asks for it.

        Args:
            progress: Where training stands.
            elapsed: Seconds so far.
            schedule: Learns where it will end.

        Returns:
            A sentence for the user about a new plan; None where it is the old one or nearly so.
        """
        if not self.pace or elapsed < WINDOW * self.budget:
            return None
        step, planned = progress.step, self.steps - progress.step
        possible = self._possible(progress, elapsed)
        shorter = possible < (1.0 - TOLERANCE) * planned
        longer = self.steps < self.most and possible > (1.0 + TOLERANCE) * planned
        if planned < 1 or not (shorter or longer):
            return None
        self._plan(step, step + max(1, possible), schedule)
        if abs(self.steps - self.told) <= TOLERANCE * self.told:
            return None
        self.told = self.steps
        return self._sentence(progress, elapsed)

    def full_time(self, progress: Progress, elapsed: float) -> float:
        """Seconds that all of `train.steps` would take, from the first to the last validation.

        Args:
            progress: Where training stands.
            elapsed: Seconds so far.

        Returns:
            An estimate from the pace of late.
        """
        pace = self.pace or elapsed / max(1, progress.step)
        return elapsed + self._cost(self.most - progress.step, progress, pace) + self._reserve(progress)

    def start_message(self, rate: float) -> str:
        """What the user should know of a training that goes on with other limits.

        Args:
            rate: The learning rate of its next step.

        Returns:
            A sentence.
        """
        return (
            f"the limits are other ones now: {self.steps:,} steps are planned, and the learning rate goes on with "
            f"{rate:.1e}, as if it had been so from the start"
        )

    def end_message(self, step: int, full_seconds: float) -> str:
        """What the user should know of a training that this limit ended.

        Args:
            step: Updates done.
            full_seconds: From `full_time`.

        Returns:
            A sentence: what was planned, what was done, how to go on.
        """
        return (
            f"train.max_minutes = {self.minutes:g} ended the training after {step:,} of {self.most:,} steps: for the "
            f"others, go on with --resume --set train.max_minutes={minutes(full_seconds)}"
        )

    def state(self) -> dict[str, Plain]:
        """What has to be remembered to go on after an interruption."""
        return {
            "minutes": self.minutes,
            "most": self.most,
            "revisions": [number for revision in self.revisions for number in revision],
            "recent_seconds": self.recent_seconds,
            "recent_steps": self.recent_steps,
        }

    def restore(self, state: dict[str, Plain], progress: Progress, elapsed: float, schedule: Schedule) -> bool:
        """Takes up what `state` gave. Where the limits are others now, the plan is made anew for them.

        Args:
            state: Of a limit before.
            progress: Where training stands.
            elapsed: Seconds so far.
            schedule: As it is built for `train.steps`; brought to where it was, or to where the new plan puts it.

        Returns:
            Whether the limits are others now.
        """
        self.recent_seconds = cast("float", state["recent_seconds"])
        self.recent_steps = cast("float", state["recent_steps"])
        if (state["minutes"], state["most"]) == (self.minutes, self.most):
            numbers = cast("list[int]", state["revisions"])
            for step, steps in zip(numbers[::2], numbers[1::2], strict=True):
                self._plan(step, steps, schedule)
            return False
        if self.pace and not math.isinf(self.budget):
            possible = self._possible(progress, elapsed)
            if possible < (1.0 - TOLERANCE) * (self.most - progress.step):
                # From the first step on, as if the limit had been this one: the rate may rise again.
                self._plan(0, progress.step + max(1, possible), schedule)
        return True

    def _sentence(self, progress: Progress, elapsed: float) -> str:
        if self.steps == self.most:
            return f"train.max_minutes = {self.minutes:g} leaves time for all {self.most:,} steps after all"
        return (
            f"at {self.pace:.2g} seconds a step, train.max_minutes = {self.minutes:g} leaves time for about "
            f"{self.steps:,} of the {self.most:,} steps, which would take {minutes(self.full_time(progress, elapsed))} "
            "minutes here: the learning rate comes to its end accordingly sooner"
        )

    def _plan(self, step: int, steps: int, schedule: Schedule) -> None:
        self.steps = min(self.most, steps)
        self.revisions.append((step, self.steps))
        schedule.end_at(self.steps, step=step)

    def _reserve(self, progress: Progress) -> float:
        """Seconds for the last weights' validation, that of the average, and a margin: half of the limit at most."""
        if math.isinf(self.budget):
            return self.last_validations * progress.validation_seconds
        validation = progress.validation_seconds or UNMEASURED * self.budget
        return min(0.5 * self.budget, self.last_validations * validation + MARGIN * self.budget)

    def _cost(self, steps: int, progress: Progress, pace: float) -> float:
        """Seconds of so many more steps and the validations between them."""
        validations = (progress.step % self.validate_every + steps) // self.validate_every
        return steps * pace + validations * progress.validation_seconds

    def _possible(self, progress: Progress, elapsed: float) -> int:
        """The most further steps that the remaining time suffices for."""
        left = self.budget - self._reserve(progress) - elapsed
        most, pace = max(0, self.most - progress.step), self.pace
        return max(0, bisect_right(range(most + 1), left, key=lambda steps: self._cost(steps, progress, pace)) - 1)
