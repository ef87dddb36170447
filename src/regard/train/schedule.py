"""Learning rate schedules.

Every schedule starts with the same linear warm-up, from 0 to `peak` in `warmup` steps. Steps are counted from 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

from regard.config.schema import TrainConfig


class Schedule(ABC):
    """Base class of all schedules.

    Args:
        peak: Largest rate.
        warmup: Steps of linear warm-up; 0 = none.
        floor: Smallest rate after the warm-up.
    """

    def __init__(self, peak: float, *, warmup: int = 0, floor: float = 0.0) -> None:
        self.peak = peak
        self.warmup = warmup
        self.floor = min(floor, peak)
        self.warmup_start = (0, 0.0)  # step and rate from which the warm-up rises

    def rate(self, step: int) -> float:
        """The learning rate of a step.

        Args:
            step: Number of the step, from 1 on.

        Returns:
            `peak · step / warmup` during the warm-up; then the rate of the schedule, but at least `floor`.
        """
        if step < self.warmup:
            start, low = self.warmup_start
            return low + (self.peak - low) * (step - start) / (self.warmup - start)
        return max(self.floor, self.peak * self.factor(step))

    @abstractmethod
    def factor(self, step: int) -> float:
        """Rate after the warm-up as a share of the peak, at a step ≥ 1."""

    def end_at(self, steps: int, *, step: int) -> None:
        """Fits the schedule to another number of steps, with the same rate at `step` as before.

        The rest of the warm-up takes at most a quarter of the remaining steps, so that a short training has a warm-up
        too. Schedules with an end reach it after `steps`.

        Args:
            steps: Updates in total.
            step: Updates done so far.
        """
        end = step + (steps - step) // 4
        if step < self.warmup and end < self.warmup:
            self.warmup_start, self.warmup = (step, self.rate(step)), end

    def observe(self, score: float) -> None:
        """Receives the score of a validation, higher is better; most schedules ignore it."""

    def state(self) -> dict[str, float]:
        """What an interrupted training needs to resume, as JSON."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Restores what `state` returned."""


class ConstantSchedule(Schedule):
    """`η(t) = peak`."""

    def factor(self, step: int) -> float:
        """Always 1."""
        return 1.0


class InverseSqrtSchedule(Schedule):
    """`η(t) = peak · sqrt(max(1, warmup) / t)`.

    This is Vaswani et al. 2017, equation 3, `D^-0.5 · min(t^-0.5, t · warmup^-1.5)`, scaled to a given peak; theirs is
    `(D · warmup)^-0.5`. So `noam` and `inverse-sqrt` are two names of one schedule.
    """

    def factor(self, step: int) -> float:
        """`sqrt(warmup / t)`."""
        return math.sqrt(max(1, self.warmup) / step)


class CosineSchedule(Schedule):
    """`η(t) = floor + (peak - floor) (1 + cos(π (t - warmup) / (steps - warmup))) / 2`.

    Loshchilov & Hutter 2017, equation 5, without restarts.

    Args:
        peak: Largest rate.
        steps: Step at which the rate reaches the floor.
        warmup: Steps of linear warm-up.
        floor: Last rate.
    """

    def __init__(self, peak: float, *, steps: int, warmup: int = 0, floor: float = 0.0) -> None:
        super().__init__(peak, warmup=warmup, floor=floor)
        self.steps = steps
        self.segment_start, self.done_before = warmup, 0.0  # the half wave that ends at `steps`

    def factor(self, step: int) -> float:
        """Half a cosine wave from 1 down to `floor / peak`."""
        low = self.floor / self.peak
        return low + (1.0 - low) * (1.0 + math.cos(math.pi * self._done(step))) / 2.0

    def end_at(self, steps: int, *, step: int) -> None:
        """Scales the rest of the wave to the remaining steps; see `Schedule.end_at`."""
        done = self._done(step)
        super().end_at(steps, step=step)
        self.segment_start, self.done_before, self.steps = max(step, self.warmup), done, steps

    def _done(self, step: int) -> float:
        """Share of the half wave that is done, from 0 to 1."""
        share = (step - self.segment_start) / max(1, self.steps - self.segment_start)
        return min(1.0, max(0.0, self.done_before + (1.0 - self.done_before) * share))


class PlateauSchedule(Schedule):
    """`η(t) = peak · shrink^k`; k grows by one after `patience` validations in a row without improvement.

    Args:
        peak: Largest rate.
        warmup: Steps of linear warm-up.
        floor: Smallest rate.
        shrink: Factor, between 0 and 1.
        patience: Validations without improvement before the rate shrinks.
    """

    def __init__(
        self, peak: float, *, warmup: int = 0, floor: float = 0.0, shrink: float = 0.5, patience: int = 2
    ) -> None:
        super().__init__(peak, warmup=warmup, floor=floor)
        self.shrink = shrink
        self.patience = patience
        self.scale = 1.0
        self.best = -math.inf
        self.waited = 0

    def factor(self, step: int) -> float:
        """`shrink^k`, at every step."""
        return self.scale

    def observe(self, score: float) -> None:
        """Counts validations without improvement, and shrinks the rate after `patience` of them."""
        if score > self.best:
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.scale, self.waited = self.scale * self.shrink, 0

    def state(self) -> dict[str, float]:
        """Scale of the learning rate, best validation score, and number of validations since that score."""
        best = {} if math.isinf(self.best) else {"best": self.best}
        return {"scale": self.scale, "waited": self.waited, **best}

    def restore(self, state: dict[str, float]) -> None:
        """Restores what `state` returned."""
        self.scale = state["scale"]
        self.waited = int(state["waited"])
        self.best = state.get("best", -math.inf)


def build_schedule(config: TrainConfig, steps: int) -> Schedule:
    """Builds the schedule of a configuration.

    Args:
        config: The `[train]` section.
        steps: Planned updates; the cosine ends there.

    Returns:
        The schedule, before its first step.
    """
    peak, warmup, floor = config.learning_rate, min(config.warmup, steps), config.min_learning_rate
    makers: dict[str, Callable[[], Schedule]] = {
        "constant": lambda: ConstantSchedule(peak, warmup=warmup, floor=floor),
        "noam": lambda: InverseSqrtSchedule(peak, warmup=warmup, floor=floor),
        "inverse-sqrt": lambda: InverseSqrtSchedule(peak, warmup=warmup, floor=floor),
        "cosine": lambda: CosineSchedule(peak, steps=steps, warmup=warmup, floor=floor),
        "plateau": lambda: PlateauSchedule(peak, warmup=warmup, floor=floor),
    }
    return makers[config.schedule]()
