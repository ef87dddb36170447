"""Curves of a training for TensorBoard, where it is installed (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from regard.train.reporter import StepReport, TrainingPlan, Validation


class TensorBoardReporter:
    """Writes losses, rates and validation scores as event files.

    Args:
        directory: Where they go: `tensorboard --logdir` of it shows them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writer: SummaryWriter | None = None

    def on_start(self, plan: TrainingPlan) -> None:
        """Opens the files; what an interrupted run wrote beyond its saved step is hidden."""
        self.writer = SummaryWriter(str(self.directory), purge_step=plan.first_step)

    def on_step(self, report: StepReport) -> None:
        """Training curves."""
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
        """Validation curves, and a translation as text; see `Reporter.on_validation`."""
        scores = {"loss": validation.loss, "nll": validation.nll, "bleu": validation.bleu, "chrf": validation.chrf}
        self._write(step, {f"validation/{name}": value for name, value in scores.items() if value is not None})
        spread = {"entropy": validation.entropy, "sharpness": validation.sharpness}
        self._write(step, {f"attention/{name}": value for name, value in spread.items() if value is not None})
        if self.writer:
            for number, sample in enumerate(validation.samples):
                text = f"{sample.src}\n\n{sample.translation}\n\n({sample.reference})"
                self.writer.add_text(f"validation/sample{number}", text, step)

    def on_message(self, text: str) -> None:
        """Messages are not for curves."""

    def on_end(self) -> None:
        """Closes the files."""
        if self.writer:
            self.writer.close()
            self.writer = None

    def _write(self, step: int, values: dict[str, float]) -> None:
        if self.writer:
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)
