"""Counts, times and sums of a training in progress."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Progress:
    """The counts that an interrupted training needs to resume.

    Attributes:
        step: Updates done.
        validated: Step of the last validation.
        best_score: Best score of all validations so far; None before the first.
        waited: Validations since the best one.
        elapsed: Seconds of training, up to the last save.
        validation_seconds: Seconds that the last validation took.
    """

    step: int = 0
    validated: int = 0
    best_score: float | None = None
    waited: int = 0
    elapsed: float = 0.0
    validation_seconds: float = 0.0

    def record_score(self, score: float) -> bool:
        """Records the score of a validation after the present step.

        Args:
            score: Higher is better; NaN is worse than any number.

        Returns:
            Whether it is the best so far.
        """
        self.validated = self.step
        is_best = not math.isnan(score) and (self.best_score is None or score > self.best_score)
        if is_best:
            self.best_score, self.waited = score, 0
        else:
            self.waited += 1
        return is_best


class Stopwatch:
    """Wall-clock time over all sessions of one training.

    Args:
        clock: Clock in seconds, with any origin.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.origin = clock()

    def resume(self, elapsed: float) -> None:
        """Continues from `elapsed` seconds."""
        self.origin = self.clock() - elapsed

    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.clock() - self.origin


class Meter:
    """Sums since the last report, kept on the device so that the host does not wait for them.

    Args:
        device: Device of the losses.
        clock: Clock in seconds, with any origin.
    """

    def __init__(self, device: str, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Sets all sums and the time to zero."""
        self.sums = torch.zeros(2, device=self.device)
        self.norm = torch.zeros((), device=self.device)
        self.tokens = 0
        self.steps = 0
        self.start = self.clock()

    def add(self, loss: Tensor, nll: Tensor, norm: Tensor, tokens: int) -> None:
        """Adds a step.

        Args:
            loss: Smoothed loss summed over the tokens, `()`.
            nll: Negative log-likelihood summed over the tokens, `()`.
            norm: Gradient norm, `()`.
            tokens: Number of target tokens.
        """
        self.sums += torch.stack((loss, nll))
        self.norm = norm
        self.tokens += tokens
        self.steps += 1

    def seconds(self) -> float:
        """Seconds since the last reset."""
        return self.clock() - self.start

    def means(self) -> tuple[float, float]:
        """Mean smoothed loss and negative log-likelihood, in nats per token."""
        loss, nll = (self.sums / max(1, self.tokens)).tolist()
        return float(loss), float(nll)
