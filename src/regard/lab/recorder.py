"""What a cell's training tells of itself, kept in files: for the progress of the lab, and for the report."""

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
"""How what lies in a lab's directory is checked against its dataclasses."""
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
_LARGEST = 1 << 26
_CURE = "remove it, and `regard lab run` goes on without it"


@dataclass(frozen=True)
class Point:
    """One validation.

    Attributes:
        step: Updates done.
        seconds: Of training, about.
        nll: Nats a target token; None where they are too many to count.
        bleu: Of greedy translations of validation sentences.
        entropy: Of attention, nats a target token; None without any.
        sharpness: Of attention, from 0 to 1; None without any.
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
    """What is known of a cell's training so far.

    Attributes:
        num_parameters: Trained numbers.
        step: Updates done.
        steps: Updates planned.
        elapsed: Seconds of training so far.
        remaining: Seconds that it will still take, estimated.
        epochs_a_step: Passes through the corpus that an update makes; None before the first report.
        loss: Of the last report, nats a target token.
        speeds: Real target tokens a second, each over a second or so.
        peak_memory: Bytes that the process held at most, over all sessions.
        points: Its validations.
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
    points: list[Point] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float | None:
        """The middle one of the speeds, which a pause of the machine does not move."""
        return median(self.speeds) if self.speeds else None


def read_record(path: Path) -> Record:
    """Reads what a `Recorder` wrote.

    Args:
        path: Its file.

    Returns:
        The record, an empty one where there is no file.

    Raises:
        CheckpointError: It is damaged.
    """
    if not os.path.lexists(path):
        return Record()
    tree = read_sealed(path, max_bytes=_LARGEST, remedy=_CURE)
    try:
        return _RECORD.validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise CheckpointError(f"{path}: damaged: {validation_messages(error)[0]}: {_CURE}") from None


_RECORD = TypeAdapter(Record)


class Recorder:
    """A reporter that keeps a `Record` on disk.

    Args:
        path: Its file; one that is there is gone on with.
        watch: Called with each report; may stop the training by other means.
        clock: Seconds from some point on.
    """

    def __init__(
        self, path: Path, *, watch: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path, self.watch, self.clock = path, watch, clock
        self.record = read_record(path)
        self.since = clock()

    def on_start(self, plan: TrainingPlan) -> None:
        """Forgets what happened after the state that training goes on from."""
        record = self.record
        record.num_parameters, record.steps, record.step = plan.num_parameters, plan.steps, plan.first_step
        record.points = [point for point in record.points if point.step <= plan.first_step]
        self._mark(record.points[-1].seconds if record.points else 0.0)
        self._write()

    def on_step(self, report: StepReport) -> None:
        """Keeps the numbers."""
        record = self.record
        record.step, record.steps = report.step, report.steps
        record.loss, record.remaining = _known(report.loss), _known(report.remaining)
        record.epochs_a_step = report.epoch / max(1, report.step)
        record.speeds.append(round(report.tokens_per_second, 1))
        self._mark(report.elapsed)
        self._write()
        self.watch()

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """Keeps the scores; see `Reporter.on_validation`."""
        seconds = self.record.elapsed + self.clock() - self.since
        self.record.step = step
        self.record.points.append(
            Point(
                step,
                seconds,
                _known(validation.nll),
                _known(validation.bleu),
                _known(validation.entropy),
                _known(validation.sharpness),
            )
        )
        self._write()

    def on_message(self, text: str) -> None:
        """Goes to standard error, which is the cell's log."""
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201

    def on_end(self) -> None:
        """Writes all once more."""
        self._write()

    def _mark(self, elapsed: float) -> None:
        self.record.elapsed, self.since = elapsed, self.clock()

    def _write(self) -> None:
        self.record.peak_memory = max(self.record.peak_memory, peak_memory())
        text = json.dumps(asdict(self.record), allow_nan=False)
        write_text(self.path, text)


def _known(number: float | None) -> float | None:
    """None where a training that went astray has no number: JSON has no word for it."""
    return number if number is not None and isfinite(number) else None


def peak_memory() -> int:
    """Bytes that this process has held at most: of the GPU where one is used, else resident memory; 0 = unknown."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return 0  # it does not tell
    import resource

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024
