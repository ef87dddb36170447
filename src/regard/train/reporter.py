"""What a training tells of itself, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class TrainingPlan:
    """What is about to happen.

    Attributes:
        num_parameters: Trained numbers of the model.
        num_sentences: Training pairs.
        steps: Updates at most.
        first_step: Updates already done, when an interrupted training goes on.
        validate_every: Steps between validations.
        directory: Where the training state is written.
        max_minutes: Wall-clock budget, None = none.
    """

    num_parameters: int
    num_sentences: int
    steps: int
    first_step: int
    validate_every: int
    directory: str
    max_minutes: float | None


@dataclass(frozen=True)
class StepReport:
    """How training stands; means are over the time since the last report.

    Attributes:
        step: Updates done.
        steps: Updates planned, as far as the limit of time lets foresee.
        epoch: Passes through the corpus.
        loss: Smoothed loss, nats a target token.
        nll: Negative log-likelihood, nats a target token.
        gradient_norm: Of the last step, before clipping.
        learning_rate: Of the last step.
        tokens_per_second: Real target tokens.
        elapsed: Seconds of training so far, interruptions left out.
        remaining: Seconds that it will still take, estimated.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    nll: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float
    elapsed: float
    remaining: float


@dataclass(frozen=True)
class Sample:
    """A validation sentence as the model translates it now."""

    src: str
    translation: str
    reference: str


@dataclass(frozen=True)
class Validation:
    """How good a model is on sentences that it does not learn from.

    Attributes:
        loss: Smoothed loss, nats a target token, over all validation sentences.
        nll: Negative log-likelihood, nats a target token.
        bleu: BLEU of greedy translations, 0-100; None where none were made.
        chrf: chrF of the same.
        samples: Some of the translations.
        seconds: How long the validation took.
        entropy: How spread the attention to the source is, nats a target token; None without attention.
        sharpness: The same from 0, alike everywhere, to 1, at one position (see `regard.inspection.measures`).
    """

    loss: float
    nll: float
    bleu: float | None = None
    chrf: float | None = None
    samples: tuple[Sample, ...] = ()
    seconds: float = 0.0
    entropy: float | None = None
    sharpness: float | None = None

    def value(self, metric: str) -> float:
        """The number that a user reads.

        Args:
            metric: `loss`, `bleu` or `chrf`.

        Returns:
            It; the loss where translations were not scored.
        """
        value = {"bleu": self.bleu, "chrf": self.chrf}.get(metric)
        return self.loss if value is None else value

    def score(self, metric: str) -> float:
        """The number to choose by, higher being better.

        Args:
            metric: `loss`, `bleu` or `chrf`.

        Returns:
            BLEU or chrF where it is more than 0; minus the loss, which is less than that, where it is 0 (no translation
            has anything right yet, and only the loss tells what is better), where translations were not scored, and
            where the loss is asked for.
        """
        value = {"bleu": self.bleu, "chrf": self.chrf}.get(metric)
        return value if value else -self.loss


class Reporter(Protocol):
    """Hears what happens; whatever it does with that must not change the training."""

    def on_start(self, plan: TrainingPlan) -> None:
        """Training begins, or goes on."""

    def on_step(self, report: StepReport) -> None:
        """About once a second."""

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """A validation is done.

        Args:
            step: Updates done.
            validation: Its scores.
            best: Whether none before it was as good.
        """

    def on_message(self, text: str) -> None:
        """Something that the user should know, in a sentence."""

    def on_end(self) -> None:
        """Training is over or interrupted."""


class Reporters:
    """Tells several reporters the same; with none of them, silence.

    Args:
        reporters: In the order in which they hear.
    """

    def __init__(self, reporters: Sequence[Reporter] = ()) -> None:
        self.reporters = tuple(reporters)

    def on_start(self, plan: TrainingPlan) -> None:
        """See `Reporter.on_start`."""
        for one in self.reporters:
            one.on_start(plan)

    def on_step(self, report: StepReport) -> None:
        """See `Reporter.on_step`."""
        for one in self.reporters:
            one.on_step(report)

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """See `Reporter.on_validation`."""
        for one in self.reporters:
            one.on_validation(step, validation, best=best)

    def on_message(self, text: str) -> None:
        """See `Reporter.on_message`."""
        for one in self.reporters:
            one.on_message(text)

    def on_end(self) -> None:
        """See `Reporter.on_end`."""
        for one in self.reporters:
            one.on_end()
