"""Records the progress of a run's training in a file, for the lab's progress lines and for the report."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from regard.errors import CheckpointError
from regard.files.atomic import write_text
from regard.files.json_text import validation_messages
from regard.files.printable import printable
from regard.store.sealed_json import read_sealed
from regard.train.reporter import StepReport, TrainingPlan, Validation

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""Settings by which pydantic checks the files in a lab's directory against their dataclasses."""
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
_MAX_BYTES = 1 << 26
_CURE = "remove it, and `regard lab run` continues without it"


@dataclass(frozen=True)
class ValidationPoint:
    """Scores of one validation during a run's training.

    Attributes:
        step: Number of updates before the validation.
        seconds: Approximate training time before the validation, in seconds.
        nll: Negative log-likelihood, in nats per target token; None if it was not finite.
        bleu: BLEU of greedy translations of validation sentences, 0-100; None if nothing was translated.
        entropy: Mean entropy of the attention, in nats per target token; None without attention.
        sharpness: Mean over target tokens of the attention's sharpness, 1 - entropy / ln S for source length S: 0 if
            all source positions have the same weight, 1 if one has all; None without attention.
    """

    __pydantic_config__ = STRICT
    step: Count
    seconds: Amount
    nll: Amount | None
    bleu: Annotated[float, Field(ge=0, le=101)] | None
    entropy: float | None
    sharpness: float | None


@dataclass
class Record:
    """Progress of a run's training so far.

    Attributes:
        num_parameters: Number of trained parameters.
        step: Number of updates done.
        steps: Planned number of updates in total.
        elapsed: Seconds of training so far.
        remaining: Estimated seconds until the end of training; None without an estimate.
        epochs_a_step: Passes through the corpus per update; None before the first progress report.
        loss: Label-smoothed loss in the last progress report, in nats per target token.
        speeds: Target tokens per second without padding, each value measured over about a second.
        peak_memory: Peak memory in bytes, of all processes that have trained this run.
        points: Results of the validations so far.
    """

    __pydantic_config__ = STRICT
    num_parameters: Count = 0
    step: Count = 0
    steps: Count = 0
    elapsed: Amount = 0.0
    remaining: Amount | None = None
    epochs_a_step: Amount | None = None
    loss: float | None = None
    speeds: list[Amount] = field(default_factory=list)
    peak_memory: Count = 0
    points: list[ValidationPoint] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float | None:
        """Median of the measured speeds, in target tokens per second; None before the first measurement."""
        return median(self.speeds) if self.speeds else None


def read_record(path: Path) -> Record:
    """Reads the file that a `Recorder` wrote.

    Args:
        path: Path of the file.

    Returns:
        The progress in the file; an empty `Record` if the file does not exist.

    Raises:
        CheckpointError: The file is damaged.
    """
    if not os.path.lexists(path):
        return Record()
    tree = read_sealed(path, max_bytes=_MAX_BYTES, remedy=_CURE)
    try:
        return _RECORD.validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise CheckpointError(f"{path}: damaged: {validation_messages(error)[0]}: {_CURE}") from None


_RECORD = TypeAdapter(Record)


class Recorder:
    """Reporter that stores the progress of a training in a file, as a `Record`.

    Args:
        path: Path of the file; if it exists, the stored progress is continued.
        on_report: Function called after each progress report was stored.
        clock: Function that returns the time in seconds, such as `time.monotonic`.
    """

    def __init__(
        self, path: Path, *, on_report: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path, self.on_report, self.clock = path, on_report, clock
        self.record = read_record(path)
        self.last_report = clock()

    def on_start(self, plan: TrainingPlan) -> None:
        """Writes the numbers of parameters and of training steps to the file. See `Reporter.on_start`.

        When a training is resumed from an earlier step, the stored validations after this step are dropped.
        """
        record = self.record
        record.num_parameters, record.steps, record.step = plan.num_parameters, plan.steps, plan.first_step
        record.points = [point for point in record.points if point.step <= plan.first_step]
        self._set_elapsed(record.points[-1].seconds if record.points else 0.0)
        self._write()

    def on_step(self, report: StepReport) -> None:
        """Writes step, loss, speed and remaining time to the file. See `Reporter.on_step`."""
        record = self.record
        record.step, record.steps = report.step, report.steps
        record.loss, record.remaining = _finite_or_none(report.loss), _finite_or_none(report.remaining)
        record.epochs_a_step = report.epoch / max(1, report.step)
        record.speeds.append(round(report.tokens_per_second, 1))
        self._set_elapsed(report.elapsed)
        self._write()
        self.on_report()

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """Stores the scores of a validation. See `Reporter.on_validation`."""
        seconds = self.record.elapsed + self.clock() - self.last_report
        self.record.step = step
        self.record.points.append(
            ValidationPoint(
                step,
                seconds,
                _finite_or_none(validation.nll),
                _finite_or_none(validation.bleu),
                _finite_or_none(validation.entropy),
                _finite_or_none(validation.sharpness),
            )
        )
        self._write()

    def on_message(self, text: str) -> None:
        """Writes a message to standard error, which the lab redirects to the run's log. See `Reporter.on_message`."""
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201

    def on_end(self) -> None:
        """Writes the record of the training's progress to the file when the training ends. See `Reporter.on_end`."""
        self._write()

    def _set_elapsed(self, elapsed: float) -> None:
        self.record.elapsed, self.last_report = elapsed, self.clock()

    def _write(self) -> None:
        self.record.peak_memory = max(self.record.peak_memory, peak_memory())
        text = json.dumps(asdict(self.record), allow_nan=False)
        write_text(self.path, text)


def _finite_or_none(number: float | None) -> float | None:
    """None in place of NaN or infinity, which JSON cannot express."""
    return number if number is not None and isfinite(number) else None


def peak_memory() -> int:
    """Peak memory of this process in bytes: GPU memory if a GPU is used, else resident memory; 0 if unknown."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return 0  # it has no `resource` module
    import resource

    maximum = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes on macOS, in KiB elsewhere
    return maximum if sys.platform == "darwin" else maximum * 1024
