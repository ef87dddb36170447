"""Cells: what is equal for all of them, and what they may not share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import regard.files.atomic
from regard.errors import CheckpointError, ConfigError
from regard.lab.experiment import Experiment, begin, open_experiment, set_up
from regard.lab.schema import Lab
from regard.recipes.training import TRAINING

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
def bench(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return set_up(lab(), tmp_path_factory.mktemp("cells") / "lab")


def test_a_lab_is_found_again(bench: Experiment) -> None:
    again = open_experiment(bench.directory)
    assert again == bench
    assert [cell.name for cell in again.cells()] == [
        "a, seed 1", "b/x, seed 1", "other-words, seed 1", "a, seed 2", "b/x, seed 2", "other-words, seed 2",
    ]  # fmt: skip
    with pytest.raises(CheckpointError, match="start with `regard lab run`"):
        open_experiment(bench.directory / "nowhere")


def test_a_vocabulary_is_shared_by_all_that_want_the_same(bench: Experiment) -> None:
    configs = [bench.config(cell) for cell in bench.cells()]
    assert len({bench.vocabulary(one) for one in configs}) == 2
    assert sorted({one.subword.vocab_size for one in configs}) == [300, 310]
    assert [one.train.seed for one in configs] == [1, 1, 1, 2, 2, 2]
    assert {one.train.steps for one in configs} == {5}


def test_a_budget_of_tokens_becomes_passes_over_the_text(bench: Experiment) -> None:
    cell = bench.cells()[0]
    tokens = bench.tokens_an_epoch(cell)
    spent = Experiment(lab(budget={"tokens": 3 * tokens, "minutes": 2.0}), bench.directory, bench.corpus)
    train = spent.config(cell).train
    assert (train.steps, train.epochs, train.max_minutes) == (None, 3.0, 2.0)
    counted = sum(len(line.split()) for line in bench.corpus.lines("train.tgt"))
    assert tokens > counted


def test_a_preset_s_own_length_does_not_count_beside_a_budget(bench: Experiment) -> None:
    base = {"preset": "demo", "set": TREE["base"]["set"]}  # type: ignore[index]
    for budget, expected in (({"steps": 7}, (7, None)), ({"minutes": 1.5}, (1600, 1.5)), ({}, (1600, None))):
        own = Experiment(lab(base=base, budget=budget), bench.directory, bench.corpus)
        train = own.config(own.cells()[0]).train
        assert (train.steps, train.max_minutes) == expected


def test_the_layout_lets_training_begin(bench: Experiment, tmp_path: Path) -> None:
    own = Experiment(bench.lab, bench.directory, bench.corpus)
    cell = own.cells()[0]
    config = begin(own, cell, workers=10_000)
    assert config.train.threads == 1
    assert (cell.model / TRAINING / "texts.json").exists()
    assert [path.name for path in cell.model.iterdir()] == [TRAINING]  # nothing that was made beside it is left
    begin(own, cell, workers=1)
    changed = Experiment(lab(base={"set": [*TREE["base"]["set"], "train.warmup=7"]}), own.directory, own.corpus)  # type: ignore[index]
    with pytest.raises(ConfigError, match="begun with other options"):
        begin(changed, cell, workers=1)


def test_what_a_result_depends_on(bench: Experiment) -> None:
    def marks(**changes: object) -> list[str]:
        other = Experiment(lab(**changes), bench.directory, bench.corpus)
        return [other.fingerprint(cell) for cell in other.cells()]

    same = marks()
    assert len(set(same)) == 6
    assert marks(title="Another", base={"set": [*TREE["base"]["set"], "train.threads=1"]}) == same  # type: ignore[index]
    assert marks(measure={"trials": 5, "lengths": [9]}) == same
    assert not set(marks(budget={"steps": 6})) & set(same)
    assert not set(marks(measure={"beam": 1})) & set(same)


def test_the_base_file_comes_along(tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text("[train]\nwarmup = 3\n")
    made = set_up(lab(base={**TREE["base"], "file": str(base)}), tmp_path / "lab")  # type: ignore[dict-item]
    base.unlink()
    again = open_experiment(tmp_path / "lab")
    assert again.config(again.cells()[0]).train.warmup == 3
    assert json.loads((made.corpus.directory / "about.json").read_text())["made_of"]["pairs"] == 120


def test_two_may_set_up_a_lab_at_once(bench: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def meanwhile(handle: int) -> None:
        monkeypatch.setattr(regard.files.atomic.os, "fsync", sync)
        set_up(lab(), bench.directory)

    monkeypatch.setattr(regard.files.atomic.os, "fsync", meanwhile)
    assert set_up(lab(), bench.directory) == bench
    assert [path.name for path in bench.directory.glob("lab.toml*")] == ["lab.toml"]


def test_a_wrong_option_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"systems\.a: .*hiden"):
        set_up(lab(systems={"a": ["model.hiden=3"]}), tmp_path / "lab")
    assert not (tmp_path / "lab").exists()
