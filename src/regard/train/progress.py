"""Counts, times and sums of a training in progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass
class Progress:
    """Counts, best score and times of a training, which are saved so that it can resume.

    Attributes:
        step: Number of updates done.
        validated: Step of the last validation.
        best_score: Best score of all validations so far; None before the first validation.
        waited: Number of validations since the one with the best score.
        elapsed: Seconds of training up to the last save.
        validation_seconds: Seconds that the last validation took.
    """

    step: int = 0
    validated: int = 0
    best_score: float | None = None
    waited: int = 0
    elapsed: float = 0.0
    validation_seconds: float = 0.0

    def restore(self, state: Mapping[str, int]) -> None:
        """Takes over all values of a saved progress.

        Args:
            state: Value of each attribute by its name; an attribute without value gets its default.
        """
        for name, value in asdict(Progress(**state)).items():
            setattr(self, name, value)

    def record_score(self, score: float) -> bool:
        """Records the score of a validation after the present step.

        Args:
            score: Validation score; higher is better, and NaN is worse than any number.

        Returns:
            Whether this score is the best so far.
        """
        self.validated = self.step
        is_best = not math.isnan(score) and (self.best_score is None or score > self.best_score)
        if is_best:
            self.best_score, self.waited = score, 0
        else:
            self.waited += 1
        return is_best


class Stopwatch:
    """Measures the wall-clock time of a training, summed over all its runs if it is interrupted and resumed.

    Args:
        clock: Function that returns the time in seconds, from any origin.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.origin = clock()

    def resume(self, elapsed: float) -> None:
        """Sets the time so far to `elapsed` seconds, and continues from there."""
        self.origin = self.clock() - elapsed

    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.clock() - self.origin


class Meter:
    """Sums losses, tokens and steps since the last progress report.

    The sums of losses stay on the device, so that the CPU does not wait for the device at every step.

    Args:
        device: Device of the losses.
        clock: Function that returns the time in seconds, from any origin.
    """

    def __init__(self, device: str, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Sets all sums to zero and restarts the clock, after a report."""
        self.sums = torch.zeros(2, device=self.device)
        self.norm = torch.zeros((), device=self.device)
        self.tokens = 0
        self.steps = 0
        self.start = self.clock()

    def add(self, loss: Tensor, nll: Tensor, norm: Tensor, tokens: int) -> None:
        """Adds the losses and the number of tokens of one training step.

        Args:
            loss: Label-smoothed loss summed over the step's target tokens, `()`.
            nll: Negative log-likelihood summed over the step's target tokens, `()`.
            norm: Gradient norm of the step, `()`.
            tokens: Number of target tokens of the step, without padding.
        """
        self.sums += torch.stack((loss, nll))
        self.norm = norm
        self.tokens += tokens
        self.steps += 1

    def seconds(self) -> float:
        """Seconds since the last reset, without the time inside `with meter.paused()` blocks."""
        return self.clock() - self.start

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Context manager; the time inside it does not count in the result of `seconds`.

        Yields:
            Nothing.
        """
        begin = self.clock()
        yield
        self.start += self.clock() - begin

    def means(self) -> tuple[float, float]:
        """Mean label-smoothed loss and mean negative log-likelihood since the last reset, in nats per target token."""
        loss, nll = (self.sums / max(1, self.tokens)).tolist()
        return float(loss), float(nll)
