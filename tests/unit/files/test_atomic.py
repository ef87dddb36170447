"""Files arrive whole, and for everyone who may usually read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import regard.files.atomic
from regard.errors import CheckpointError
from regard.files.atomic import atomic_directory, write_file, write_shared_text
from regard.store.weights import write_tensors


def test_a_model_may_be_read_by_whom_files_usually_may(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_file(tmp_path / "weights", lambda file: write_tensors(file, {"w": torch.ones(2)}))
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_of_two_that_write_the_same_text_the_last_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync = tmp_path / "deep" / "text", os.fsync

    def meanwhile(handle: int) -> None:
        monkeypatch.setattr(regard.files.atomic.os, "fsync", sync)
        write_shared_text(path, "quick")
        sync(handle)

    monkeypatch.setattr(regard.files.atomic.os, "fsync", meanwhile)
    write_shared_text(path, "slow")
    assert path.read_text() == "slow"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="deep: cannot be written"):
        write_shared_text(path.parent, "")  # a directory is there
    assert list(tmp_path.iterdir()) == [path.parent]


def test_a_directory_appears_whole(tmp_path: Path) -> None:
    place, waiting = tmp_path / "export", tmp_path / ".export.new"
    lay(waiting, "left by one that was killed")
    (tmp_path / "usual").touch()
    with atomic_directory(place, waiting=waiting) as making:
        assert not list(making.iterdir())
        (making / "weights").touch(mode=0o600)
        (making / "weights").write_text("1")
        assert not place.exists()
    assert (place / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sorted(one.name for one in tmp_path.iterdir()) == ["export", "usual"]


def test_of_two_that_make_the_same_directory_the_first_counts(tmp_path: Path) -> None:
    place = tmp_path / "shared"
    with atomic_directory(place) as slow:
        (slow / "by").write_text("slow")
        with atomic_directory(place) as quick:
            (quick / "by").write_text("quick")
    assert (place / "by").read_text() == "quick"
    assert list(tmp_path.iterdir()) == [place]


def test_a_directory_that_cannot_be_written_down_does_not_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(regard.files.atomic.os, "fsync", full)
    with (
        pytest.raises(CheckpointError, match=r"No space left on device.*Make room"),
        atomic_directory(tmp_path / "a") as making,
    ):
        (making / "file").touch()
    assert not list(tmp_path.iterdir())


def lay(directory: Path, text: str) -> None:
    directory.mkdir()
    (directory / "file").write_text(text)
