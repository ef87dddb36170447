"""Curves in TensorBoard's event files."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.train.reporter import Sample, StepReport, TrainingPlan, Validation

pytest.importorskip("tensorboard", reason="needs tensorboard: install regard[plot]")


def test_curves_and_samples(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from regard.train.tensorboard import TensorBoardReporter

    reporter = TensorBoardReporter(lambda: tmp_path)
    reporter.on_step(StepReport(1, 3, 0.5, 9.0, 9.0, 1.0, 1e-3, 100.0, 1.0, 2.0))  # before the start: ignored
    reporter.on_start(TrainingPlan(1, 2, 3, 0, 1, "here", None))
    reporter.on_step(StepReport(7, 3, 0.5, 2.0, 1.75, 1.0, 1e-3, 100.0, 1.0, 2.0))
    reporter.on_validation(7, Validation(2.0, 1.5, 30.0, None, (Sample("a", "b", "c"),)), best=True)
    reporter.on_message("not a curve")
    reporter.on_end()
    reporter.on_end()
    events = EventAccumulator(str(tmp_path)).Reload()
    tags = events.Tags()
    assert set(tags["scalars"]) == {
        "train/loss",
        "train/nll",
        "train/gradient_norm",
        "train/learning_rate",
        "speed/target_tokens_per_second",
        "validation/loss",
        "validation/nll",
        "validation/bleu",
    }
    (point,) = events.Scalars("train/nll")
    assert (point.step, point.value) == (7, 1.75)
    assert tags["tensors"] == ["validation/sample0/text_summary"]
