"""Where a training stands, and how fast it goes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Progress:
    """All counts that an interrupted training needs again.

    Attributes:
        step: Updates done.
        validated: The last step after which there was a validation.
        best_score: Of all validations so far; None before the first.
        waited: Validations since the best one.
        elapsed: Seconds of training, up to the last save.
        validation_seconds: How long the last validation took.
    """

    step: int = 0
    validated: int = 0
    best_score: float | None = None
    waited: int = 0
    elapsed: float = 0.0
    validation_seconds: float = 0.0

    def note(self, score: float) -> bool:
        """Takes a validation's score.

        Args:
            score: Higher is better; NaN is worse than all.

        Returns:
            Whether it is the best so far.
        """
        self.validated = self.step
        better = not math.isnan(score) and (self.best_score is None or score > self.best_score)
        if better:
            self.best_score, self.waited = score, 0
        else:
            self.waited += 1
        return better


class Stopwatch:
    """Wall-clock time over all sessions of one training.

    Args:
        clock: Seconds from some point on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.origin = clock()

    def resume(self, elapsed: float) -> None:
        """Counts on from `elapsed` seconds."""
        self.origin = self.clock() - elapsed

    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.clock() - self.origin


class Meter:
    """Sums between two reports, kept on the device so that nothing waits for them.

    Args:
        device: Where the losses are.
        clock: Seconds from some point on.
    """

    def __init__(self, device: str, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.device = device
        self.begin()

    def begin(self) -> None:
        """Starts anew."""
        self.sums = torch.zeros(2, device=self.device)
        self.norm = torch.zeros((), device=self.device)
        self.tokens = 0
        self.steps = 0
        self.since = self.clock()

    def add(self, loss: Tensor, nll: Tensor, norm: Tensor, tokens: int) -> None:
        """Counts a step.

        Args:
            loss: `()`, summed over its tokens.
            nll: `()`, likewise.
            norm: `()`, of its gradient.
            tokens: Target tokens.
        """
        self.sums += torch.stack((loss, nll))
        self.norm = norm
        self.tokens += tokens
        self.steps += 1

    def seconds(self) -> float:
        """Since the start."""
        return self.clock() - self.since

    def means(self) -> tuple[float, float]:
        """Smoothed loss and negative log-likelihood, nats a token."""
        loss, nll = (self.sums / max(1, self.tokens)).tolist()
        return float(loss), float(nll)
