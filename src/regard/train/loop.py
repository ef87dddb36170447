"""The training loop: steps, validations, checkpoints, an end, and exact continuation after an interruption."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, cast

from torch import Tensor

from regard.config.schema import TrainConfig
from regard.errors import CheckpointError, ConfigError
from regard.model.seq2seq import Seq2Seq
from regard.store.checkpoint import Plain, load_state
from regard.store.weights import copy_tensors, own_tensors
from regard.train.average import average_states
from regard.train.checkpoints import Checkpoint, CheckpointDirectory
from regard.train.guided import GuidedAttention
from regard.train.interrupt import Interrupt, Interrupted
from regard.train.limit import TimeLimit
from regard.train.optimizer import Updater
from regard.train.precision import Precision
from regard.train.progress import Meter, Progress, Stopwatch
from regard.train.reporter import Reporter, StepReport, TrainingPlan, Validation
from regard.train.schedule import build_schedule
from regard.train.state import fitting, restore_tensors, state_tensors
from regard.train.step import TrainingStep
from regard.train.validation import Validator
from regard.values import Batch

REPORT_SECONDS = 1.0
MAX_BROKEN_STEPS = 20
"""So many steps in a row without finite gradients, and training gives up."""


class Stream(Protocol):
    """Batches without end, from a place that can be remembered."""

    @property
    def epoch(self) -> float:
        """Passes through the corpus."""
        ...

    def state(self) -> dict[str, int]:
        """Where the stream is."""
        ...

    def restore(self, state: dict[str, int]) -> None:
        """Goes to where a stream was."""
        ...

    def __iter__(self) -> Iterator[Batch]:
        """The stream itself."""
        ...

    def __next__(self) -> Batch:
        """The next batch."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a training ended; the model holds the chosen weights.

    Attributes:
        step: Updates done.
        seconds: Of training, over all sessions.
        interrupted: Whether it can be gone on with; then nothing was chosen and the last two are None.
        num_skipped: Updates left out because gradients were not finite.
        chosen: What the weights are: the best checkpoint's, or an average.
        validation: Of the chosen weights.
        full_seconds: That all steps would have taken, about, where `max_minutes` ended training before; else None.
    """

    step: int
    seconds: float
    interrupted: bool
    num_skipped: int
    chosen: str | None = None
    validation: Validation | None = None
    full_seconds: float | None = None


class Trainer:
    """Trains a model as configured.

    Args:
        model: To be trained, on its device.
        stream: Training batches.
        validator: Judges the model now and then.
        config: The `[train]` section, complete: `steps` and `validate_every` are numbers.
        directory: Where checkpoints and the state for `resume` are kept.
        precision: Numbers of the matrix products.
        reporter: Hears of it.
        clock: Seconds from some point on.
    """

    def __init__(
        self,
        model: Seq2Seq,
        stream: Stream,
        validator: Validator,
        *,
        config: TrainConfig,
        directory: Path,
        precision: Precision,
        reporter: Reporter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if config.steps is None or config.validate_every is None:
            raise ConfigError("train.steps and train.validate_every must be numbers here: see regard.config.derive")
        self.model, self.stream, self.validator = model, stream, validator
        self.config, self.precision, self.reporter = config, precision, reporter
        self.validate_every = config.validate_every
        self.device = str(model.output_weight.device)
        self.folder = CheckpointDirectory(directory, keep=config.keep, prefer=config.average)
        self.updater = Updater(model, betas=config.betas, weight_decay=config.weight_decay, clip_norm=config.clip_norm)
        self.step = TrainingStep(
            model, self.updater, precision, label_smoothing=config.label_smoothing, guided=GuidedAttention.of(config)
        )
        self.schedule = build_schedule(config, config.steps)
        self.limit = TimeLimit(config)
        self.progress = Progress()
        self.stopwatch = Stopwatch(clock)
        self.meter = Meter(self.device, clock)

    def run(self, *, num_sentences: int = 0, resume: bool = False, interrupt: Interrupt | None = None) -> Outcome:
        """Trains to the end, or to an interruption.

        Args:
            num_sentences: Of the corpus, for the report.
            resume: Whether to go on from the saved state.
            interrupt: The user's wish to stop.

        Returns:
            How it ended.

        Raises:
            CheckpointError: When there is no state to resume from, or it is of another model.
            ConfigError: When gradients stay infinite or NaN.
        """
        interrupt = interrupt or Interrupt()
        anew = resume and self._restore()
        self.reporter.on_start(self._plan(num_sentences))
        if anew:
            self.reporter.on_message(self.limit.start_message(self.schedule.rate(self.progress.step + 1)))
        self.meter.begin()
        try:
            self._train(interrupt)
            chosen, validation = self._choose(interrupt)
        except Interrupted:
            return self._outcome(interrupted=True)
        finally:
            self.reporter.on_end()
        outcome = self._outcome(interrupted=False, chosen=chosen, validation=validation)
        if self._tired and outcome.step < self.limit.most:
            self.reporter.on_message(_ended_early(self.progress, self.config))
        if outcome.full_seconds is not None:
            self.reporter.on_message(self.limit.end_message(outcome.step, outcome.full_seconds))
        return outcome

    def _train(self, interrupt: Interrupt) -> None:
        try:
            while not self._validated_to_the_end(interrupt):
                interrupt.check()
                self._advance()
                seconds = self.meter.seconds()
                if seconds >= REPORT_SECONDS or self.limit.needs_check(self.meter.steps, seconds, self.progress.step):
                    self._report()
        except Interrupted:
            self._save()
            raise

    def _plan(self, num_sentences: int) -> TrainingPlan:
        return TrainingPlan(
            num_parameters=sum(weight.numel() for weight in self.updater.named.values()),
            num_sentences=num_sentences,
            steps=self.limit.steps,
            first_step=self.progress.step,
            validate_every=self.validate_every,
            directory=str(self.folder.destination),
            max_minutes=self.config.max_minutes,
        )

    def _outcome(self, interrupted: bool, chosen: str | None = None, validation: Validation | None = None) -> Outcome:
        skipped, elapsed = int(self.updater.num_skipped), self.stopwatch.elapsed()
        cut = not (interrupted or self._tired or self.progress.step >= self.limit.most)
        full = self.limit.full_time(self.progress, elapsed) if cut else None
        return Outcome(self.progress.step, elapsed, interrupted, skipped, chosen, validation, full)

    @property
    def _tired(self) -> bool:
        return 0 < self.config.patience <= self.progress.waited

    def _over(self) -> bool:
        return (
            self.progress.step >= self.limit.steps
            or self._tired
            or self.limit.is_up(self.progress, self.stopwatch.elapsed())
        )

    def _validated_to_the_end(self, interrupt: Interrupt) -> bool:
        """Validates where it is time; True once training is over and its last weights are validated."""
        over = self._over()
        due = over or self.progress.step % self.validate_every == 0
        if due and self.progress.validated < self.progress.step:
            self._validate(interrupt)
            return self._over()
        return over

    def _advance(self) -> None:
        """One update, from `accumulate` batches."""
        self.model.train()
        batches = [next(self.stream) for _ in range(self.config.accumulate)]
        self.progress.step += 1
        taken = self.step(batches, self.schedule.rate(self.progress.step))
        self.meter.add(taken.loss, taken.nll, taken.norm, taken.num_tokens)

    def _report(self) -> None:
        self._check_finite()
        loss, nll = self.meter.means()
        seconds, step = self.meter.seconds(), self.progress.step
        elapsed = self.stopwatch.elapsed()
        self.limit.note(self.meter.steps, seconds)
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
        self.meter.begin()
        self.reporter.on_step(report)

    def _revise(self, elapsed: float) -> None:
        """Plans anew where the pace asks for it, and tells the user."""
        note = self.limit.revise(self.progress, elapsed, self.schedule)
        if note:
            self.reporter.on_message(note)

    def _check_finite(self) -> None:
        broken = int(self.updater.num_broken_in_a_row)
        if broken >= MAX_BROKEN_STEPS:
            raise ConfigError(_diverged(broken, self.progress.step, self.config.learning_rate))

    def _validate(self, interrupt: Interrupt) -> None:
        self._check_finite()
        self.limit.note(self.meter.steps, self.meter.seconds())
        begun = self.stopwatch.elapsed()
        validation = self.validator(self.model.eval(), check=interrupt.check)
        ended = self.stopwatch.elapsed()
        self.progress.validation_seconds = ended - begun
        score = validation.score(self.config.metric)
        best = self.progress.note(score)
        self.schedule.observe(score)
        self._revise(ended)
        self.folder.add(self.progress.step, validation, self.config.metric, own_tensors(self.model))
        # Before the state is saved: a training that is killed between the two validates again, and is heard again.
        self.reporter.on_validation(self.progress.step, validation, best=best)
        self._save()
        self.folder.prune()
        self.meter.begin()

    def _choose(self, interrupt: Interrupt) -> tuple[str, Validation]:
        """Loads the better of the best checkpoint and the average into the model."""
        best, averaged = self.folder.best, self.folder.averaged()
        if best is None:
            raise AssertionError("training ends with a validation")
        if len(averaged) > 1:
            copy_tensors(self.model, average_states(self._kept(one) for one in averaged))
            validation = self.validator(self.model.eval(), check=interrupt.check)
            metric = self.config.metric
            score = validation.score(metric)
            label = f"average of {len(averaged)} checkpoints, steps {averaged[0].step} to {averaged[-1].step}"
            own, other = validation.value(metric), best.validation.value(metric)
            self.reporter.on_message(f"{label}: {metric} {own:.4g}; best single one, step {best.step}: {other:.4g}")
            if score >= best.score:
                return label, validation
        copy_tensors(self.model, self._kept(best))
        return f"checkpoint of step {best.step}", best.validation

    def _save(self) -> None:
        self.progress.elapsed = self.stopwatch.elapsed()
        scalars: dict[str, Plain] = {
            "progress": asdict(self.progress),
            "stream": {**self.stream.state()},
            "schedule": {**self.schedule.state()},
            "limit": self.limit.state(),
            "checkpoints": self.folder.state(),
        }
        self.folder.save(state_tensors(self.model, self.updater, self.device), scalars)

    def _restore(self) -> bool:
        """Goes to where the saved training was; True where its limits were other ones."""
        path = self.folder.state_path
        tensors, scalars = load_state(path)
        try:
            return self._take_up(tensors, scalars)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise CheckpointError(
                f"{path}: not the state of this training ({type(error).__name__}: {error}): start it anew, with "
                "--overwrite"
            ) from None

    def _take_up(self, tensors: dict[str, Tensor], scalars: dict[str, Plain]) -> bool:
        restore_tensors(self.folder.state_path, tensors, self.model, self.updater, self.device)
        self.progress = Progress(**cast("dict[str, int]", scalars["progress"]))
        self.stream.restore(cast("dict[str, int]", scalars["stream"]))
        self.schedule.restore(cast("dict[str, float]", scalars["schedule"]))
        self.folder.restore(scalars["checkpoints"])
        self.stopwatch.resume(self.progress.elapsed)
        if "limit" not in scalars:  # saved before limits were planned
            return False
        before = cast("dict[str, Plain]", scalars["limit"])
        return self.limit.restore(before, self.progress, self.stopwatch.elapsed(), self.schedule)

    def _kept(self, entry: Checkpoint) -> dict[str, Tensor]:
        where = f"{self.folder.directory}: the checkpoint of step {entry.step}"
        return fitting(where, self.folder.weights(entry), self.model)


def _ended_early(progress: Progress, config: TrainConfig) -> str:
    return (
        f"the last {progress.waited} validations brought no better {config.metric} (train.patience = "
        f"{config.patience}): training ended early, at step {progress.step:,}"
    )


def _diverged(broken: int, step: int, rate: float) -> str:
    return (
        f"the gradients of {broken} steps in a row were infinite or not numbers, up to step {step}: set a smaller "
        f'train.learning_rate (it is {rate:g}), a longer train.warmup, or train.precision = "float32"'
    )
