"""Curves of a training for TensorBoard, if it is installed (extra `plot`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from regard.files.paths import error_reason
from regard.train.reporter import StepReport, TrainingPlan, Validation


class TensorBoardReporter:
    """Reporter that writes losses, learning rates and validation scores to TensorBoard event files.

    If the disk is full, nothing more is written, and the training continues.

    Args:
        directory: Function that returns the present directory of the files, which may be moved during the training.
        warn: Called with a message for the user if the files can no longer be written.
    """

    def __init__(self, directory: Callable[[], Path], *, warn: Callable[[str], None] = lambda _: None) -> None:
        self.directory = directory
        self.warn = warn
        self.writer: SummaryWriter | None = None
        self.opened_directory = Path()

    def on_start(self, plan: TrainingPlan) -> None:
        """Opens the event files; TensorBoard hides points that an interrupted run wrote after its last saved step."""
        with self._unless_full():
            self._open(plan.first_step)

    def on_step(self, report: StepReport) -> None:
        """Writes loss, gradient norm, learning rate and speed."""
        self._write(
            report.step,
            {
                "train/loss": report.loss,
                "train/nll": report.nll,
                "train/gradient_norm": report.gradient_norm,
                "train/learning_rate": report.learning_rate,
                "speed/target_tokens_per_second": report.tokens_per_second,
            },
        )

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """Writes validation scores and attention measures, and sample translations as text.

        See `Reporter.on_validation`.
        """
        scores = {"loss": validation.loss, "nll": validation.nll, "bleu": validation.bleu, "chrf": validation.chrf}
        self._write(step, {f"validation/{name}": value for name, value in scores.items() if value is not None})
        spread = {"entropy": validation.entropy, "sharpness": validation.sharpness}
        self._write(step, {f"attention/{name}": value for name, value in spread.items() if value is not None})
        texts = [f"{sample.src}\n\n{sample.translation}\n\n({sample.reference})" for sample in validation.samples]
        self._write(step, {f"validation/sample{number}": text for number, text in enumerate(texts)})

    def on_message(self, text: str) -> None:
        """Does nothing: messages for the user are not written to TensorBoard."""

    def on_end(self) -> None:
        """Closes the event files."""
        writer, self.writer = self.writer, None
        if writer:
            with suppress(OSError):  # missing data was reported before, or is little
                writer.close()

    def _open(self, first_step: int | None) -> None:
        self.opened_directory = self.directory()
        self.writer = SummaryWriter(str(self.opened_directory), purge_step=first_step)

    def _write(self, step: int, values: Mapping[str, float | str]) -> None:
        with self._unless_full():
            if self.writer and self.directory() != self.opened_directory:  # this training replaced another one
                self.on_end()
                self._open(None)
            if self.writer:
                for name, value in values.items():
                    add = self.writer.add_text if isinstance(value, str) else self.writer.add_scalar
                    add(name, value, step)
                self.writer.flush()  # the file is opened by its name, which may change soon

    @contextmanager
    def _unless_full(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.on_end()
            reason = error_reason(error)
            self.warn(f"{self.opened_directory}: no more curves are written: {reason}; the training continues")
