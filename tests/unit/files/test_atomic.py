"""Files and directories are written completely or not at all, with the usual permissions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from regard.errors import CheckpointError
from regard.files.atomic import atomic_directory, write_file, write_shared_text
from regard.store.weights import write_tensors


def test_weights_have_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_file(tmp_path / "weights", lambda file: write_tensors(file, {"w": torch.ones(2)}))
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_of_two_concurrent_writers_the_last_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync = tmp_path / "deep" / "text", os.fsync

    def write_concurrently(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        write_shared_text(path, "quick")
        sync(handle)

    monkeypatch.setattr(os, "fsync", write_concurrently)
    write_shared_text(path, "slow")
    assert path.read_text() == "slow"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="deep: cannot be written"):
        write_shared_text(path.parent, "")  # a directory is there
    assert list(tmp_path.iterdir()) == [path.parent]


def test_a_directory_is_created_completely(tmp_path: Path) -> None:
    path, temporary = tmp_path / "export", tmp_path / ".export.new"
    make_directory_with_file(temporary, "left by a killed process")
    (tmp_path / "usual").touch()
    with atomic_directory(path, temporary=temporary) as directory:
        assert not list(directory.iterdir())
        (directory / "weights").touch(mode=0o600)
        (directory / "weights").write_text("1")
        assert not path.exists()
    assert (path / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["export", "usual"]


def test_of_two_concurrent_directories_the_first_wins(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    with atomic_directory(path) as slow:
        (slow / "by").write_text("slow")
        with atomic_directory(path) as quick:
            (quick / "by").write_text("quick")
    assert (path / "by").read_text() == "quick"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_cannot_be_synced_is_not_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(CheckpointError, match=r"No space left on device.*Make room"),
        atomic_directory(tmp_path / "a") as directory,
    ):
        (directory / "file").touch()
    assert not list(tmp_path.iterdir())


def make_directory_with_file(directory: Path, text: str) -> None:
    directory.mkdir()
    (directory / "file").write_text(text)
