"""The progress reports of a training, and the interface of the objects that receive them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class TrainingPlan:
    """Size and limits of a training, reported at its start.

    Attributes:
        num_parameters: Number of trained parameters.
        num_sentences: Number of training sentence pairs.
        steps: Planned number of updates in total.
        first_step: Number of updates already done if an interrupted training resumes; else 0.
        validate_every: Number of steps between validations.
        directory: Directory of the checkpoints and of the training state.
        max_minutes: Limit of the wall-clock time in minutes; None = no limit.
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
    """Progress of a training; losses and speed are means over the steps since the previous report.

    Attributes:
        step: Number of updates done.
        steps: Planned number of updates in total; with a time limit, the present estimate.
        epoch: Number of passes through the corpus, with fraction.
        loss: Label-smoothed loss, nats per target token.
        nll: Negative log-likelihood, nats per target token.
        gradient_norm: Gradient norm of the last step, before clipping.
        learning_rate: Learning rate of the last step.
        tokens_per_second: Target tokens per second, without padding.
        elapsed: Seconds of training so far, without the time between two runs.
        remaining: Estimated remaining seconds.
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
    """A validation sentence with the model's present translation and the reference translation."""

    src: str
    translation: str
    reference: str


@dataclass(frozen=True)
class Validation:
    """Quality of a model on the validation sentences.

    Attributes:
        loss: Label-smoothed loss over all validation sentences, nats per target token.
        nll: Negative log-likelihood over all validation sentences, nats per target token.
        bleu: BLEU of greedy translations of some sentences, 0-100; None if nothing was translated.
        chrf: chrF of the same translations, 0-100; None if nothing was translated.
        samples: Some of these translations, to show to the user.
        seconds: Seconds that the validation took.
        entropy: Mean entropy of the attention to the source, nats per target token; None without attention.
        sharpness: Mean sharpness of the attention, from 0 (uniform) to 1 (one position); None without attention. See
            `regard.inspection.measures`.
        by_language: BLEU and chrF of each target language, if there are several.
    """

    loss: float
    nll: float
    bleu: float | None = None
    chrf: float | None = None
    samples: tuple[Sample, ...] = ()
    seconds: float = 0.0
    entropy: float | None = None
    sharpness: float | None = None
    by_language: tuple[tuple[str, float, float], ...] = ()

    def value(self, metric: str) -> float:
        """The value of a metric, to show to the user.

        Args:
            metric: `loss`, `bleu` or `chrf`.

        Returns:
            The value of the metric; the loss instead of BLEU or chrF if nothing was translated.
        """
        value = {"bleu": self.bleu, "chrf": self.chrf}.get(metric)
        return self.loss if value is None else value

    def score(self, metric: str) -> float:
        """The score by which checkpoints are compared; higher is better.

        Args:
            metric: `loss`, `bleu` or `chrf`.

        Returns:
            BLEU or chrF, if that is the metric and it is above 0. In all other cases the negated loss, a number below
            0: the metric is the loss, nothing was translated, or BLEU or chrF is 0, so that only the loss shows an
            improvement.
        """
        value = {"bleu": self.bleu, "chrf": self.chrf}.get(metric)
        return value if value else -self.loss


class Reporter(Protocol):
    """Interface of objects that receive the progress of a training; they must not change the training."""

    def on_start(self, plan: TrainingPlan) -> None:
        """Called when the training starts or resumes."""

    def on_step(self, report: StepReport) -> None:
        """Called about once per second with the progress of the training."""

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """Called after each validation.

        Args:
            step: Number of updates done.
            validation: Losses, scores and sample translations of the validation.
            best: Whether the score of this validation is the best so far.
        """

    def on_message(self, text: str) -> None:
        """Called with a message for the user, one sentence."""

    def on_end(self) -> None:
        """Called when the training has ended or was interrupted."""


class Reporters:
    """Passes every report on to several reporters, or to none.

    Args:
        reporters: The reporters, in the order in which they are called.
    """

    def __init__(self, reporters: Sequence[Reporter] = ()) -> None:
        self.reporters = tuple(reporters)

    def on_start(self, plan: TrainingPlan) -> None:
        """Tells all reporters that the training starts or resumes. See `Reporter.on_start`."""
        for reporter in self.reporters:
            reporter.on_start(plan)

    def on_step(self, report: StepReport) -> None:
        """Passes the progress on to all reporters. See `Reporter.on_step`."""
        for reporter in self.reporters:
            reporter.on_step(report)

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """Passes the result of a validation on to all reporters. See `Reporter.on_validation`."""
        for reporter in self.reporters:
            reporter.on_validation(step, validation, best=best)

    def on_message(self, text: str) -> None:
        """Passes a message for the user on to all reporters. See `Reporter.on_message`."""
        for reporter in self.reporters:
            reporter.on_message(text)

    def on_end(self) -> None:
        """Tells all reporters that the training has ended or was interrupted. See `Reporter.on_end`."""
        for reporter in self.reporters:
            reporter.on_end()
