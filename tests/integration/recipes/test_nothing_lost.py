"""A training loses nothing: neither the old state nor the chance to start again nor the user's files."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from toy_training import Toy

from regard.config.load import parse_config, read_overrides
from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError, DataError, RegardError
from regard.recipes.training import TrainResult, train
from regard.train import loop
from regard.train.interrupt import Interrupt
from regard.train.reporter import StepReport, TrainingPlan, Validation


def tree(place: Path) -> dict[str, str]:
    """Hashes of all files below a directory, except its locks."""
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


class At:
    """A reporter that calls a function at one moment: the start, a step, a step's validation, or the first message."""

    def __init__(self, when: int | str, work: Callable[[], object]) -> None:
        self.when, self.work = when, work
        self.messages: list[str] = []

    def on_start(self, plan: TrainingPlan) -> None:
        if self.when == "start":
            self.work()

    def on_step(self, report: StepReport) -> None:
        if self.when == f"step {report.step}":
            self.work()

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        if step == self.when:
            self.work()

    def on_message(self, text: str) -> None:
        self.messages.append(text)
        if self.when == "message":
            self.when = "never"
            self.work()

    def on_end(self) -> None: ...


def stopped_at(when: int | str, config: Config, out: Path, *, overwrite: bool = False) -> tuple[TrainResult, list[str]]:
    """A training that is asked to stop at a certain moment, and its messages."""
    interrupt = Interrupt()
    reporter = At(when, interrupt.request)
    return train(config, out, reporter=reporter, interrupt=interrupt, overwrite=overwrite), reporter.messages


class BrokenError(Exception): ...


def break_off() -> None:
    raise BrokenError


@pytest.fixture
def finished(toy: Toy) -> Path:
    train(toy.config(), toy.directory / "model")
    return toy.directory / "model"


@pytest.mark.parametrize(
    "option",
    ["data.src=typo.en", "model.attention.heads=5", "train.device=abacus", "train.guided_weight=0.1", "data.max_len=1"],
)
def test_an_invalid_option_leaves_everything_as_it_was(toy: Toy, finished: Path, option: str) -> None:
    before = tree(finished)
    with pytest.raises(RegardError):
        train(toy.config(option), finished, overwrite=True)
    assert tree(finished) == before
    assert not (finished / ".training.new").exists()
    elsewhere = toy.directory / "other"
    with pytest.raises(RegardError):
        train(toy.config(option), elsewhere)
    assert not elsewhere.exists()
    assert train(toy.config(), elsewhere).steps == 8


@pytest.mark.parametrize("when", ["message", "start", 4])
def test_the_old_training_stays_until_the_new_one_has_saved_a_state(toy: Toy, finished: Path, when: int | str) -> None:
    before = tree(finished)
    with pytest.raises(BrokenError):
        train(toy.config("train.seed=2"), finished, overwrite=True, reporter=At(when, break_off))
    assert tree(finished) == before
    with pytest.raises(BrokenError):
        train(toy.config("train.seed=2"), finished, overwrite=True, reporter=At(8, break_off))
    after = tree(finished)
    assert after["manifest.json"] == before["manifest.json"]  # the model, until there is another
    assert after["training/state.safetensors"] != before["training/state.safetensors"]
    resumed = train(None, finished, resume=True)
    assert resumed.config.train.seed == 2
    assert tree(finished)["manifest.json"] != before["manifest.json"]


def test_a_training_stopped_before_its_first_step_replaces_nothing(toy: Toy, finished: Path) -> None:
    before = tree(finished)
    stopped, messages = stopped_at("message", toy.config("train.seed=2"), finished, overwrite=True)
    assert (stopped.interrupted, stopped.steps) == (True, 0)
    assert tree(finished) == before
    assert messages[-1] == f"stopped before the first step; {finished} is unchanged"


def test_a_training_stopped_later_replaces_the_old_one_and_resumes(toy: Toy, finished: Path) -> None:
    _, messages = stopped_at(4, toy.config("train.seed=2"), finished, overwrite=True)
    assert any("is replaced as soon as this one has saved its first state" in message for message in messages)
    assert train(None, finished, resume=True).config.train.seed == 2


