"""Workers and the scheduler: one run from start to result, in this process."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import regard.lab.measure
import regard.lab.scheduler
import regard.lab.worker
from regard.alignment.readout import Readout
from regard.errors import ConfigError
from regard.files.locks import Lock
from regard.lab.experiment import Experiment, Run, open_experiment, set_up
from regard.lab.load import dump_lab
from regard.lab.measure import find_readout, gradients, measure, typical_pairs
from regard.lab.recorder import Recorder, read_record
from regard.lab.result import read_result
from regard.lab.scheduler import run_lab
from regard.lab.schema import Lab, MeasureConfig
from regard.lab.worker import FAILED, FINISHED, TAKEN, main, train_and_measure
from regard.store import load_model
from regard.store.training_directory import TRAINING
from regard.train.reporter import StepReport, TrainingPlan, Validation
from regard.translation.aligner import ReadoutOptions
from regard.translation.loading import load
from regard.translation.result import Translation
from regard.translation.translator import Translator

OPTIONS = [
    "subword.vocab_size=600", "model.hidden_size=8", "model.embed_size=8", "train.batch_tokens=256", "train.threads=1",
    "train.validate_every=2", "train.validate_sentences=8", "train.warmup=1",
]  # fmt: skip
SYSTEMS: dict[str, list[str]] = {
    "a/b": ["model.decoder=bahdanau", "model.attention.score=additive"],
    "plain": ["model.decoder=plain"],
}
MEASURE: dict[str, object] = {"gradients": 1, "trials": 20, "sentences": [["I see a cat.", "Je vois un chat."]]}
TREE: dict[str, object] = {
    "baseline": "a/b",
    "seeds": [1],
    "corpus": {"phrasebook": "en-fr", "pairs": 100, "max_words": 8, "long_test": True},
    "budget": {"steps": 4},
    "base": {"set": OPTIONS},
    "systems": SYSTEMS,
    "measure": MEASURE,
}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A lab with both runs finished."""
    made = set_up(Lab.model_validate(TREE), tmp_path_factory.mktemp("worker") / "lab")
    for run in made.runs():
        assert train_and_measure(made, run, workers=1) == FINISHED
    return made


def test_a_result_contains_what_the_report_needs(experiment: Experiment) -> None:
    attends, plain = (read_result(run.result_file) for run in experiment.runs())
    gold = experiment.corpus.gold()
    assert gold is not None
    subword = load_model(experiment.runs()[0].model_directory).tgt_subword
    num_tokens = [len(subword.encode(line).ids) + 1 for line in experiment.corpus.lines("test.tgt")]  # `</s>`
    for result in (attends, plain):
        assert result.trained.steps == 4
        assert [point.step for point in result.trained.points] == [2, 4]
        assert result.trained.peak_memory > 10**8
        assert len(result.measured.sentences) == experiment.corpus.sizes["test"]
        assert all(0 < sentence.nll < 20 * sentence.num_tokens for sentence in result.measured.sentences)
        assert [sentence.num_tokens for sentence in result.measured.sentences] == num_tokens
        assert len(result.measured.gradients) >= 10
        assert all(norm >= 0 for _, norm in result.measured.gradients)  # at long distances it may vanish
    assert [sentence.links and sentence.links[1] for sentence in attends.measured.sentences] == [
        len(links.sure) for links in gold
    ]
    [record] = attends.measured.records()
    assert record.src_words == ("I", "see", "a", "cat.")
    assert attends.trained.points[-1].sharpness is not None
    assert {sentence.links for sentence in plain.measured.sentences} == {None}
    assert (plain.measured.attention, plain.trained.points[-1].sharpness) == ((), None)
    assert attends.measured.vocabulary == plain.measured.vocabulary


def test_checkpoints_are_removed(experiment: Experiment) -> None:
    model = experiment.runs()[0].model_directory
    assert not (model / "training").exists()
    load_model(model)


def test_a_finished_run_and_one_that_another_worker_holds_are_left_alone(experiment: Experiment) -> None:
    run = experiment.runs()[0]
    before = run.result_file.stat().st_mtime_ns
    arguments = [str(experiment.directory), run.system, str(run.seed), "1"]
    assert main(arguments, dump_lab(experiment.lab)) == FINISHED
    assert run.result_file.stat().st_mtime_ns == before
    assert run.lock.claim()
    assert main(arguments, dump_lab(experiment.lab)) == TAKEN


