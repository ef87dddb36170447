"""Files of a lab's directory are checked before use, and their texts cannot inject markup into a report."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from regard.errors import CheckpointError, ConfigError, DataError, RegardError
from regard.lab.corpus import LabCorpus, open_corpus
from regard.lab.experiment import Experiment, open_experiment
from regard.lab.load import load_lab, parse_lab
from regard.lab.recorder import read_record
from regard.lab.report import write_report
from regard.lab.result import RunResult, read_result
from regard.lab.scheduler import _last_line, _without_waiting
from regard.lab.schema import Lab
from regard.lab.summary import summarize
from regard.store.sealed_json import read_sealed, sealed

Make = Callable[..., Experiment]
TWO = {"a": 0.1, "b": 0.3}


def rewrite(path: Path, change: Callable[[dict[str, object]], object], *, seal: bool = True) -> None:
    """Changes a result and updates its hash, or removes the hash, as in results of early versions."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree.pop("sha256")
    change(tree)
    path.write_text(sealed(tree) if seal else json.dumps(tree), encoding="utf-8")


def test_a_result_that_was_changed_is_refused(finished_lab: Make) -> None:
    experiment = finished_lab(TWO)
    path = experiment.runs()[0].result_file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"wall_seconds": 55.0', '"wall_seconds": 56.0'))
    message = r"result\.json: changed since it was written: .*: remove the directory of this file"
    with pytest.raises(CheckpointError, match=message):
        summarize(experiment)
    rewrite(path, lambda tree: None, seal=False)
    assert summarize(experiment).results["a"][0].wall_seconds == 56.0


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("seed", 2, "expected the result of a, seed 1, found that of a, seed 2"),
        ("system", "b", "expected the result of a, seed 1, found that of b, seed 1"),
        ("system", 7, "system: Input should be a valid string"),
        ("wall_seconds", -1.0, "wall_seconds: Input should be greater than or equal to 0"),
        ("wall_seconds", "55", "wall_seconds: Input should be a valid number"),
        ("unknown", 1, "unknown: Unexpected keyword argument"),
        ("trained.steps", -5, "trained.steps: Input should be greater"),
        ("trained.num_parameters", 1.5, "trained.num_parameters: Input should be a valid integer"),
        ("trained.points.0.step", 10**6, "not in the order of their steps"),
        ("trained.points", {}, "trained.points: Input should be a valid array"),
        ("measured.sentences.3.nll", None, "measured.sentences.3.nll"),
        ("measured.sentences.3.num_tokens", 0, "measured.sentences.3.num_tokens"),
        ("measured.sentences.3.links", [1, 5, 6, 1], "sentence 4 has link counts"),
        ("measured.sentences.3.links", [1, 2, 3], "measured.sentences.3.links"),
        ("measured.sentences", [], r"expected \d+ sentences, as in the test text, found 0"),
        ("measured.layer", -1, "measured.layer"),
        ("measured.gradients.0", [-1, 2.0], "measured.gradients.0"),
        ("measured.attention.0.src", "x", "not an attention record"),
        ("measured.attention.0.src", None, "not an attention record"),
        ("measured.attention.0.src.ids", [0], "with equal numbers of ids, pieces and spans"),
        ("measured.attention.0.src.spans.0", [0, 10**9], "subword 1 has the span 0 to 1000000000"),
        ("measured.attention.0.src.spans.0", [-3, 1], "subword 1 has the span -3 to 1"),
        ("measured.attention.0.layers", [], "needs at least one layer"),
        ("measured.attention.0.layers.0.weights", [[[10**18]]], "expected attention weights"),
        ("measured.attention.0.layers.0.weights", [[[0.5], [0.5, 0.5]]], "not an attention record"),
        ("measured.attention.0.layers.0.weights", [[["a"]]], "not an attention record"),
        ("measured.attention.0", [], "measured.attention.0"),
    ],
)
@pytest.mark.parametrize("seal", [True, False])
def test_inconsistent_results_are_refused(
    finished_lab: Make, where: str, value: object, reason: str, seal: bool
) -> None:
    experiment = finished_lab(TWO)
    path = experiment.runs()[0].result_file

    def change(tree: dict[str, object]) -> None:
        inner: object = tree
        *steps, last = [int(part) if part.isdigit() else part for part in where.split(".")]
        for step in steps:
            inner = inner[step]  # type: ignore[index]
        inner[last] = value  # type: ignore[index]

    rewrite(path, change, seal=seal)
    with pytest.raises(CheckpointError, match=rf"result\.json: damaged: .*{reason}.*: remove the directory of this"):
        summarize(experiment)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"[" * 100_000, b'{"a": NaN}', b'{"system": "\\ud800"}', b"\xff\xfe{\0}\0", b"null"]
)
def test_results_that_are_not_json_are_refused(finished_lab: Make, data: bytes) -> None:
    experiment = finished_lab(TWO)
    experiment.runs()[0].result_file.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"result\.json: .*: remove the directory of this"):
        summarize(experiment)


