"""A whole training: from files to a model directory; repeatable; stopped and resumed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch
from toy_training import Toy

from regard.config.data_section import CorpusConfig
from regard.config.schema import Config, TrainConfig, TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.recipes import training
from regard.recipes.training import choose_device, train
from regard.store import load_model
from regard.train.interrupt import Interrupt
from regard.train.optimizer import Updater
from regard.train.reporter import StepReport, TrainingPlan, Validation


def digest(model: Path) -> str:
    return hashlib.sha256((model / "weights.safetensors").read_bytes()).hexdigest()


class Stopper:
    """A reporter that requests a stop when training has come to a step."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.interrupt = Interrupt()
        self.messages: list[str] = []

    def on_start(self, plan: TrainingPlan) -> None: ...

    def on_step(self, report: StepReport) -> None: ...

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        if step == self.step:
            self.interrupt.request()

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None: ...


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_seed_gives_the_same_model(toy: Toy, precision: str) -> None:
    results = [
        train(toy.config(f"train.precision={precision}", f"train.seed={seed}"), toy.directory / name)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    hashes = [digest(result.path) for result in results]
    assert hashes[0] == hashes[1] != hashes[2]
    assert not results[0].interrupted
    assert results[0].steps == 8


def test_the_model_records_its_training(toy: Toy) -> None:
    result = train(toy.config("train.average=best"), toy.directory / "model")
    stored = load_model(result.path)
    assert stored.config == result.config
    details = stored.manifest.details
    assert result.validation is not None
    assert details["validation_bleu"] == round(result.validation.bleu or 0.0, 4)
    assert details["chosen"] == result.chosen
    assert (details["steps"], details["seed"], details["training_pairs"]) == (8, 1, 120)
    assert "torch" in details


def test_a_resumed_training_gives_the_same_model(toy: Toy) -> None:
    whole = train(toy.config(), toy.directory / "whole")
    stopper = Stopper(4)
    stopped = train(toy.config(), toy.directory / "broken", reporter=stopper, interrupt=stopper.interrupt)
    assert (stopped.interrupted, stopped.steps, stopped.validation) == (True, 4, None)
    assert not (stopped.path / "manifest.json").exists()
    assert f"regard train --out {stopped.path} --resume" in stopper.messages[-1]
    resumed = train(None, toy.directory / "broken", resume=True)
    assert not resumed.interrupted
    assert digest(resumed.path) == digest(whole.path)
    assert resumed.config == whole.config


def test_only_limits_may_be_raised(toy: Toy) -> None:
    train(toy.config(), toy.directory / "model")
    longer = train(toy.config("train.steps=12", "train.learning_rate=7"), toy.directory / "model", resume=True)
    assert longer.steps == 12
    assert longer.config.train.learning_rate == toy.config().train.learning_rate


def test_threads_of_a_larger_machine_are_lowered_with_a_note(toy: Toy) -> None:
    stopper = Stopper(0)
    result = train(toy.config("train.threads=1000"), toy.directory / "model", reporter=stopper)
    assert result.steps == 8
    assert any("train.threads = 1000 is too many for this machine" in message for message in stopper.messages)


def test_a_training_without_a_saved_state_starts_again(toy: Toy) -> None:
    whole = train(toy.config(), toy.directory / "whole")
    train(toy.config(), toy.directory / "model")
    for name in ("state.safetensors", "state.previous.safetensors"):
        (toy.directory / "model/training" / name).unlink()
    resumed = train(None, toy.directory / "model", resume=True)
    assert digest(resumed.path) == digest(whole.path)


def test_the_state_before_the_newest_gives_the_same_model(toy: Toy) -> None:
    whole = train(toy.config(), toy.directory / "whole")
    hash_before, state = digest(whole.path), whole.path / "training/state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    stopper = Stopper(0)
    resumed = train(None, whole.path, resume=True, reporter=stopper)
    assert digest(resumed.path) == hash_before
    assert any("state.safetensors is damaged or incomplete" in message for message in stopper.messages)


def test_other_threads_of_a_resumed_training_are_named_once(toy: Toy) -> None:
    train(toy.config("train.threads=1"), toy.directory / "model")
    found = []
    for steps in (12, 16):
        stopper = Stopper(0)
        config = toy.config("train.threads=2", f"train.steps={steps}", "train.save_minutes=3")
        resumed = train(config, toy.directory / "model", resume=True, reporter=stopper)
        assert resumed.config.train.save_minutes == 3
        found.append([message for message in stopper.messages if "not bit-identical" in message])
    assert found[1] == []
    [message] = found[0]
    assert message.endswith("because conditions changed since the state was saved: threads: 1, now 2")


def test_options_that_are_not_given_stay_when_a_training_resumes(toy: Toy) -> None:
    train(toy.config("train.save_minutes=3"), toy.directory / "model")
    resumed = train(Config(train=TrainConfig(steps=12)), toy.directory / "model", resume=True)
    assert (resumed.steps, resumed.config.train.save_minutes) == (12, 3)


@pytest.mark.parametrize("several", [False, True])
def test_a_broken_batch_is_written_with_file_and_line(toy: Toy, monkeypatch: pytest.MonkeyPatch, several: bool) -> None:
    update, rates = Updater.update, []

    def breaking(updater: Updater, rate: float) -> torch.Tensor:
        rates.append(rate)
        if len(rates) == 4:
            next(iter(updater.named.values())).grad.fill_(float("inf"))  # type: ignore[union-attr]
        return update(updater, rate)

    config, more = toy.config(), toy.directory / "more.tsv"
    data = config.data
    if several:
        lines = Path(str(data.src)).read_text().splitlines()
        more.write_text("".join(f"{line}\t{line}\n" for line in lines))
        corpora = (CorpusConfig(src=str(data.src), tgt=str(data.tgt)), CorpusConfig(src=str(more)))
        data = data.model_copy(update={"src": None, "tgt": None, "corpora": corpora})
    monkeypatch.setattr(Updater, "update", breaking)
    stopper = Stopper(0)
    result = train(config.model_copy(update={"data": data}), toy.directory / "model", reporter=stopper)
    [path] = (result.path / "training/broken").iterdir()
    assert any(f"are in {path}" in message for message in stopper.messages)
    for record in map(json.loads, path.read_text().splitlines()):
        if several:
            file, number = re.fullmatch(r"(.*), pair (\d+) of the training text", record["origin"]).groups()  # type: ignore[union-attr]
            assert (file == str(more)) == (int(number) > 120)
        else:
            file, _, number = record["origin"].rpartition(":")
        text = Path(file).read_text().splitlines()[(int(number) - 1) % 120]
        assert text.split("\t")[0] == record["source"]


def test_epochs_are_converted_to_steps(toy: Toy) -> None:
    result = train(toy.config("train.epochs=2"), toy.directory / "model")
    assert result.config.train.steps == result.steps > 8


def test_subwords_can_be_sampled_and_separate(toy: Toy) -> None:
    config = toy.config("subword.sample_alpha=0.2", "subword.shared=false", "train.steps=2")
    stored = load_model(train(config, toy.directory / "model").path)
    assert stored.src_subword is not stored.tgt_subword


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        ("manifest.json", r"already contains manifest\.json: choose another --out, or replace it with --overwrite"),
        ("weights.safetensors", r"already contains weights\.safetensors: choose"),
        ("training/state.safetensors", r"already contains training: choose another --out, or replace"),
        (
            "training/my-notes.txt",
            r"expected only files written by a training.*found 'my-notes\.txt'.*move that file elsewhere",
        ),
    ],
)
def test_a_directory_in_use_is_not_touched(toy: Toy, taken: str, message: str) -> None:
    path = toy.directory / "model" / taken
    path.parent.mkdir(parents=True)
    path.write_text("of another program")
    with pytest.raises(ConfigError, match=message):
        train(toy.config(), toy.directory / "model")
    assert [file for file in (toy.directory / "model").rglob("*") if file.is_file()] == [path]
    assert path.read_text() == "of another program"


