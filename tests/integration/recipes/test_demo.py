"""The demonstration with a tiny corpus and model: it takes seconds and learns nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from regard.config.load import load_config
from regard.evaluate.scores import corpus_bleu
from regard.recipes import demo
from regard.recipes.demo import SENTENCE, run_demo
from regard.store import load_model
from regard.text.readers import read_lines
from regard.train.console import format_duration
from regard.train.interrupt import Interrupt, Interrupted
from regard.train.reporter import StepReport, TrainingPlan, Validation
from regard.translation.loading import load

SMALL = [
    "subword.vocab_size=400",
    "model.embed_size=8",
    "model.hidden_size=12",
    "train.steps=4",
    "train.validate_every=2",
    "train.validate_sentences=4",
    "train.batch_tokens=128",
    "train.threads=1",
    "train.tensorboard=false",
    "search.beam=1",
]


class RecordingReporter:
    """A reporter that records messages, and can stop the training at the first validation."""

    def __init__(self, stop: bool = False) -> None:
        self.stop = stop
        self.interrupt = Interrupt()
        self.messages: list[str] = []
        self.first_step = -1
        self.steps: list[int] = []

    def on_start(self, plan: TrainingPlan) -> None:
        self.first_step = plan.first_step

    def on_step(self, report: StepReport) -> None:
        self.steps.append(report.step)

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        if self.stop:
            self.interrupt.request()

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None: ...


def test_the_whole_demonstration(tmp_path: Path) -> None:
    stream, reporter = io.StringIO(), RecordingReporter(stop=True)
    console = Console(file=stream, width=100)
    with pytest.raises(Interrupted):
        run_demo(tmp_path, pairs=60, overrides=SMALL, console=console, reporter=reporter, interrupt=reporter.interrupt)
    assert any(f"regard demo --out {tmp_path}" in message for message in reporter.messages)

    reporter = RecordingReporter()
    result = run_demo(tmp_path, pairs=60, overrides=SMALL, console=console, reporter=reporter)
    assert reporter.first_step == 2  # it resumed where it was stopped
    corpus, output = tmp_path / "corpus", stream.getvalue()
    assert len(list(read_lines(corpus / "train.en"))) == 60
    assert load_model(result.model).config.preset == "demo"
    translator = load(result.model)
    translations = [result.text for result in translator.translate(list(read_lines(corpus / "test.en")))]
    assert result.bleu == pytest.approx(corpus_bleu(translations, list(read_lines(corpus / "test.fr"))))
    assert 0.0 <= result.aer <= 1.0
    assert result.translation == translator.translate(SENTENCE)[0].text
    assert f"alignment error rate {result.aer:.3f}" in output
    assert SENTENCE in output
    assert "Try next:" in output
    assert "<html" in (tmp_path / "attention.html").read_text()
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")
    as_json = json.loads(json.dumps(result.to_dict()))
    assert list(as_json) == ["bleu", "aer", "translation", "train_seconds", "model"]
    assert as_json["model"] == str(tmp_path / "model")


def test_the_error_rate_is_computed_on_the_references(tmp_path: Path) -> None:
    class Perfect:
        """Translates and aligns exactly as in the files."""

        def translate(self, sentences: Sequence[str]) -> list[SimpleNamespace]:
            return [SimpleNamespace(text=line) for line in read_lines(tmp_path / "test.fr")]

        def score(self, sources: Sequence[str], targets: Sequence[str]) -> list[SimpleNamespace]:
            assert targets == ["a b", "c"]
            return [SimpleNamespace(alignment=links) for links in (((0, 1), (1, 0)), ((0, 0),))]

    for name, text in (("en", "x y\nz\n"), ("fr", "a b\nc\n"), ("align", "0-1 1-0\n0-0\n")):
        (tmp_path / f"test.{name}").write_text(text)
    bleu, aer = demo._score(Perfect(), tmp_path)  # type: ignore[arg-type]
    assert aer == 0.0
    assert bleu >= 0.0


def test_without_matplotlib_there_is_only_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert demo._picture(None, tmp_path / "attention.png") == []  # type: ignore[arg-type]


def test_the_preset_has_no_time_limit() -> None:
    assert load_config(preset="demo").train.max_minutes is None


def test_the_remaining_time_is_reported_once_some_steps_were_timed() -> None:
    reporter = RecordingReporter()
    estimate = demo._TimeEstimate(reporter)
    estimate.on_start(TrainingPlan(1, 2, 100, 20, 50, "here", None))
    for step, seconds in ((20 + demo.TIMED_STEPS - 1, 500.0), (40, 120.0), (60, 80.0)):
        estimate.on_step(StepReport(step, 100, 0.1, 2.0, 2.0, 1.0, 1e-3, 100.0, 5.0, seconds))
    (message,) = reporter.messages
    assert message == (
        f"A step takes 2.00 seconds here: the demonstration will be finished in about {format_duration(132.0)} minutes"
    )
    assert reporter.steps == [24, 40, 60]
