"""What a training must not cost: the old state, the way back to a start, the user's files."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from regard.config.load import parse_config, read_overrides
from regard.errors import CheckpointError, ConfigError, DataError, RegardError
from regard.recipes.training import train


def tree(place: Path) -> dict[str, str]:
    """All files below a directory but those of its locks."""
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


class At:
    """A reporter that does something at a certain moment: a step's validation, or the start."""

    def __init__(self, when: int | str, work: Callable[[], object]) -> None:
        self.when, self.work = when, work
        self.messages: list[str] = []

    def on_start(self, plan) -> None:
        if self.when == "start":
            self.work()

    def on_step(self, report) -> None: ...

    def on_validation(self, step: int, validation, *, best: bool) -> None:
        if step == self.when:
            self.work()

    def on_message(self, text: str) -> None:
        self.messages.append(text)
        if self.when == "message":
            self.when = "never"
            self.work()

    def on_end(self) -> None: ...


def stop() -> None:
    signal.raise_signal(signal.SIGTERM)


class BrokenError(Exception): ...


def break_off() -> None:
    raise BrokenError


@pytest.fixture
def finished(toy) -> Path:
    train(toy.config(), toy.directory / "model")
    return toy.directory / "model"


@pytest.mark.parametrize(
    "wrong",
    ["data.src=typo.en", "model.attention.heads=5", "train.device=abacus", "train.guided_weight=0.1", "data.max_len=1"],
)
def test_a_mistake_costs_nothing_that_was_there(toy, finished: Path, wrong: str) -> None:
    before = tree(finished)
    with pytest.raises(RegardError):
        train(toy.config(wrong), finished, overwrite=True)
    assert tree(finished) == before
    assert not (finished / ".training.new").exists()
    elsewhere = toy.directory / "other"
    with pytest.raises(RegardError):
        train(toy.config(wrong), elsewhere)
    assert not elsewhere.exists()
    assert train(toy.config(), elsewhere).steps == 8


@pytest.mark.parametrize("when", ["message", "start", 4])
def test_the_old_training_stays_until_the_new_one_has_saved_something(toy, finished: Path, when) -> None:
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


def test_stopped_before_its_first_step_it_replaces_nothing(toy, finished: Path) -> None:
    before, reporter = tree(finished), At("message", stop)
    stopped = train(toy.config("train.seed=2"), finished, overwrite=True, reporter=reporter)
    assert (stopped.interrupted, stopped.steps) == (True, 0)
    assert tree(finished) == before
    assert reporter.messages[-1] == f"stopped before the first step; what was in {finished} is as it was"


def test_stopped_later_it_replaces_and_goes_on(toy, finished: Path) -> None:
    reporter = At(4, stop)
    train(toy.config("train.seed=2"), finished, overwrite=True, reporter=reporter)
    assert any("is replaced as soon as this one has saved its first state" in one for one in reporter.messages)
    assert train(None, finished, resume=True).config.train.seed == 2


def test_a_preparation_that_was_never_trained_is_in_nobodys_way(toy) -> None:
    out = toy.directory / "model"
    with pytest.raises(BrokenError):
        train(toy.config(), out, reporter=At("start", break_off))
    assert sorted(tree(out / "training")) == ["config.toml", "subword.src.model", "subword.tgt.model", "texts.json"]
    assert train(toy.config("train.seed=2"), out).config.train.seed == 2


