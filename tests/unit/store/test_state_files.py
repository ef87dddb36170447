"""Two states are kept: a damaged one costs some steps, never the training."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from regard.errors import CheckpointError
from regard.store import checkpoint
from regard.store.checkpoint import StateVersionError, load_state
from regard.store.state_files import PREVIOUS_STATE, STATE, StateFiles, has_saved_state, newest_scalars

TENSORS = {"w": torch.arange(100.0)}
LIKE_A_CUT = 300


def saved(directory: Path, *steps: int) -> StateFiles:
    files = StateFiles()
    for step in steps:
        files.save(directory, TENSORS, {"step": step})
    return files


def step_of(path: Path) -> object:
    return load_state(path)[1]["step"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:LIKE_A_CUT])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-7] ^= 4
    path.write_bytes(bytes(data))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def test_the_two_newest_states_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    assert not (tmp_path / PREVIOUS_STATE).exists()
    saved(tmp_path, 2, 3)
    assert [step_of(tmp_path / name) for name in (STATE, PREVIOUS_STATE)] == [3, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([STATE, PREVIOUS_STATE])
    loaded = StateFiles().load(tmp_path)
    assert (loaded.scalars["step"], loaded.path, loaded.note) == (3, tmp_path / STATE, None)


@pytest.mark.parametrize("damage", [cut, flip, empty, Path.unlink])
def test_a_damaged_newest_state_is_replaced_by_the_one_before(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    saved(tmp_path, 1, 2)
    damage(tmp_path / STATE)
    assert has_saved_state(tmp_path)
    assert newest_scalars(tmp_path)
    files = StateFiles()
    loaded = files.load(tmp_path)
    assert (loaded.scalars["step"], loaded.path) == (1, tmp_path / PREVIOUS_STATE)
    assert loaded.note is not None
    assert f"{tmp_path / STATE} is " in loaded.note
    assert "resumes from the state before it" in loaded.note
    files.save(tmp_path, TENSORS, {"step": 3})  # replaces the damaged state, and not the intact one
    assert [step_of(tmp_path / name) for name in (STATE, PREVIOUS_STATE)] == [3, 1]
    files.save(tmp_path, TENSORS, {"step": 4})
    assert [step_of(tmp_path / name) for name in (STATE, PREVIOUS_STATE)] == [4, 3]


def test_two_damaged_states_are_refused_with_the_fault_of_the_newest(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    for name in (STATE, PREVIOUS_STATE):
        flip(tmp_path / name)
    with pytest.raises(CheckpointError, match=rf"/{STATE}: damaged: its content does not match its hash"):
        StateFiles().load(tmp_path)


def test_a_newest_state_of_a_newer_version_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "STATE_VERSION", 99)
        saved(tmp_path, 2)
    with pytest.raises(StateVersionError, match="format version 99"):
        StateFiles().load(tmp_path)


class Failing:
    """Makes the numbered call of any function that changes a directory or syncs fail, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.calls, self.at = 0, at
        for name in ("link", "replace", "unlink", "fsync", "chmod"):
            monkeypatch.setattr(os, name, self.failing(getattr(os, name)))

    def failing(self, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            self.calls += 1
            if self.calls == self.at:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return function(*args, **options)

        return call


def test_no_failing_call_loses_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at, reached = 0, True
    while reached:
        at += 1
        directory = tmp_path / str(at)
        files = saved(directory, 1, 2)
        with monkeypatch.context() as patch:
            failing = Failing(patch, at)
            try:
                files.save(directory, TENSORS, {"step": 3})
            except CheckpointError as error:
                assert "cannot be written" in str(error)
            reached = failing.calls >= at
        steps = [step_of(path) for name in (STATE, PREVIOUS_STATE) if (path := directory / name).exists()]
        assert len(set(steps)) == 2, steps
        assert StateFiles().load(directory).scalars["step"] in (2, 3)
        files.save(directory, TENSORS, {"step": 4})
        assert step_of(directory / STATE) == 4
        assert step_of(directory / PREVIOUS_STATE) in (2, 3)
    assert at > 5


def test_without_hard_links_the_state_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    saved(tmp_path, 1, 2, 3)
    assert [step_of(tmp_path / name) for name in (STATE, PREVIOUS_STATE)] == [3, 2]
    assert len(list(tmp_path.iterdir())) == 2
