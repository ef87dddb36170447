"""Training on text that is prepared on disk: chosen by size, resumed exactly, and refused if it has changed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from toy_training import Toy

from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError, DataError
from regard.files.atomic import sha256
from regard.recipes.prepared_on_disk import PreparedOnDisk
from regard.recipes.training import TrainResult, train
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporter, StepReport, TrainingPlan, Validation

pytestmark = pytest.mark.usefixtures("ready_workers")
PYTHON = sys.executable


class Recorder:
    """Records messages, and requests a stop after a validation."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.messages: list[str] = []
        self.interrupt = Interrupt()
        self.stop_at = stop_at

    def on_start(self, plan: TrainingPlan) -> None:
        """Nothing to record."""

    def on_step(self, report: StepReport) -> None:
        """Nothing to record."""

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        if step == self.stop_at:
            self.interrupt.request()

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None:
        """Nothing to record."""


@pytest.fixture(params=[0.0, 0.1], ids=["best", "sampled"])
def config(request: pytest.FixtureRequest, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr("regard.recipes.prepared_on_disk.LARGE_BYTES", 1000)
    toy.write("train", 400, seed=4)
    return toy.config(f"subword.sample_alpha={request.param}", files=("src", "tgt"))


def run(config: Config | None, out: Path, stop_at: int | None = None, *, resume: bool = False) -> TrainResult:
    recorder = Recorder(stop_at)
    return train(config, out, resume=resume, reporter=recorder, interrupt=recorder.interrupt)


def weights(out: Path) -> str:
    return sha256(out / "weights.safetensors")


def test_a_resumed_training_gives_the_same_model(config: Config, tmp_path: Path) -> None:
    run(config, tmp_path / "whole")
    assert (tmp_path / "whole.prepared" / "manifest.json").is_file()
    out = tmp_path / "cut"
    assert run(config, out, stop_at=4).interrupted
    shutil.rmtree(tmp_path / "cut.prepared")  # it is made again
    assert not run(None, out, resume=True).interrupted
    assert weights(out) == weights(tmp_path / "whole")


def test_a_damaged_shard_is_made_again_when_a_training_resumes(config: Config, toy: Toy, tmp_path: Path) -> None:
    run(config, tmp_path / "whole")
    out = tmp_path / "cut"
    assert run(config, out, stop_at=4).interrupted
    shard = tmp_path / "cut.prepared" / "part-00000.safetensors"
    data = bytearray(shard.read_bytes())
    data[-30] ^= 1
    shard.write_bytes(data)
    (toy.directory / "train.en").rename(toy.directory / "away.en")
    with pytest.raises(CheckpointError, match=r"part-00000\.safetensors: damaged.*train\.en is not there: restore"):
        run(None, out, resume=True)
    (toy.directory / "away.en").rename(toy.directory / "train.en")
    recorder = Recorder()
    assert not train(None, out, resume=True, reporter=recorder).interrupted
    assert any("damaged or missing: part-00000.safetensors; they are made again" in text for text in recorder.messages)
    assert weights(out) == weights(tmp_path / "whole")


def test_only_shards_are_needed_to_resume(config: Config, toy: Toy, tmp_path: Path) -> None:
    out = tmp_path / "model"
    assert run(config, out, stop_at=4).interrupted
    for name in ("train.en", "train.fr"):
        (toy.directory / name).unlink()
    assert not run(None, out, resume=True).interrupted


def test_text_that_has_changed_is_refused(config: Config, toy: Toy, tmp_path: Path) -> None:
    out = tmp_path / "model"
    run(config, out, stop_at=4)
    before = {path.name: path.read_bytes() for path in (tmp_path / "model.prepared").glob("*.*")}
    toy.write("train", 401, seed=5)
    with pytest.raises(DataError, match=r"the training or validation text has changed since the training in .* began"):
        run(None, out, resume=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "model.prepared").glob("*.*")} == before


def test_a_stop_during_the_preparation_leaves_no_model(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)  # workers that end at once when they are killed
    recorder = Recorder()
    recorder.interrupt.request()
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "model", reporter=recorder, interrupt=recorder.interrupt)
    assert not (tmp_path / "model").exists()
    assert recorder.messages[-1].startswith("stopped while preparing the text; what is done is kept")
    run(config, tmp_path / "model")


def test_small_text_is_held_in_memory(toy: Toy, tmp_path: Path) -> None:
    recorder: Reporter = Recorder()
    on_disk = PreparedOnDisk(tmp_path / "model", recorder, Interrupt())
    assert not on_disk.is_for(toy.config())
    assert on_disk.is_for(toy.config(f"data.prepared={tmp_path / 'p'}"))
    run(toy.config(), tmp_path / "model")
    assert not (tmp_path / "model.prepared").exists()


def test_guided_attention_needs_text_in_memory(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.recipes.prepared_on_disk.LARGE_BYTES", 1000)
    on_disk = PreparedOnDisk(tmp_path / "model", None, Interrupt())
    guided = ("train.guided_weight=0.1", "train.guided_file=links")
    assert not on_disk.is_for(toy.config(*guided))
    with pytest.raises(
        ConfigError,
        match=r"expected no word links, noise or terms with prepared text, found train.guided_weight = 0\.1",
    ):
        on_disk.is_for(toy.config(*guided, f"data.prepared={tmp_path / 'p'}"))
    assert not on_disk.is_for(toy.config("train.terms=0.1", "train.guided_file=links"))


def test_prepared_text_serves_several_trainings(toy: Toy, tmp_path: Path) -> None:
    config = toy.config(f"data.prepared={tmp_path / 'text'}", files=("src", "tgt"))
    run(config, tmp_path / "one")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "text").iterdir()}
    other = config.model_copy(update={"train": config.train.model_copy(update={"learning_rate": 0.002})})
    run(other, tmp_path / "two")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "text").iterdir()} == before
    (toy.directory / "train.en").unlink()
    without = config.model_copy(update={"data": config.data.model_copy(update={"src": None, "tgt": None})})
    run(without, tmp_path / "three")
    assert weights(tmp_path / "three") == weights(tmp_path / "one")


def test_a_directory_with_other_files_is_refused(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "part-1.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"found other files in it, such as part-1\.txt: choose another directory"):
        run(toy.config(f"data.prepared={tmp_path / 'text'}"), tmp_path / "model")
