"""Experiments and runs: shared vocabularies, budgets, fingerprints and directories."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from regard.errors import CheckpointError, ConfigError
from regard.lab.experiment import Experiment, open_experiment, prepare_run, set_up
from regard.lab.schema import Lab
from regard.store.training_directory import TRAINING

TREE: dict[str, object] = {
    "baseline": "a",
    "corpus": {"phrasebook": "en-fr", "pairs": 120, "max_words": 8},
    "budget": {"steps": 5},
    "base": {"set": ["subword.vocab_size=300", "model.hidden_size=8", "model.embed_size=8", "train.batch_tokens=256"]},
    "systems": {"a": [], "b/x": ["model.decoder=plain"], "other-words": ["subword.vocab_size=310"]},
}


def lab(**changes: object) -> Lab:
    return Lab.model_validate(TREE | changes)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return set_up(lab(), tmp_path_factory.mktemp("runs") / "lab")


def test_a_lab_can_be_opened_again(experiment: Experiment) -> None:
    again = open_experiment(experiment.directory)
    assert again == experiment
    assert [run.name for run in again.runs()] == [
        "a, seed 1", "b/x, seed 1", "other-words, seed 1", "a, seed 2", "b/x, seed 2", "other-words, seed 2",
    ]  # fmt: skip
    with pytest.raises(CheckpointError, match="start a comparison with `regard lab run`"):
        open_experiment(experiment.directory / "nowhere")


def test_runs_with_equal_subword_options_share_a_vocabulary(experiment: Experiment) -> None:
    configs = [experiment.config(run) for run in experiment.runs()]
    assert len({experiment.vocabulary_directory(config) for config in configs}) == 2
    assert {config.subword.vocab_size for config in configs} == {300, 310}
    assert [config.train.seed for config in configs] == [1, 1, 1, 2, 2, 2]
    assert {config.train.steps for config in configs} == {5}


def test_a_budget_of_tokens_becomes_epochs(experiment: Experiment) -> None:
    run = experiment.runs()[0]
    tokens = experiment.tokens_per_epoch(run)
    limited = Experiment(lab(budget={"tokens": 3 * tokens, "minutes": 2.0}), experiment.directory, experiment.corpus)
    train = limited.config(run).train
    assert (train.steps, train.epochs, train.max_minutes) == (None, 3.0, 2.0)
    counted = sum(len(line.split()) for line in experiment.corpus.lines("train.tgt"))
    assert tokens > counted


def test_a_budget_replaces_the_length_of_a_preset(experiment: Experiment) -> None:
    base = {"preset": "demo", "set": TREE["base"]["set"]}  # type: ignore[index]
    for budget, expected in (({"steps": 7}, (7, None)), ({"minutes": 1.5}, (1600, 1.5)), ({}, (1600, None))):
        own = Experiment(lab(base=base, budget=budget), experiment.directory, experiment.corpus)
        train = own.config(own.runs()[0]).train
        assert (train.steps, train.max_minutes) == expected


def test_a_prepared_run_can_be_trained(experiment: Experiment, tmp_path: Path) -> None:
    own = Experiment(experiment.lab, experiment.directory, experiment.corpus)
    run = own.runs()[0]
    config = prepare_run(own, run, workers=10_000)
    assert config.train.threads == 1
    assert (run.model_directory / TRAINING / "texts.json").exists()
    assert [path.name for path in run.model_directory.iterdir()] == [TRAINING]  # no temporary directory is left
    prepare_run(own, run, workers=1)
    changed = Experiment(lab(base={"set": [*TREE["base"]["set"], "train.warmup=7"]}), own.directory, own.corpus)  # type: ignore[index]
    with pytest.raises(ConfigError, match="started with other options"):
        prepare_run(changed, run, workers=1)


def test_fingerprints_depend_on_options_that_change_results(experiment: Experiment) -> None:
    def fingerprints(**changes: object) -> list[str]:
        other = Experiment(lab(**changes), experiment.directory, experiment.corpus)
        return [other.fingerprint(run) for run in other.runs()]

    same = fingerprints()
    assert len(set(same)) == 6
    assert fingerprints(title="Another", base={"set": [*TREE["base"]["set"], "train.threads=1"]}) == same  # type: ignore[index]
    assert fingerprints(measure={"trials": 5, "lengths": [9]}) == same
    assert not set(fingerprints(budget={"steps": 6})) & set(same)
    assert not set(fingerprints(measure={"beam": 1})) & set(same)


def test_the_base_file_is_copied(tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text("[train]\nwarmup = 3\n")
    made = set_up(lab(base={**TREE["base"], "file": str(base)}), tmp_path / "lab")  # type: ignore[dict-item]
    base.unlink()
    again = open_experiment(tmp_path / "lab")
    assert again.config(again.runs()[0]).train.warmup == 3
    assert json.loads((made.corpus.directory / "about.json").read_text())["made_of"]["pairs"] == 120


def test_two_processes_may_set_up_a_lab_at_once(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def set_up_again(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        set_up(lab(), experiment.directory)

    monkeypatch.setattr(os, "fsync", set_up_again)
    assert set_up(lab(), experiment.directory) == experiment
    assert [path.name for path in experiment.directory.glob("lab.toml*")] == ["lab.toml"]


def test_a_wrong_option_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"systems\.a: .*hiden"):
        set_up(lab(systems={"a": ["model.hiden=3"]}), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()