def test_a_training_that_can_resume_is_not_replaced(toy: Toy) -> None:
    stopper = Stopper(4)
    train(toy.config(), toy.directory / "model", reporter=stopper, interrupt=stopper.interrupt)
    with pytest.raises(
        ConfigError, match=r"already contains .*: choose another --out, resume it with --resume, or replace"
    ):
        train(toy.config(), toy.directory / "model")


def test_a_finished_training_can_be_replaced(toy: Toy) -> None:
    out = toy.directory / "model"
    train(toy.config(), out)
    before = digest(out)
    train(toy.config("train.seed=2"), out, overwrite=True)
    assert digest(out) != before


def test_a_file_in_place_of_the_directory_is_refused(toy: Toy) -> None:
    with pytest.raises(ConfigError, match="expected a directory for the model, found a file"):
        train(toy.config(), toy.directory / "train.en")


def test_resuming_needs_a_training(toy: Toy) -> None:
    with pytest.raises(CheckpointError, match="no training to resume"):
        train(None, toy.directory / "nowhere", resume=True)


def test_a_new_training_needs_a_configuration(toy: Toy) -> None:
    with pytest.raises(ConfigError, match="expected a configuration"):
        train(None, toy.directory / "model")


def test_the_measured_precision_is_kept(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.train.precision.measure_ratio", lambda *_, **__: 2.0)
    stopper = Stopper(4)
    config = toy.config("train.precision=auto")
    stopped = train(config, toy.directory / "model", reporter=stopper, interrupt=stopper.interrupt)
    assert stopped.config.train.precision == "bfloat16"
    assert any("2.0 times as fast" in message for message in stopper.messages)
    monkeypatch.setattr("regard.train.precision.measure_ratio", lambda *_, **__: 0.5)
    assert train(None, toy.directory / "model", resume=True).config.train.precision == "bfloat16"


def test_a_transformer_is_measured_by_its_batches(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: dict[str, int] = {}

    def measure(*_: object, **sizes: int) -> float:
        measured.update(sizes)
        return 0.5

    monkeypatch.setattr("regard.train.precision.measure_ratio", measure)
    model = TransformerConfig(width=16, ff_size=16, heads=2, encoder_layers=1, decoder_layers=1)
    config = toy.config("train.precision=auto", "train.steps=1").model_copy(update={"model": model})
    train(config, toy.directory / "model")
    assert measured == {"rows": 128, "width": 16}


def test_devices() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in {"cpu", "cuda"}
    for name in ("cuda:99", "abacus"):
        with pytest.raises(ConfigError, match=rf"train\.device = '{name}' cannot be used here"):
            choose_device(name)


def test_curves_are_written_with_tensorboard(toy: Toy) -> None:
    out = toy.directory / "model"
    train(toy.config("train.tensorboard=true", "train.steps=4"), out)
    assert list((out / "training/tensorboard").glob("events.*"))


def test_without_tensorboard_there_are_no_curves(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    train(toy.config("train.tensorboard=true", "train.steps=4"), toy.directory / "model")
    assert not (toy.directory / "model/training/tensorboard").exists()
