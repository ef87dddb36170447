"""One cell from start to result, in this process."""

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
import regard.lab.run
import regard.lab.worker
from regard.alignment.readout import Readout
from regard.errors import ConfigError
from regard.files.locks import Lock
from regard.lab.experiment import Experiment, Run, open_experiment, set_up
from regard.lab.load import dump_lab
from regard.lab.measure import find_readout, gradients, measure, typical_pairs
from regard.lab.recorder import Recorder, read_record
from regard.lab.result import read_result
from regard.lab.run import run_lab
from regard.lab.schema import Lab, MeasureConfig
from regard.lab.worker import FAILED, FINISHED, TAKEN, main, work
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
TREE: dict[str, object] = {
    "baseline": "a/b",
    "seeds": [1],
    "corpus": {"phrasebook": "en-fr", "pairs": 100, "max_words": 8, "long_test": True},
    "budget": {"steps": 4},
    "base": {"set": OPTIONS},
    "systems": {"a/b": ["model.decoder=bahdanau", "model.attention.score=additive"], "plain": ["model.decoder=plain"]},
    "measure": {"gradients": 1, "trials": 20, "sentences": [["I see a cat.", "Je vois un chat."]]},
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Both cells finished."""
    made = set_up(Lab.model_validate(TREE), tmp_path_factory.mktemp("worker") / "lab")
    for cell in made.cells():
        assert work(made, cell, workers=1) == FINISHED
    return made


def test_a_result_holds_what_the_report_needs(bench: Experiment) -> None:
    attends, plain = (read_result(cell.result) for cell in bench.cells())
    gold = bench.corpus.gold()
    assert gold is not None
    subword = load_model(bench.cells()[0].model).tgt_subword
    num_tokens = [len(subword.encode(line).ids) + 1 for line in bench.corpus.lines("test.tgt")]  # and the end
    for one in (attends, plain):
        assert one.trained.steps == 4
        assert [point.step for point in one.trained.points] == [2, 4]
        assert one.trained.peak_memory > 10**8
        assert len(one.measured.sentences) == bench.corpus.sizes["test"]
        assert all(0 < sentence.nll < 20 * sentence.num_tokens for sentence in one.measured.sentences)
        assert [sentence.num_tokens for sentence in one.measured.sentences] == num_tokens
        assert len(one.measured.gradients) >= 10
        assert all(norm >= 0 for _, norm in one.measured.gradients)  # far away it may fade to nothing
    assert [sentence.links and sentence.links[1] for sentence in attends.measured.sentences] == [
        len(one.sure) for one in gold
    ]
    [record] = attends.measured.records()
    assert record.src_words == ("I", "see", "a", "cat.")
    assert attends.trained.points[-1].sharpness is not None
    assert {sentence.links for sentence in plain.measured.sentences} == {None}
    assert (plain.measured.attention, plain.trained.points[-1].sharpness) == ((), None)
    assert attends.measured.vocabulary == plain.measured.vocabulary


def test_checkpoints_do_not_stay(bench: Experiment) -> None:
    model = bench.cells()[0].model
    assert not (model / "training").exists()
    load_model(model)


def test_a_finished_cell_is_left_alone_and_one_that_is_held_too(bench: Experiment) -> None:
    cell = bench.cells()[0]
    before = cell.result.stat().st_mtime_ns
    arguments = [str(bench.directory), cell.system, str(cell.seed), "1"]
    assert main(arguments, dump_lab(bench.lab)) == FINISHED
    assert cell.result.stat().st_mtime_ns == before
    assert cell.lock.claim()
    assert main(arguments, dump_lab(bench.lab)) == TAKEN


def test_a_lab_that_is_finished_trains_nothing(bench: Experiment, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_lab(bench.lab, bench.directory)
    assert (len(ended.finished), ended.failed, ended.interrupted) == (2, {}, False)
    assert "2 of 2 cells are finished already" in capsys.readouterr().err


@pytest.fixture
def copy(bench: Experiment, tmp_path: Path) -> Experiment:
    """A lab of the same finished cells, which nobody holds, to be spoilt."""
    shutil.copytree(bench.directory, tmp_path / "lab", ignore=shutil.ignore_patterns("locks"))
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
        for cell in copy.cells():
            cell.result.unlink()
    before = (copy.directory / "lab.toml").read_text()
    based = {"set": OPTIONS, "file": str(base)}
    for other in ({"budget": {"steps": 5}}, {"base": based}, {"measure": TREE["measure"] | {"beam": 1}}):
        with pytest.raises(ConfigError, match="seed-1: this cell was begun with other options: give the same ones"):
            run_lab(changed(**other), copy.directory)
        assert (copy.directory / "lab.toml").read_text() == before
        assert not (copy.directory / "base.toml").exists()


@pytest.mark.parametrize("has_result", [True, False])
def test_a_failure_is_told(copy: Experiment, capsys: pytest.CaptureFixture[str], has_result: bool) -> None:
    cell = copy.cells()[1]
    cell.mark.write_text("else")
    if not has_result:
        cell.result.unlink()
    assert main([str(copy.directory), cell.system, str(cell.seed), "1"], dump_lab(copy.lab)) == FAILED
    assert "begun with other options" in capsys.readouterr().err


def test_a_worker_is_told_its_lab_whatever_another_run_has_made_of_the_directory(copy: Experiment) -> None:
    own = replace(copy, lab=changed(title="Deux scores : 두 점수"))
    set_up(changed(baseline="other", systems={"other": []}), copy.directory)
    worker = regard.lab.run._spawn(own, own.cells()[0], 1)
    assert worker.wait(timeout=1800) == FINISHED, (own.cells()[0].directory / "log.txt").read_text()


def test_what_only_the_report_shows_may_be_changed(copy: Experiment) -> None:
    shown = {
        "title": "Another",
        "about": "More",
        "baseline": "plain",
        "measure": TREE["measure"] | {"trials": 9, "lengths": [7], "frequencies": [2]},
    }
    ended = run_lab(changed(**shown), copy.directory)
    assert (len(ended.finished), ended.failed) == (2, {})
    assert open_experiment(copy.directory).lab.title == "Another"
    more = {"seeds": [1, 2], "systems": TREE["systems"] | {"more": []}}
    made = set_up(changed(**more), copy.directory)
    assert [made.finished(cell) for cell in made.cells()] == [True, True, False, False, False, False]
    some = set_up(changed(systems={"a/b": TREE["systems"]["a/b"]}), copy.directory)
    assert [some.finished(cell) for cell in some.cells()] == [True]


def test_a_result_without_a_mark_is_taken_for_the_labs(copy: Experiment) -> None:
    for cell in copy.cells():
        cell.mark.unlink()
    assert len(run_lab(changed(budget={"steps": 5}), copy.directory).finished) == 2


def test_results_of_other_options_that_come_meanwhile_are_refused(
    copy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = copy.cells()
    results = {cell: cell.result.rename(cell.directory / "aside") for cell in (first, second)}

    def spawn(_bench: Experiment, cell: Run, _workers: int) -> subprocess.Popen[bytes]:
        for each, aside in results.items():
            aside.rename(each.result)
        second.mark.write_text("else")
        assert cell == first  # the other one is another machine's
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr(regard.lab.run, "_spawn", spawn)
    with pytest.raises(ConfigError, match="begun with other options"):
        run_lab(copy.lab, copy.directory)


def test_who_has_lost_his_cell_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def lost_at_once(_lock: Lock) -> Iterator[threading.Event]:
        lost = threading.Event()
        lost.set()
        yield lost

    monkeypatch.setattr(Lock, "held", lost_at_once)
    long = {"budget": {"steps": 2000}, "base": {"set": [*OPTIONS, "train.validate_every=2000"]}}
    made = set_up(Lab.model_validate(TREE | long), tmp_path / "lab")
    cell = made.cells()[0]
    assert work(made, cell, workers=1) == TAKEN
    assert not cell.result.exists()
    assert not (cell.model / TRAINING / "state.safetensors").exists(), "the cell is somebody else's"


def test_who_has_lost_his_cell_while_measuring_leaves_it_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_over(*_: object) -> object:
        (cell.directory / "locks" / "lock.1").touch()
        return None

    monkeypatch.setattr(regard.lab.worker, "measure", taken_over)
    made = set_up(Lab.model_validate(TREE), tmp_path / "lab")
    cell = made.cells()[0]
    assert work(made, cell, workers=1) == TAKEN
    assert not cell.result.exists()
    assert (cell.model / TRAINING).exists()


def test_speed_is_that_of_the_labs_beam(bench: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    translator, beams, plainly = load(bench.cells()[1].model), [], Translator.translate

    def translate(self: Translator, sources: list[str], *, beam: int | None = None) -> list[Translation]:
        beams.append(beam)
        return plainly(self, sources, beam=beam)

    monkeypatch.setattr(Translator, "translate", translate)
    measured = measure(translator, bench.corpus, MeasureConfig(beam=2, gradients=0))
    said = plainly(translator, bench.corpus.lines("test.src"), beam=2)
    assert beams == [2]
    assert [one.translation for one in measured.sentences] == [one.text for one in said]


def test_gradients_without_gold_links_are_taken_near_the_diagonal(bench: Experiment) -> None:
    stored = load_model(bench.cells()[1].model)
    src, tgt = bench.corpus.lines("test.src"), bench.corpus.lines("test.tgt")
    found = list(gradients(stored, src, tgt, None, most=1))
    row = next(row for row, line in enumerate(src) if len(line.split()) >= 10)
    assert len(found) == len(stored.tgt_subword.encode(tgt[row]).ids)
    assert all(math.isfinite(norm) for _, norm in found)
    assert found[0][1] > 0
    # The first word sees the first of the source at once; the last one's source is one step from the source's end, from
    # where the decoder has gone as many steps as there are words before it.
    assert (found[0][0], found[-1][0]) == (0, len(found))
    assert list(gradients(stored, src, tgt, None, most=0)) == []


def test_the_head_to_read_is_not_sought_in_what_is_judged(bench: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []

    def settle(
        _translator: object, sources: object, targets: object, wanted: ReadoutOptions
    ) -> tuple[Readout, list[str]]:
        looked.extend((sources, targets))
        return wanted.over(Readout()), []

    monkeypatch.setattr(regard.lab.measure, "settle", settle)
    assert find_readout(load(bench.cells()[0].model), bench.corpus) == Readout()
    assert looked == [bench.corpus.lines("val.src"), bench.corpus.lines("val.tgt")]
    assert looked[0] != bench.corpus.lines("test.src")


def test_pairs_to_draw_are_short_middling_and_long() -> None:
    sources = [" ".join(["w"] * count) for count in (30, 5, 12, 6, 18)]
    assert [len(src.split()) for src, _ in typical_pairs(sources, sources)] == [6, 12, 18]
    assert len(typical_pairs(["a b"], ["c"])) == 1


def report(step: int, elapsed: float, speed: float) -> StepReport:
    return StepReport(step, 15, step / 10, 2.0, 1.5, 1.0, 1e-3, speed, elapsed, 7.0)


def test_a_record_goes_on_where_the_training_does(tmp_path: Path) -> None:
    path, now = tmp_path / "record.json", [0.0]
    first = Recorder(path, clock=lambda: now[0])
    first.on_start(TrainingPlan(99, 5, 20, 0, 5, "", None))
    first.on_step(report(5, 10.0, 100.0))
    now[0] = 2.5
    first.on_validation(5, Validation(3.0, 2.0, 10.0, 20.0, entropy=0.5, sharpness=0.9), best=True)
    first.on_step(report(9, 20.0, 300.0))
    first.on_validation(10, Validation(3.0, 1.0, 20.0), best=True)
    told = read_record(path)
    assert [(point.step, point.seconds) for point in told.points] == [(5, 12.5), (10, 20.0)]
    assert (told.num_parameters, told.tokens_per_second, told.epochs_a_step) == (99, 200.0, 0.1)
    assert told.steps == 15  # as the last report said, which had seen that time is short
    assert told.points[1].entropy is None
    # Killed before the state of step 10 was saved: that validation comes again. It had held more memory than this one.
    path.write_text(json.dumps(json.loads(path.read_text()) | {"peak_memory": 2**60}))
    second = Recorder(path, clock=lambda: 0.0)
    second.on_start(TrainingPlan(99, 5, 20, 5, 5, "", None))
    second.on_step(report(6, 14.0, 500.0))
    second.on_end()
    told = read_record(path)
    assert [point.step for point in told.points] == [5]
    assert (told.tokens_per_second, told.peak_memory) == (300.0, 2**60)
    assert json.loads(path.read_text())["elapsed"] == 14.0