def test_a_stop_without_saving_writes_nothing_more(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)
    out, interrupt = toy.directory / "model", Interrupt()
    states: list[bytes] = []

    def stop_at_once() -> None:
        states.append((out / "training/state.safetensors").read_bytes())
        interrupt.request(save=False)

    reporter = At("step 6", stop_at_once)
    stopped = train(toy.config(), out, reporter=reporter, interrupt=interrupt)
    assert (stopped.interrupted, stopped.steps) == (True, 6)
    assert (out / "training/state.safetensors").read_bytes() == states[0]
    assert reporter.messages[-1] == "stopped after step 6, without saving the steps since the last saved state"


def test_a_prepared_training_without_steps_is_replaced(toy: Toy) -> None:
    out = toy.directory / "model"
    with pytest.raises(BrokenError):
        train(toy.config(), out, reporter=At("start", break_off))
    assert sorted(tree(out / "training")) == ["config.toml", "subword.src.model", "subword.tgt.model", "texts.json"]
    assert train(toy.config("train.seed=2"), out).config.train.seed == 2


def test_a_second_training_is_refused_with_a_message(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    # The lock of this process would refuse the second training first.
    monkeypatch.setattr("regard.recipes.training.exclusive_training", nullcontext)
    out, messages = toy.directory / "model", []

    def again() -> None:
        for resume, overwrite in ((True, False), (False, True), (False, False)):
            with pytest.raises(CheckpointError) as refused:
                train(None if resume else toy.config(), out, resume=resume, overwrite=overwrite)
            messages.append(str(refused.value))

    assert train(toy.config(), out, reporter=At(4, again)).steps == 8
    assert len(messages) == 3
    assert all(f"a training (process {os.getpid()} on " in message for message in messages)


@pytest.mark.parametrize("how", ["training", "all", "replaced"])
@pytest.mark.parametrize("when", [4, 8])
def test_a_removed_directory_is_reported(toy: Toy, how: str, when: int) -> None:
    out = toy.directory / "model"

    def remove() -> None:
        shutil.rmtree(out if how == "all" else out / "training")
        if how == "replaced":
            (out / "training").mkdir()

    with pytest.raises(CheckpointError, match="was removed or replaced during this training"):
        train(toy.config(), out, reporter=At(when, remove))


def test_texts_may_move(toy: Toy) -> None:
    out, elsewhere = toy.directory / "model", toy.directory / "elsewhere"
    stopped_at(4, toy.config(), out)
    elsewhere.mkdir()
    for name in ("train.en", "train.fr", "val.en", "val.fr"):
        (toy.directory / name).rename(elsewhere / name)
    with pytest.raises(DataError, match=r"train\.en: no such file.*was started with this text.*--resume --src FILE"):
        train(None, out, resume=True)
    moved = [f"data.{key}={elsewhere / name}" for key, name in (("src", "train.en"), ("tgt", "train.fr"))]
    with pytest.raises(DataError, match=r"val\.en: no such file.*--resume --val-src FILE"):
        train(toy.config(*moved, files=()), out, resume=True)
    moved += [f"data.{key}={elsewhere / name}" for key, name in (("val_src", "val.en"), ("val_tgt", "val.fr"))]
    assert train(toy.config(*moved, files=()), out, resume=True).steps == 8
    kept = parse_config((out / "training/config.toml").read_text(), where="kept")
    assert kept.data.src == str(elsewhere / "train.en")
    assert train(None, out, resume=True).steps == 8


def test_another_text_is_not_accepted_as_the_moved_one(toy: Toy) -> None:
    out = toy.directory / "model"
    stopped_at(4, toy.config(), out)
    before = tree(out)
    toy.write("other", 120, seed=9)
    other = [f"data.{key}={toy.directory / name}" for key, name in (("src", "other.en"), ("tgt", "other.fr"))]
    with pytest.raises(DataError, match=r"other\.en and .*other\.fr: .*text has changed since"):
        train(toy.config(*other, files=()), out, resume=True)
    assert tree(out) == before


def test_word_links_may_move_and_must_be_the_same(toy: Toy) -> None:
    out, links = toy.directory / "model", toy.directory / "links"
    links.write_text("0-0 1-1\n" * 120)
    guided = ("train.guided_weight=0.1", f"train.guided_file={links}")
    stopped_at(4, toy.config(*guided), out)
    links.rename(toy.directory / "moved")
    moved = read_overrides([f"train.guided_file={toy.directory / 'moved'}"])
    assert train(moved, out, resume=True).steps == 8
    (toy.directory / "moved").write_text("0-0\n" * 120)
    with pytest.raises(DataError, match="moved: the word links have changed since"):
        train(None, out, resume=True)


@pytest.mark.parametrize("changed", ["train.steps=3", "train.max_minutes=0.0001"])
def test_limits_that_are_already_passed_are_refused(toy: Toy, changed: str) -> None:
    out = toy.directory / "model"
    stopped_at(4, toy.config(), out)
    before = tree(out)
    with pytest.raises(
        ConfigError, match=rf"{changed.split('=')[0]} = .* has done .* already: set a higher value, or leave train"
    ):
        train(toy.config(changed), out, resume=True)
    assert tree(out) == before
    ended = train(toy.config("train.steps=4"), out, resume=True)
    assert (ended.steps, ended.config.train.steps) == (4, 4)


@pytest.mark.parametrize("name", ["data.src", "data.val_tgt", "train.guided_file"])
def test_a_name_that_a_configuration_cannot_store_is_refused_before_anything_is_written(toy: Toy, name: str) -> None:
    odd = toy.directory / os.fsdecode(b"caf\xe9.en")
    shutil.copy(toy.directory / "train.en", odd)
    config = toy.config()
    section, key = name.split(".")
    changed = getattr(config, section).model_copy(update={key: str(odd)})
    with pytest.raises(ConfigError, match=rf"{name}: expected a file name in UTF-8.*caf\\udce9\.en.*rename"):
        train(config.model_copy(update={section: changed}), toy.directory / "model")
    assert not (toy.directory / "model").exists()


def test_an_empty_name_is_refused(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(toy.directory)
    before = sorted(toy.directory.iterdir())
    with pytest.raises(ConfigError, match="out: expected a path, got an empty one"):
        train(toy.config(), "")
    with pytest.raises(ConfigError, match=r"data\.src: expected a path, got an empty one"):
        train(toy.config('data.src=""'), "model")
    assert sorted(toy.directory.iterdir()) == before


def test_resuming_never_truncates_its_configuration(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    out = toy.directory / "model"
    stopped_at(4, toy.config(), out)
    write_text = Path.write_text

    def failing_write(self: Path, text: str, *, encoding: str, newline: str | None = None) -> int:
        if "config.toml" in self.name:
            self.open("w").close()
            raise BrokenError
        return write_text(self, text, encoding=encoding, newline=newline)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", failing_write)
        with pytest.raises(BrokenError):
            train(toy.config("train.steps=12"), out, resume=True)
    assert train(None, out, resume=True).steps == 8


@pytest.mark.parametrize("name", ["subword.src.model", "texts.json", "config.toml"])
def test_a_changed_file_of_the_training_is_refused(toy: Toy, name: str) -> None:
    out = toy.directory / "model"
    stopped_at(4, toy.config(), out)
    kept = out / "training" / name
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 0x81
    kept.write_bytes(content)
    with pytest.raises(RegardError):
        train(None, out, resume=True)


def test_curves_move_with_the_training_and_a_full_disk_ends_only_them(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    out, reporter = toy.directory / "model", At("never", break_off)
    curves = "train.tensorboard=true"
    train(toy.config(curves), out)
    train(toy.config(curves, "train.seed=2"), out, overwrite=True)
    assert (
        len(list((out / "training/tensorboard").glob("events.*"))) == 2
    )  # before and after it replaced the old training

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SummaryWriter, "add_scalar", full)
    assert train(toy.config(curves), toy.directory / "other", reporter=reporter).steps == 8
    (warning,) = [message for message in reporter.messages if "no more curves" in message]
    assert warning.endswith("no more curves are written: No space left on device; the training continues")