def test_a_second_training_is_refused_in_words(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.recipes.training.alone", nullcontext)  # which would refuse it in this process anyway
    out, told = toy.directory / "model", []

    def again() -> None:
        for options in ({"resume": True}, {"overwrite": True}, {}):
            with pytest.raises(CheckpointError) as refused:
                train(None if "resume" in options else toy.config(), out, **options)
            told.append(str(refused.value))

    assert train(toy.config(), out, reporter=At(4, again)).steps == 8
    assert len(told) == 3
    assert all(f"a training (process {os.getpid()} on " in one for one in told)


@pytest.mark.parametrize("how", ["training", "all", "replaced"])
@pytest.mark.parametrize("when", [4, 8])
def test_directories_that_vanish_are_told_in_words(toy, how: str, when: int) -> None:
    out = toy.directory / "model"

    def vanish() -> None:
        shutil.rmtree(out if how == "all" else out / "training")
        if how == "replaced":
            (out / "training").mkdir()

    with pytest.raises(CheckpointError, match="was removed or replaced during this training"):
        train(toy.config(), out, reporter=At(when, vanish))


def test_texts_may_move(toy) -> None:
    out, elsewhere = toy.directory / "model", toy.directory / "elsewhere"
    train(toy.config(), out, reporter=At(4, stop))
    elsewhere.mkdir()
    for name in ("train.en", "train.fr", "val.en", "val.fr"):
        (toy.directory / name).rename(elsewhere / name)
    with pytest.raises(DataError, match=r"train\.en: no such file.*began with it.*--resume --src FILE"):
        train(None, out, resume=True)
    moved = [f"data.{key}={elsewhere / name}" for key, name in (("src", "train.en"), ("tgt", "train.fr"))]
    with pytest.raises(DataError, match=r"val\.en: no such file.*--resume --val-src FILE"):
        train(toy.config(*moved, files=()), out, resume=True)
    moved += [f"data.{key}={elsewhere / name}" for key, name in (("val_src", "val.en"), ("val_tgt", "val.fr"))]
    assert train(toy.config(*moved, files=()), out, resume=True).steps == 8
    kept = parse_config((out / "training/config.toml").read_text(), where="kept")
    assert kept.data.src == str(elsewhere / "train.en")
    assert train(None, out, resume=True).steps == 8


def test_another_text_is_not_taken_for_the_one_that_moved(toy) -> None:
    out = toy.directory / "model"
    train(toy.config(), out, reporter=At(4, stop))
    before = tree(out)
    toy.write("other", 120, seed=9)
    other = [f"data.{key}={toy.directory / name}" for key, name in (("src", "other.en"), ("tgt", "other.fr"))]
    with pytest.raises(DataError, match=r"other\.en: .*text is not what it was"):
        train(toy.config(*other, files=()), out, resume=True)
    assert tree(out) == before


def test_word_links_may_move_and_must_be_the_same(toy) -> None:
    out, links = toy.directory / "model", toy.directory / "links"
    links.write_text("0-0 1-1\n" * 120)
    guided = ("train.guided_weight=0.1", f"train.guided_file={links}")
    train(toy.config(*guided), out, reporter=At(4, stop))
    links.rename(toy.directory / "moved")
    moved = read_overrides([f"train.guided_file={toy.directory / 'moved'}"])
    assert train(moved, out, resume=True).steps == 8
    (toy.directory / "moved").write_text("0-0\n" * 120)
    with pytest.raises(DataError, match="moved: the word links are not what they were"):
        train(None, out, resume=True)


@pytest.mark.parametrize("changed", ["train.steps=3", "train.max_minutes=0.0001"])
def test_limits_that_are_passed_are_refused(toy, changed: str) -> None:
    out = toy.directory / "model"
    train(toy.config(), out, reporter=At(4, stop))
    before = tree(out)
    with pytest.raises(ConfigError, match=rf"{changed.split('=')[0]} = .* has done .* already: give more, or leave it"):
        train(toy.config(changed), out, resume=True)
    assert tree(out) == before
    ended = train(toy.config("train.steps=4"), out, resume=True)
    assert (ended.steps, ended.config.train.steps) == (4, 4)


@pytest.mark.parametrize("name", ["data.src", "data.val_tgt", "train.guided_file"])
def test_a_name_that_no_configuration_can_hold_is_refused_before_anything_is_written(toy, name: str) -> None:
    odd = toy.directory / os.fsdecode(b"caf\xe9.en")
    shutil.copy(toy.directory / "train.en", odd)
    config = toy.config()
    section, key = name.split(".")
    part = getattr(config, section).model_copy(update={key: str(odd)})
    with pytest.raises(ConfigError, match=rf"{name}: expected a file name in UTF-8.*caf\\udce9\.en.*rename"):
        train(config.model_copy(update={section: part}), toy.directory / "model")
    assert not (toy.directory / "model").exists()


def test_an_empty_name_is_none(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(toy.directory)
    before = sorted(toy.directory.iterdir())
    with pytest.raises(ConfigError, match="out: expected a path, got an empty one"):
        train(toy.config(), "")
    with pytest.raises(ConfigError, match=r"data\.src: expected a path, got an empty one"):
        train(toy.config('data.src=""'), "model")
    assert sorted(toy.directory.iterdir()) == before


def test_going_on_never_truncates_what_it_needs(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    out = toy.directory / "model"
    train(toy.config(), out, reporter=At(4, stop))
    really = Path.write_text

    def dying(self: Path, text: str, **options: object) -> int:
        if "config.toml" in self.name:
            self.open("w").close()
            raise BrokenError
        return really(self, text, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", dying)
        with pytest.raises(BrokenError):
            train(toy.config("train.steps=12"), out, resume=True)
    assert train(None, out, resume=True).steps == 8


@pytest.mark.parametrize("name", ["subword.src.model", "texts.json", "config.toml"])
def test_what_was_kept_is_not_taken_when_it_has_changed(toy, name: str) -> None:
    out = toy.directory / "model"
    train(toy.config(), out, reporter=At(4, stop))
    kept = out / "training" / name
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 0x81
    kept.write_bytes(content)
    with pytest.raises(RegardError):
        train(None, out, resume=True)


def test_curves_move_with_the_training_and_a_full_disk_ends_only_them(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    out, reporter = toy.directory / "model", At("never", break_off)
    curves = "train.tensorboard=true"
    train(toy.config(curves), out)
    train(toy.config(curves, "train.seed=2"), out, overwrite=True)
    assert len(list((out / "training/tensorboard").glob("events.*"))) == 2  # before and after it took its place

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SummaryWriter, "add_scalar", full)
    assert train(toy.config(curves), toy.directory / "other", reporter=reporter).steps == 8
    (told,) = [one for one in reporter.messages if "no more curves" in one]
    assert told.endswith("no more curves are written: No space left on device; the training goes on")