@pytest.mark.parametrize("name", ["lab.toml", "corpus/about.json", "corpus/test.tgt", "cells/a/seed-1/result.json"])
def test_pipes_and_directories_in_place_of_files_are_refused(
    finished_lab: Make, small_corpus: LabCorpus, name: str
) -> None:
    experiment = finished_lab(TWO)
    (experiment.directory / "corpus").unlink()
    shutil.copytree(small_corpus.directory, experiment.directory / "corpus")
    path = experiment.directory / name
    for kind, make in (("a pipe", os.mkfifo), ("a directory", Path.mkdir)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        make(path)
        with pytest.raises(RegardError, match=rf"{path.name}: expected a file, found {kind}"):
            write_report(experiment.directory)


def test_a_changed_text_is_refused(small_corpus: LabCorpus, tmp_path: Path) -> None:
    directory = tmp_path / "corpus"
    shutil.copytree(small_corpus.directory, directory)
    corpus = open_corpus(directory)
    assert corpus == replace(small_corpus, directory=directory)
    assert corpus.lines("test.tgt") == small_corpus.lines("test.tgt")
    text = (directory / "test.tgt").read_bytes()
    (directory / "test.tgt").write_bytes(text.replace(b"e", b"f", 1))
    with pytest.raises(
        DataError, match=r"test\.tgt: changed since `regard lab run` wrote it: the text with which systems are compared"
    ):
        corpus.lines("test.tgt")
    (directory / "test.tgt").write_bytes(text + b"one more\n")
    with pytest.raises(DataError, match=r"test\.tgt: expected \d+ lines, found \d+"):
        replace(corpus, files={}).lines("test.tgt")
    gold = (directory / "test.align").read_bytes()
    (directory / "test.align").write_bytes(gold.replace(b"0-0", b"0-1", 1))
    with pytest.raises(DataError, match=r"test\.align: changed"):
        corpus.gold()
    about = json.loads((directory / "about.json").read_text())
    (directory / "about.json").write_text(json.dumps({**about, "num_seen": 3}))
    with pytest.raises(DataError, match=r"about\.json: changed since it was written"):
        open_corpus(directory)
    (directory / "about.json").write_text(sealed({"sizes": {"train": -1}}))
    with pytest.raises(DataError, match=r"about\.json: damaged: .*: the text with which systems are compared"):
        open_corpus(directory)


def test_damaged_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert read_record(path).step == 0
    for text in ("", "{", "[]", '{"step": -1}', '{"step": "1"}', '{"points": [{}]}', '{"steps": NaN}', '{"other": 1}'):
        path.write_text(text)
        with pytest.raises(CheckpointError, match=r"record\.json: .*: remove it, and `regard lab run` continues"):
            read_record(path)


@pytest.mark.parametrize("name", ["..", ".", "../x", "x/..", "../..", "a" * 101, "a/b/c", "a b", "a\n", ""])
def test_names_of_systems_that_lead_out_of_the_lab_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name such as luong/dot"):
        Lab.model_validate({"baseline": name, "systems": {name: []}, "corpus": {"phrasebook": "en-fr"}})


@pytest.mark.parametrize("name", ["...", "..a", "a..b", "a/.b", "x-1.5+y_2", "é/ß"])
def test_unusual_names_of_systems_are_accepted(name: str) -> None:
    lab = Lab.model_validate({"baseline": name, "systems": {name: []}, "corpus": {"phrasebook": "en-fr"}})
    assert lab.baseline == name


def test_a_lab_with_too_many_runs_is_refused(tmp_path: Path) -> None:
    seeds = ", ".join(map(str, range(20_000)))
    text = f'baseline = "a"\nseeds = [{seeds}]\nsystems = {{a = []}}\ncorpus = {{phrasebook = "en-fr"}}\n'
    (tmp_path / "lab.toml").write_text(text)
    with pytest.raises(ConfigError, match="expected at most 10,000 trainings, one per system and seed, got 20,000"):
        load_lab(str(tmp_path / "lab.toml"))


def test_runs_of_other_options_are_noted(finished_lab: Make) -> None:
    experiment = finished_lab(TWO)
    experiment.runs()[1].fingerprint_file.write_text("0123456789abcdef")
    assert (
        summarize(experiment).notes[0] == "Runs that were started with other options than the lab has now: b, seed 1."
    )


HOSTILE = '<script>alert(1)</script> <img src=x onerror=y> [click](javascript:z) ``` \x1b[2J\x9b31m\u202e & "\n# more'


def test_the_title_of_a_lab_cannot_inject_markup(finished_lab: Make) -> None:
    experiment = finished_lab(TWO, title=HOSTILE, about=HOSTILE)
    html, markdown = (path.read_text(encoding="utf-8") for path in write_report(experiment.directory))
    for text in (html, markdown):
        assert not set(text) & {"\x1b", "\x9b", "\u202e"}
        assert "<img" not in text
        assert "<script>alert" not in text
    assert markdown.startswith("# &lt;script&gt;alert(1)&lt;/script&gt; &lt;img")
    [block] = re.findall(r"(?ms)^```toml$\n(.*?)^```$", markdown)
    assert parse_lab(block, where="").title == HOSTILE
    outside = markdown.replace(block, "")
    assert "[click]" not in outside
    assert outside.count("```") == 2
    assert open_experiment(experiment.directory).lab.title == HOSTILE


def test_results_that_are_not_finite_are_not_written(finished_lab: Make, tmp_path: Path) -> None:
    result = read_result(finished_lab(TWO).runs()[0].result_file)
    diverged: RunResult = replace(result, wall_seconds=float("nan"))
    with pytest.raises(
        DataError, match="a, seed 1: expected finite measurements, got NaN or infinity: the training diverged"
    ):
        diverged.write(tmp_path / "result.json")
    assert not list(tmp_path.glob("result*"))


def test_a_changed_file_does_not_match_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(sealed({"b": [1.5, "é"], "a": None}), encoding="utf-8")
    assert read_sealed(path, max_bytes=1000, remedy="") == {"b": [1.5, "é"], "a": None}
    path.write_text(path.read_text().replace("1.5", "1.25"))
    with pytest.raises(ConfigError, match=r"a\.json: changed since it was written: .*: bring it back"):
        read_sealed(path, max_bytes=1000, remedy="bring it back", error=ConfigError)
    path.write_text('{"sha256": 7}')
    with pytest.raises(CheckpointError, match="changed"):
        read_sealed(path, max_bytes=1000, remedy="")


def test_missing_logs_and_pipes_in_place_of_logs(finished_lab: Make) -> None:
    run = finished_lab(TWO).runs()[0]
    log = run.directory / "log.txt"
    assert "no output" in _last_line(run, 2)
    log.write_bytes(b"x" * 200_000 + b"\nthe last one\n")
    assert _last_line(run, 2).startswith("the last one (status 2")
    log.unlink()
    os.mkfifo(log)
    assert "no output" in _last_line(run, -9)
    with pytest.raises(OSError, match="No such device or address"):
        open(log, "ab", opener=_without_waiting)  # noqa: SIM115
