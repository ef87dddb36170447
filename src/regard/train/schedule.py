"""The learning rate of each step.

Every schedule begins with the same linear warm-up, from 0 to `peak` in `warmup` steps; steps count from 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

from regard.config.schema import TrainConfig


class Schedule(ABC):
    """Base of all schedules.

    Args:
        peak: The largest rate.
        warmup: Steps of linear warm-up; 0 = none.
        floor: The rate never falls below this after the warm-up.
    """

    def __init__(self, peak: float, *, warmup: int = 0, floor: float = 0.0) -> None:
        self.peak = peak
        self.warmup = warmup
        self.floor = min(floor, peak)
        self.rise = (0, 0.0)

    def rate(self, step: int) -> float:
        """The learning rate of a step.

        Args:
            step: From 1 on.

        Returns:
            `peak · step / warmup` during the warm-up, then what the schedule says, but at least `floor`.
        """
        if step < self.warmup:
            since, low = self.rise
            return low + (self.peak - low) * (step - since) / (self.warmup - since)
        return max(self.floor, self.peak * self.factor(step))

    @abstractmethod
    def factor(self, step: int) -> float:
        """Share of the peak after the warm-up, at a step ≥ 1."""

    def end_at(self, steps: int, *, step: int) -> None:
        """Makes the schedule fit another number of steps, with the same rate at `step` as before.

        What is left of the warm-up takes at most a quarter of the steps that are left, so that a short training has
        one too. Schedules with an end come to it after `steps`.

        Args:
            steps: Updates that there will be in all.
            step: Updates done by now.
        """
        end = step + (steps - step) // 4
        if step < self.warmup and end < self.warmup:
            self.rise, self.warmup = (step, self.rate(step)), end

    def observe(self, score: float) -> None:
        """Hears of a validation's score, higher being better; most schedules do not care."""

    def state(self) -> dict[str, float]:
        """What has to be remembered to go on after an interruption."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Takes up a remembered state."""


class ConstantSchedule(Schedule):
    """`η(t) = peak`."""

    def factor(self, step: int) -> float:
        """Always 1."""
        return 1.0


class InverseSqrtSchedule(Schedule):
    """`η(t) = peak · sqrt(max(1, warmup) / t)`.

    This is Vaswani et al. 2017, equation 3, `D^-0.5 · min(t^-0.5, t · warmup^-1.5)`, scaled to a peak that is
    stated: theirs is `(D · warmup)^-0.5`. Hence `noam` and `inverse-sqrt` are two names of one schedule.
    """

    def factor(self, step: int) -> float:
        """`sqrt(warmup / t)`."""
        return math.sqrt(max(1, self.warmup) / step)


class CosineSchedule(Schedule):
    """`η(t) = floor + (peak - floor) (1 + cos(π (t - warmup) / (steps - warmup))) / 2`.

    Loshchilov & Hutter 2017, equation 5, without restarts.

    Args:
        peak: The largest rate.
        steps: Where the rate reaches the floor.
        warmup: Steps of linear warm-up.
        floor: The last rate.
    """

    def __init__(self, peak: float, *, steps: int, warmup: int = 0, floor: float = 0.0) -> None:
        super().__init__(peak, warmup=warmup, floor=floor)
        self.steps = steps
        self.since, self.before = warmup, 0.0

    def factor(self, step: int) -> float:
        """Half a wave from 1 down to `floor / peak`."""
        low = self.floor / self.peak
        return low + (1.0 - low) * (1.0 + math.cos(math.pi * self._done(step))) / 2.0

    def end_at(self, steps: int, *, step: int) -> None:
        """The rest of the wave is stretched or pressed to the steps that are left; see `Schedule.end_at`."""
        done = self._done(step)
        super().end_at(steps, step=step)
        self.since, self.before, self.steps = max(step, self.warmup), done, steps

    def _done(self, step: int) -> float:
        """Share of the half wave, from 0 to 1."""
        share = (step - self.since) / max(1, self.steps - self.since)
        return min(1.0, max(0.0, self.before + (1.0 - self.before) * share))


class PlateauSchedule(Schedule):
    """`η(t) = peak · shrink^k`: k grows by one whenever `patience` validations in a row brought nothing better.

    Args:
        peak: The largest rate.
        warmup: Steps of linear warm-up.
        floor: The smallest rate.
        shrink: Factor, between 0 and 1.
        patience: Validations without improvement that are borne.
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
        """`shrink^k`, whatever the step."""
        return self.scale

    def observe(self, score: float) -> None:
        """Counts validations without improvement, and shrinks the rate when there are too many."""
        if score > self.best:
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.scale, self.waited = self.scale * self.shrink, 0

    def state(self) -> dict[str, float]:
        """Scale, best score and patience used up."""
        best = {} if math.isinf(self.best) else {"best": self.best}
        return {"scale": self.scale, "waited": self.waited, **best}

    def restore(self, state: dict[str, float]) -> None:
        """Takes up what `state` gave."""
        self.scale = state["scale"]
        self.waited = int(state["waited"])
        self.best = state.get("best", -math.inf)


def build_schedule(config: TrainConfig, steps: int) -> Schedule:
    """The schedule that the configuration names.

    Args:
        config: The `[train]` section.
        steps: Updates planned; the cosine ends there.

    Returns:
        A schedule before its first step.
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
