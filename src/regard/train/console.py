"""Shows the progress of a training on standard error: a progress bar in a terminal, lines in a log file."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import exp

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from regard.files.printable import printable
from regard.train.reporter import StepReport, TrainingPlan, Validation

LOG_SECONDS = 15.0
"""Seconds between two lines of a log."""


def format_duration(seconds: float) -> str:
    """Formats a duration as minutes and seconds, or hours, minutes and seconds.

    >>> format_duration(75.2), format_duration(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ConsoleReporter:
    """Reporter that shows a progress bar in a terminal, and elsewhere writes lines.

    Without a terminal, the first line is written with the first report, about a second after the start of the training;
    later lines follow every 15 seconds.

    Args:
        console: Console to write to; standard error by default.
        clock: Function that returns the time in seconds, from any origin.
    """

    def __init__(self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console or Console(stderr=True)
        self.clock = clock
        self.progress: Progress | None = None
        self.task = TaskID(0)
        self.logged = float("-inf")  # time of the last line; the first report is written at once

    def on_start(self, plan: TrainingPlan) -> None:
        """Writes how many parameters, sentence pairs and steps the training has, and starts the progress bar."""
        limit = f", at most {plan.max_minutes:g} minutes" if plan.max_minutes else ""
        self._print(
            f"{plan.num_parameters:,} parameters, {plan.num_sentences:,} sentence pairs, {plan.steps:,} steps{limit}; "
            f"validation every {plan.validate_every:,} steps; checkpoints go to {plan.directory}"
        )
        if plan.first_step:
            self._print(f"resuming after step {plan.first_step:,}")
        if self.console.is_terminal:
            self.progress = Progress(
                TextColumn("[bold]training"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[numbers]}"),
                console=self.console,
                transient=True,
            )
            self.task = self.progress.add_task("", total=plan.steps, completed=plan.first_step, numbers="")
            self.progress.start()

    def on_step(self, report: StepReport) -> None:
        """Updates the progress bar; without a terminal, writes a line of progress at most every 15 seconds."""
        numbers = (
            f"loss {report.loss:.3f}  lr {report.learning_rate:.1e}  {report.tokens_per_second:,.0f} tok/s  "
            f"{format_duration(report.elapsed)} elapsed, {format_duration(report.remaining)} left"
        )
        if self.progress:
            self.progress.update(self.task, completed=report.step, total=report.steps, numbers=numbers)
        elif self.clock() - self.logged >= LOG_SECONDS:
            self.logged = self.clock()
            self._print(f"step {report.step:,}/{report.steps:,}  epoch {report.epoch:.2f}  {numbers}")

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        """Writes the validation scores and one sample translation. See `Reporter.on_validation`."""
        scores = f"loss {validation.loss:.3f}  perplexity {exp(min(validation.nll, 50.0)):.2f}"
        for name, value in (("BLEU", validation.bleu), ("chrF", validation.chrf)):
            scores += "" if value is None else f"  {name} {value:.1f}"
        self._print(f"step {step:,}  validation  {scores}  ({validation.seconds:.1f} s){'  best' if best else ''}")
        for language, bleu, chrf in validation.by_language:
            self._print(f"    to {language}: BLEU {bleu:.1f}  chrF {chrf:.1f}")
        if validation.samples:
            # Another sentence each time, so that the user sees several.
            sample = validation.samples[step % len(validation.samples)]
            self._print(f"    {sample.src}\n    -> {sample.translation}\n     ({sample.reference})")
        self.logged = self.clock()

    def on_message(self, text: str) -> None:
        """Writes the message on a line of its own."""
        self._print(text)

    def on_end(self) -> None:
        """Removes the progress bar."""
        if self.progress:
            self.progress.stop()
            self.progress = None

    def _print(self, text: str) -> None:
        self.console.print(escape(printable(text)), highlight=False, emoji=False, soft_wrap=True)
