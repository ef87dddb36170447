"""Progress output: a bar in a terminal, lines in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from regard.train.console import LOG_SECONDS, ConsoleReporter
from regard.train.reporter import Sample, StepReport, TrainingPlan, Validation

PLAN = TrainingPlan(1_234_567, 20_000, 3000, 0, 150, "out/training", 3.5)
SAMPLES = (Sample("How are [you]?", "Comment vas-tu ?", "Ça va ?"), Sample("Hello.", "Bonjour.", "Salut."))
VALIDATION = Validation(2.0, 1.0, 31.44, 52.0, SAMPLES, 4.2)


def report(step: int) -> StepReport:
    return StepReport(step, 3000, 1.5, 3.21, 2.9, 0.7, 5e-4, 12_345.0, 61.0, 3700.0)


def written(*, terminal: bool) -> tuple[ConsoleReporter, io.StringIO, list[float]]:
    stream, now = io.StringIO(), [0.0]
    console = Console(file=stream, force_terminal=terminal, width=120, color_system=None)
    return ConsoleReporter(console, clock=lambda: now[0]), stream, now


def test_a_log_has_a_line_every_few_seconds() -> None:
    reporter, stream, now = written(terminal=False)
    reporter.on_start(PLAN)
    reporter.on_step(report(10))
    now[0] = LOG_SECONDS
    reporter.on_step(report(20))
    reporter.on_step(report(30))
    reporter.on_end()
    first, at_once, second = stream.getvalue().splitlines()
    assert first == (
        "1,234,567 parameters, 20,000 sentence pairs, 3,000 steps, at most 3.5 minutes; validation every 150 steps; "
        "checkpoints go to out/training"
    )
    assert at_once.startswith("step 10/3,000")
    assert second == ("step 20/3,000  epoch 1.50  loss 3.210  lr 5.0e-04  12,345 tok/s  1:01 elapsed, 1:01:40 left")


def test_validations_show_scores_and_a_translation() -> None:
    reporter, stream, _ = written(terminal=False)
    reporter.on_validation(150, VALIDATION, best=True)
    reporter.on_validation(151, Validation(2.0, 1000.0), best=False)
    assert stream.getvalue().splitlines() == [
        "step 150  validation  loss 2.000  perplexity 2.72  BLEU 31.4  chrF 52.0  (4.2 s)  best",
        "    How are [you]?",
        "    -> Comment vas-tu ?",
        "     (Ça va ?)",
        "step 151  validation  loss 2.000  perplexity 5184705528587072045056.00  (0.0 s)",
    ]


def test_a_training_that_resumes_says_so() -> None:
    reporter, stream, _ = written(terminal=False)
    reporter.on_start(TrainingPlan(1, 2, 3000, 700, 150, "out", None))
    assert "resuming after step 700" in stream.getvalue()
    assert "minutes" not in stream.getvalue()


def test_a_terminal_has_a_bar_that_is_removed_at_the_end() -> None:
    reporter, stream, _ = written(terminal=True)
    reporter.on_start(PLAN)
    reporter.on_step(report(1500))
    assert reporter.progress is not None
    assert reporter.progress.tasks[0].completed == 1500
    assert reporter.progress.tasks[0].total == 3000
    reporter.progress.refresh()
    reporter.on_message("a [word] :cat:")
    reporter.on_end()
    reporter.on_end()
    assert "12,345 tok/s" in stream.getvalue()
    assert "a [word] :cat:" in stream.getvalue()
    assert reporter.progress is None


def test_output_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleReporter().on_message("hello")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hello\n")


def test_the_total_is_that_of_the_last_report() -> None:
    reporter, stream, now = written(terminal=False)
    reporter.on_start(PLAN)
    now[0] = LOG_SECONDS
    reporter.on_step(StepReport(20, 700, 1.5, 3.21, 2.9, 0.7, 5e-4, 12_345.0, 61.0, 370.0))
    assert "step 20/700" in stream.getvalue()
    bar, _, _ = written(terminal=True)
    bar.on_start(PLAN)
    bar.on_step(StepReport(20, 700, 1.5, 3.21, 2.9, 0.7, 5e-4, 12_345.0, 61.0, 370.0))
    assert bar.progress is not None
    assert bar.progress.tasks[0].total == 700
    bar.on_end()