def test_a_lab_that_is_finished_trains_nothing(experiment: Experiment, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run_lab(experiment.lab, experiment.directory)
    assert (len(outcome.finished), outcome.failed, outcome.interrupted) == (2, {}, False)
    assert "2 of 2 runs were finished earlier" in capsys.readouterr().err


@pytest.fixture
def copy(experiment: Experiment, tmp_path: Path) -> Experiment:
    """A copy of the finished lab without locks, which a test may damage."""
    shutil.copytree(experiment.directory, tmp_path / "lab", ignore=shutil.ignore_patterns("locks"))
    return open_experiment(tmp_path / "lab")


def changed(**values: object) -> Lab:
    return Lab.model_validate(TREE | values)


@pytest.mark.parametrize("has_result", [True, False])
def test_other_options_are_refused_before_anything_is_changed(
    copy: Experiment, tmp_path: Path, has_result: bool
) -> None:
    base = tmp_path / "base.toml"
    base.write_text("[train]\nlabel_smoothing = 0.2\n")
    if not has_result:
        for run in copy.runs():
            run.result_file.unlink()
    before = (copy.directory / "lab.toml").read_text()
    based = {"set": OPTIONS, "file": str(base)}
    for other in ({"budget": {"steps": 5}}, {"base": based}, {"measure": MEASURE | {"beam": 1}}):
        with pytest.raises(ConfigError, match=r"seed-1: this training of .* was started with other options: use the"):
            run_lab(changed(**other), copy.directory)
        assert (copy.directory / "lab.toml").read_text() == before
        assert not (copy.directory / "base.toml").exists()


@pytest.mark.parametrize("has_result", [True, False])
def test_a_failure_is_reported(copy: Experiment, capsys: pytest.CaptureFixture[str], has_result: bool) -> None:
    run = copy.runs()[1]
    run.fingerprint_file.write_text("else")
    if not has_result:
        run.result_file.unlink()
    assert main([str(copy.directory), run.system, str(run.seed), "1"], dump_lab(copy.lab)) == FAILED
    assert "started with other options" in capsys.readouterr().err


def test_a_worker_uses_the_lab_on_its_standard_input(copy: Experiment) -> None:
    own = replace(copy, lab=changed(title="Deux scores : 두 점수"))
    set_up(changed(baseline="other", systems={"other": []}), copy.directory)
    worker = regard.lab.scheduler._spawn(own, own.runs()[0], 1)
    assert worker.wait(timeout=1800) == FINISHED, (own.runs()[0].directory / "log.txt").read_text()


def test_options_of_the_report_may_be_changed(copy: Experiment) -> None:
    shown = {
        "title": "Another",
        "about": "More",
        "baseline": "plain",
        "measure": MEASURE | {"trials": 9, "lengths": [7], "frequencies": [2]},
    }
    outcome = run_lab(changed(**shown), copy.directory)
    assert (len(outcome.finished), outcome.failed) == (2, {})
    assert open_experiment(copy.directory).lab.title == "Another"
    more = {"seeds": [1, 2], "systems": {**SYSTEMS, "more": []}}
    made = set_up(changed(**more), copy.directory)
    assert [made.is_finished(run) for run in made.runs()] == [True, True, False, False, False, False]
    some = set_up(changed(systems={"a/b": SYSTEMS["a/b"]}), copy.directory)
    assert [some.is_finished(run) for run in some.runs()] == [True]


def test_a_result_without_a_fingerprint_is_accepted(copy: Experiment) -> None:
    for run in copy.runs():
        run.fingerprint_file.unlink()
    assert len(run_lab(changed(budget={"steps": 5}), copy.directory).finished) == 2


def test_results_of_other_options_that_appear_during_a_lab_are_refused(
    copy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = copy.runs()
    results = {run: run.result_file.rename(run.directory / "aside") for run in (first, second)}

    def spawn(_experiment: Experiment, run: Run, _workers: int) -> subprocess.Popen[bytes]:
        for each, aside in results.items():
            aside.rename(each.result_file)
        second.fingerprint_file.write_text("else")
        assert run == first  # another machine finishes the second
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr(regard.lab.scheduler, "_spawn", spawn)
    with pytest.raises(ConfigError, match="started with other options"):
        run_lab(copy.lab, copy.directory)


def test_a_worker_that_lost_its_run_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def lost_at_once(_lock: Lock) -> Iterator[threading.Event]:
        lost = threading.Event()
        lost.set()
        yield lost

    monkeypatch.setattr(Lock, "held", lost_at_once)
    long = {"budget": {"steps": 2000}, "base": {"set": [*OPTIONS, "train.validate_every=2000"]}}
    made = set_up(Lab.model_validate(TREE | long), tmp_path / "lab")
    run = made.runs()[0]
    assert train_and_measure(made, run, workers=1) == TAKEN
    assert not run.result_file.exists()
    assert not (run.model_directory / TRAINING / "state.safetensors").exists(), "another worker holds the run"


def test_a_worker_that_lost_its_run_while_measuring_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_over(*_: object) -> object:
        (run.directory / "locks" / "lock.1").touch()
        return None

    monkeypatch.setattr(regard.lab.worker, "measure", taken_over)
    made = set_up(Lab.model_validate(TREE), tmp_path / "lab")
    run = made.runs()[0]
    assert train_and_measure(made, run, workers=1) == TAKEN
    assert not run.result_file.exists()
    assert (run.model_directory / TRAINING).exists()


def test_translations_use_the_labs_beam(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    translator, beams, original = load(experiment.runs()[1].model_directory), [], Translator.translate

    def translate(self: Translator, sources: list[str], *, beam: int | None = None) -> list[Translation]:
        beams.append(beam)
        return original(self, sources, beam=beam)

    monkeypatch.setattr(Translator, "translate", translate)
    measured = measure(translator, experiment.corpus, MeasureConfig(beam=2, gradients=0))
    expected = original(translator, experiment.corpus.lines("test.src"), beam=2)
    assert beams == [2]
    assert [sentence.translation for sentence in measured.sentences] == [translation.text for translation in expected]


def test_gradients_without_gold_links_are_measured_near_the_diagonal(experiment: Experiment) -> None:
    stored = load_model(experiment.runs()[1].model_directory)
    src, tgt = experiment.corpus.lines("test.src"), experiment.corpus.lines("test.tgt")
    found = list(gradients(stored, src, tgt, None, most=1))
    row = next(row for row, line in enumerate(src) if len(line.split()) >= 10)
    assert len(found) == len(stored.tgt_subword.encode(tgt[row]).ids)
    assert all(math.isfinite(norm) for _, norm in found)
    assert found[0][1] > 0
    # The first word is 0 steps from the first source word. The last word's source is one step from the end of the
    # source, and the decoder has made one step for each word before it.
    assert (found[0][0], found[-1][0]) == (0, len(found))
    assert list(gradients(stored, src, tgt, None, most=0)) == []


def test_the_head_is_chosen_on_validation_text(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []

    def choose(
        _translator: object, sources: object, targets: object, options: ReadoutOptions
    ) -> tuple[Readout, list[str]]:
        used.extend((sources, targets))
        return options.over(Readout()), []

    monkeypatch.setattr(regard.lab.measure, "choose_readout", choose)
    assert find_readout(load(experiment.runs()[0].model_directory), experiment.corpus) == Readout()
    assert used == [experiment.corpus.lines("val.src"), experiment.corpus.lines("val.tgt")]
    assert used[0] != experiment.corpus.lines("test.src")


def test_drawn_pairs_are_short_medium_and_long() -> None:
    sources = [" ".join(["w"] * count) for count in (30, 5, 12, 6, 18)]
    assert [len(src.split()) for src, _ in typical_pairs(sources, sources)] == [6, 12, 18]
    assert len(typical_pairs(["a b"], ["c"])) == 1


def report(step: int, elapsed: float, speed: float) -> StepReport:
    return StepReport(step, 15, step / 10, 2.0, 1.5, 1.0, 1e-3, speed, elapsed, 7.0)


def test_a_record_continues_with_the_resumed_training(tmp_path: Path) -> None:
    path, now = tmp_path / "record.json", [0.0]
    first = Recorder(path, clock=lambda: now[0])
    first.on_start(TrainingPlan(99, 5, 20, 0, 5, "", None))
    first.on_step(report(5, 10.0, 100.0))
    now[0] = 2.5
    first.on_validation(5, Validation(3.0, 2.0, 10.0, 20.0, entropy=0.5, sharpness=0.9), best=True)
    first.on_step(report(9, 20.0, 300.0))
    first.on_validation(10, Validation(3.0, 1.0, 20.0), best=True)
    record = read_record(path)
    assert [(point.step, point.seconds) for point in record.points] == [(5, 12.5), (10, 20.0)]
    assert (record.num_parameters, record.tokens_per_second, record.epochs_a_step) == (99, 200.0, 0.1)
    assert record.steps == 15  # from the last report, which had reduced the plan for lack of time
    assert record.points[1].entropy is None
    # Killed before the checkpoint of step 10: its validation is repeated. It had used more memory than the second one.
    path.write_text(json.dumps(json.loads(path.read_text()) | {"peak_memory": 2**60}))
    second = Recorder(path, clock=lambda: 0.0)
    second.on_start(TrainingPlan(99, 5, 20, 5, 5, "", None))
    second.on_step(report(6, 14.0, 500.0))
    second.on_end()
    record = read_record(path)
    assert [point.step for point in record.points] == [5]
    assert (record.tokens_per_second, record.peak_memory) == (300.0, 2**60)
    assert json.loads(path.read_text())["elapsed"] == 14.0
