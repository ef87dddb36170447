"""Learning rate schedules.

Every schedule starts with the same linear warm-up, from 0 to `peak` in `warmup` steps. Steps are counted from 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

from regard.config.schema import TrainConfig


class Schedule(ABC):
    """Base class of all learning rate schedules.

    Args:
        peak: Largest learning rate, reached at the end of the warm-up.
        warmup: Number of steps of linear warm-up; 0 = none.
        floor: Smallest learning rate after the warm-up.
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
            `peak · step / warmup` during the warm-up; after it `peak · factor(step)`, but at least `floor`. The method
            `factor` of each schedule gives its decay, as a fraction of the peak.
        """
        if step < self.warmup:
            start, low = self.warmup_start
            return low + (self.peak - low) * (step - start) / (self.warmup - start)
        return max(self.floor, self.peak * self.factor(step))

    @abstractmethod
    def factor(self, step: int) -> float:
        """Learning rate after the warm-up, as a fraction of the peak.

        Args:
            step: Number of the step, counted from 1 at the start of the training, so that warm-up steps count.

        Returns:
            The fraction, from 0 to 1.
        """

    def end_at(self, steps: int, *, step: int) -> None:
        """Changes the schedule to end after another number of steps; the rate at `step` does not change.

        The rest of the warm-up takes at most a quarter of the remaining steps, so that the rate also reaches its peak
        in a short training. A schedule with a last step, such as the cosine, reaches its last rate after `steps`.

        Args:
            steps: New number of updates in total.
            step: Number of updates done so far.
        """
        end = step + (steps - step) // 4
        if step < self.warmup and end < self.warmup:
            self.warmup_start, self.warmup = (step, self.rate(step)), end

    def observe(self, score: float) -> None:
        """Called with the score of each validation, higher is better; only `PlateauSchedule` uses the score."""

    def state(self) -> dict[str, float]:
        """Values that `restore` needs when an interrupted training resumes, as JSON; by default none."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Restores the values that the method `state` returned; by default there are none."""


class ConstantSchedule(Schedule):
    """Constant learning rate after the warm-up: `η(t) = peak`."""

    def factor(self, step: int) -> float:
        """Fraction of the peak rate at a step after the warm-up: always 1. See `Schedule.factor`."""
        return 1.0


class InverseSqrtSchedule(Schedule):
    """Decay with the inverse square root of the step t: `η(t) = peak · sqrt(max(1, warmup) / t)`.

    The formula holds after the warm-up; before it, as in every `Schedule`, the rate rises linearly to `peak`. Together
    this is Vaswani et al. 2017, equation 3, `D^-0.5 · min(t^-0.5, t · warmup^-1.5)`, scaled to a given peak; the peak
    in the paper is `(D · warmup)^-0.5`. So `noam` and `inverse-sqrt` are two names of the same schedule.
    """

    def factor(self, step: int) -> float:
        """Fraction of the peak rate at a step t after the warm-up: `sqrt(max(1, warmup) / t)`.

        See `Schedule.factor`.
        """
        return math.sqrt(max(1, self.warmup) / step)


class CosineSchedule(Schedule):
    """Cosine decay: `η(t) = floor + (peak - floor) (1 + cos(π (t - warmup) / (steps - warmup))) / 2`.

    Loshchilov & Hutter 2017, equation 5, without restarts.

    Args:
        peak: Largest learning rate, reached at the end of the warm-up.
        steps: Step at which the rate reaches `floor`.
        warmup: Number of steps of linear warm-up.
        floor: Learning rate at the last step.
    """

    def __init__(self, peak: float, *, steps: int, warmup: int = 0, floor: float = 0.0) -> None:
        super().__init__(peak, warmup=warmup, floor=floor)
        self.steps = steps
        self.segment_start, self.done_before = warmup, 0.0  # the half wave that ends at `steps`

    def factor(self, step: int) -> float:
        """Half a cosine wave over the steps after the warm-up, from 1 down to `floor / peak`. See `Schedule.factor`."""
        low = self.floor / self.peak
        return low + (1.0 - low) * (1.0 + math.cos(math.pi * self._done(step))) / 2.0

    def end_at(self, steps: int, *, step: int) -> None:
        """Scales the rest of the cosine to the remaining number of steps. See `Schedule.end_at`."""
        done = self._done(step)
        super().end_at(steps, step=step)
        self.segment_start, self.done_before, self.steps = max(step, self.warmup), done, steps

    def _done(self, step: int) -> float:
        """Share of the half wave that is done, from 0 to 1."""
        share = (step - self.segment_start) / max(1, self.steps - self.segment_start)
        return min(1.0, max(0.0, self.done_before + (1.0 - self.done_before) * share))


class PlateauSchedule(Schedule):
    """Decay on plateaus: `η(t) = peak · shrink^k`; k grows by one per `patience` validations without improvement.

    Args:
        peak: Largest learning rate, reached at the end of the warm-up.
        warmup: Number of steps of linear warm-up.
        floor: Smallest learning rate after the warm-up.
        shrink: Factor by which the rate is multiplied, between 0 and 1.
        patience: Number of consecutive validations without improvement after which the rate is multiplied by `shrink`.
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
        """Fraction of the peak rate: `shrink^k` after k times `patience` validations without gain.

        See `Schedule.factor`.
        """
        return self.scale

    def observe(self, score: float) -> None:
        """Takes a validation score into account; `patience` scores in a row without a new best reduce the rate.

        Args:
            score: Score of the validation, higher is better. If it is the last of `patience` scores in a row that are
                not above the best one, the rate is multiplied by `shrink`, and counting starts again.
        """
        if score > self.best:
            self.best, self.waited = score, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.scale, self.waited = self.scale * self.shrink, 0

    def state(self) -> dict[str, float]:
        """Factor of the peak rate so far, best validation score and number of validations since, for `restore`."""
        best = {} if math.isinf(self.best) else {"best": self.best}
        return {"scale": self.scale, "waited": self.waited, **best}

    def restore(self, state: dict[str, float]) -> None:
        """Restores the values that the method `state` returned. See `Schedule.restore`."""
        self.scale = state["scale"]
        self.waited = int(state["waited"])
        self.best = state.get("best", -math.inf)


def build_schedule(config: TrainConfig, steps: int) -> Schedule:
    """Builds the learning rate schedule that a configuration asks for.

    Args:
        config: The `[train]` section of the configuration.
        steps: Planned number of updates, the last step of the cosine schedule.

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
