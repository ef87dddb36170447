"""The training loop: steps, validations, checkpoints, choice of the weights, and exact resumption."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from regard.config.resolved import ResolvedTrainConfig
from regard.errors import ConfigError
from regard.model.seq2seq import Seq2Seq
from regard.store.weights import own_tensors
from regard.train.agreement import Agreement
from regard.train.broken import BrokenBatches
from regard.train.checkpoints import CheckpointDirectory
from regard.train.choice import choose_weights
from regard.train.conditions import current_conditions
from regard.train.interrupt import Interrupt, Interrupted
from regard.train.limit import TimeLimit
from regard.train.memory import MemoryLimit
from regard.train.objective import Objective
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.progress import Meter, Progress, Stopwatch
from regard.train.replicas import check_same_step, in_first, make_model_equal
from regard.train.reporter import Reporter, StepReport, TrainingPlan, Validation
from regard.train.saving import StateSaver, TrainingParts
from regard.train.schedule import build_schedule
from regard.train.step import TrainingStep
from regard.train.stream import Stream, own_batches
from regard.train.validation import Validator
from regard.train.workers import Workers

REPORT_SECONDS = 1.0
"""Seconds between two progress reports."""
MAX_BROKEN_STEPS = 20
"""Number of consecutive steps with NaN or infinite gradients after which training stops with an error."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended. Unless it was interrupted, the model now has the weights named by `chosen`.

    Attributes:
        step: Number of updates done.
        seconds: Seconds of training, summed over all runs of a training that was resumed.
        interrupted: Whether the training was stopped and can be resumed. If so, no weights were chosen, and `chosen`,
            `validation` and `full_seconds` are None.
        num_skipped: Number of updates that were skipped because gradients were not finite.
        chosen: Description of the final weights: the best checkpoint, or an average of checkpoints.
        validation: Validation of the final weights.
        full_seconds: Estimated seconds of all `train.steps` steps if `train.max_minutes` ended the training; else None.
        num_split: Number of batches and parts of batches that did not fit into memory and were split.
    """

    step: int
    seconds: float
    interrupted: bool
    num_skipped: int
    chosen: str | None = None
    validation: Validation | None = None
    full_seconds: float | None = None
    num_split: int = 0


class Trainer:
    """Trains a model: the loop of steps, validations and checkpoints.

    Args:
        model: Model to train, on the device of the training.
        stream: Training batches.
        validator: Validates the model every `validate_every` steps.
        config: The resolved `[train]` section.
        directory: Directory of the checkpoints and of the training state.
        precision: Number format of the matrix products.
        reporter: Receives progress and messages; in workers other than 0, it should do nothing.
        workers: All workers of the training, which are connected; None = this is the only one.
    """

    def __init__(
        self,
        model: Seq2Seq,
        stream: Stream,
        validator: Validator,
        *,
        config: ResolvedTrainConfig,
        directory: Path,
        precision: Precision,
        reporter: Reporter,
        workers: Workers | None = None,
    ) -> None:
        self.model, self.stream, self.validator = model, stream, validator
        self.config, self.precision, self.reporter = config, precision, reporter
        self.workers = workers or Workers()
        self.agreement = Agreement(self.workers)
        self.validate_every = config.validate_every
        self.device = str(model.output_weight.device)
        self.checkpoints = CheckpointDirectory(directory, keep=config.keep, prefer=config.average)
        self.memory = MemoryLimit(reporter.on_message)
        self.broken = BrokenBatches(self.checkpoints, reporter.on_message, self.workers)
        self.updater = Updater(model, betas=config.betas, weight_decay=config.weight_decay, clip_norm=config.clip_norm)
        self.step = TrainingStep(
            model,
            self.updater,
            precision,
            Objective.of(config),
            seed=config.seed,
            memory=self.memory,
            workers=self.workers,
        )
        self.schedule = build_schedule(config, config.steps)
        self.limit = TimeLimit(config)
        self.progress = Progress()
        self.stopwatch = Stopwatch(self.agreement.clock)
        self.meter = Meter(self.device, self.agreement.clock)
        parts = TrainingParts(
            model, self.updater, stream, self.schedule, self.limit, self.memory, self.checkpoints, self.progress,
            self.stopwatch,
        )  # fmt: skip
        conditions = {**current_conditions(precision, self.device), "workers": str(self.workers.count)}
        self.saver = StateSaver(parts, conditions=conditions, minutes=config.save_minutes)

    def run(self, *, num_sentences: int = 0, resume: bool = False, interrupt: Interrupt | None = None) -> Outcome:
        """Trains until the last step, until patience or the time limit runs out, or until a stop is requested.

        Args:
            num_sentences: Number of sentence pairs in the corpus, for the report at the start.
            resume: Whether to resume from the saved training state.
            interrupt: Requests to stop, checked before each step and during validations; None = never stopped.

        Returns:
            How the training ended.

        Raises:
            CheckpointError: There is no training state to resume from, or the state belongs to another model.
            ConfigError: Gradients were infinite or NaN in `MAX_BROKEN_STEPS` consecutive steps.
        """
        interrupt = self.agreement.begin(interrupt or Interrupt())
        limits_changed = resume and self._restore()
        make_model_equal(self.workers, self.model, self.updater, self.reporter.on_message)
        self.reporter.on_start(self._plan(num_sentences))
        if limits_changed:
            self.reporter.on_message(self.limit.start_message(self.schedule.rate(self.progress.step + 1)))
        self.meter.reset()
        try:
            self._train(interrupt)
            chosen, validation = choose_weights(
                self.model,
                self.validator,
                self.checkpoints,
                self.agreement,
                metric=self.config.metric,
                report=self.reporter.on_message,
            )
        except Interrupted:
            return self._outcome(interrupted=True)
        finally:
            self.reporter.on_end()
        outcome = self._outcome(interrupted=False, chosen=chosen, validation=validation)
        if self._is_out_of_patience and outcome.step < self.limit.max_steps:
            self.reporter.on_message(_patience_message(self.progress, self.config))
        if outcome.full_seconds is not None:
            self.reporter.on_message(self.limit.end_message(outcome.step, outcome.full_seconds))
        return outcome

    def _train(self, interrupt: Interrupt) -> None:
        try:
            while not self._validate_if_due():
                interrupt.check()
                self._advance()
                self.agreement.update()
                seconds = self.meter.seconds()
                self._save_if_due(seconds)
                if seconds >= REPORT_SECONDS or self.limit.needs_check(self.meter.steps, seconds, self.progress.step):
                    self._report()
        except Interrupted:
            if interrupt.save:
                self._save()
            raise

    def _plan(self, num_sentences: int) -> TrainingPlan:
        return TrainingPlan(
            num_parameters=sum(weight.numel() for weight in self.updater.named.values()),
            num_sentences=num_sentences,
            steps=self.limit.steps,
            first_step=self.progress.step,
            validate_every=self.validate_every,
            directory=str(self.checkpoints.destination),
            max_minutes=self.config.max_minutes,
        )

    def _outcome(self, interrupted: bool, chosen: str | None = None, validation: Validation | None = None) -> Outcome:
        skipped, elapsed = int(self.updater.num_skipped), self.stopwatch.elapsed()
        out_of_time = not (interrupted or self._is_out_of_patience or self.progress.step >= self.limit.max_steps)
        full = self.limit.full_time(self.progress, elapsed) if out_of_time else None
        split = self.memory.num_failures
        return Outcome(self.progress.step, elapsed, interrupted, skipped, chosen, validation, full, split)

    @property
    def _is_out_of_patience(self) -> bool:
        return 0 < self.config.patience <= self.progress.waited

    def _is_over(self) -> bool:
        return (
            self.progress.step >= self.limit.steps
            or self._is_out_of_patience
            or self.limit.is_up(self.progress, self.stopwatch.elapsed())
        )

    def _validate_if_due(self) -> bool:
        """Validates if it is due; returns whether training is over and its last weights are validated."""
        over = self._is_over()
        due = over or self.progress.step % self.validate_every == 0
        if due and self.progress.validated < self.progress.step:
            self._validate()
            return self._is_over()
        return over

    def _advance(self) -> None:
        """Makes one update, from `accumulate` batches."""
        self.model.train()
        batches = own_batches(self.stream, self.config.accumulate, self.workers)
        self.progress.step += 1
        result = self.step(batches, self.schedule.rate(self.progress.step), update=self.progress.step)
        self.meter.add(result.loss, result.nll, result.norm, result.num_tokens)
        self.broken.add(self.progress.step, batches, result.norm)

    def _report(self) -> None:
        self._check_finite()
        loss, nll = self.meter.means()
        seconds, step = self.meter.seconds(), self.progress.step
        elapsed = self.stopwatch.elapsed()
        self.limit.record_pace(self.meter.steps, seconds)
        self._revise(elapsed)
        remaining = (self.limit.steps - step) * max(elapsed / max(1, step), seconds / max(1, self.meter.steps))
        remaining = min(remaining, max(0.0, self.limit.budget - elapsed))
        report = StepReport(
            step=step,
            steps=self.limit.steps,
            epoch=self.stream.epoch,
            loss=loss,
            nll=nll,
            gradient_norm=float(self.meter.norm),
            learning_rate=self.schedule.rate(step),
            tokens_per_second=self.meter.tokens / seconds,
            elapsed=elapsed,
            remaining=remaining,
        )
        self.meter.reset()
        self.reporter.on_step(report)

    def _revise(self, elapsed: float) -> None:
        """Changes the plan if the pace requires it, and reports that."""
        message = self.limit.revise(self.progress, elapsed, self.schedule)
        if message:
            self.reporter.on_message(message)

    def _check_finite(self) -> None:
        self.broken.write()
        broken = int(self.updater.num_broken_in_a_row)
        if broken >= MAX_BROKEN_STEPS:
            raise ConfigError(_divergence_message(broken, self.progress.step, self.config.learning_rate))

    def _validate(self) -> None:
        self._check_finite()
        self.limit.record_pace(self.meter.steps, self.meter.seconds())
        start = self.stopwatch.elapsed()
        make_model_equal(self.workers, self.model, self.updater, self.reporter.on_message)
        validation = self.validator(self.model.eval(), check=self.agreement.check)
        self.agreement.update()
        end = self.stopwatch.elapsed()
        self.progress.validation_seconds = end - start
        score = validation.score(self.config.metric)
        best = self.progress.record_score(score)
        self.schedule.observe(score)
        self._revise(end)
        add = partial(self.checkpoints.add, self.progress.step, validation, self.config.metric)
        in_first(self.workers, self.checkpoints, partial(add, own_tensors(self.model)))
        # Before the state is saved: a training that is killed between the two validates and reports again.
        self.reporter.on_validation(self.progress.step, validation, best=best)
        self._save()
        in_first(self.workers, self.checkpoints, self.checkpoints.prune)
        self.meter.reset()

    def _save(self) -> None:
        """Saves the state, and before it the batches that were skipped since the last save."""
        self.broken.write()
        in_first(self.workers, self.checkpoints, self.saver.save)
        self.saver.restart()
        self.agreement.update()

    def _save_if_due(self, seconds: float) -> None:
        """Saves the state by time; `seconds` are those of the meter. The time it takes is not that of steps."""
        if self.saver.is_due(self.meter.start + seconds):
            with self.meter.paused():
                self._save()

    def _restore(self) -> bool:
        """Restores the saved state; returns whether its limits were different."""
        restored = self.saver.restore()
        check_same_step(self.workers, self.progress.step, self.checkpoints)
        for note in restored.notes:
            self.reporter.on_message(note)
        return restored.limits_changed


def _patience_message(progress: Progress, config: ResolvedTrainConfig) -> str:
    return (
        f"the last {progress.waited} validations did not improve {config.metric} (train.patience = {config.patience}): "
        f"training ended early, at step {progress.step:,}"
    )


def _divergence_message(broken: int, step: int, rate: float) -> str:
    return (
        f"the gradients of {broken} consecutive steps, up to step {step}, were infinite or NaN: set a smaller "
        f'train.learning_rate (it is {rate:g}), a longer train.warmup, or train.precision = "float32"'
    )
