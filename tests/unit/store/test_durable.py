"""Files arrive whole, and for everyone who may usually read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import regard.store.durable
from regard.errors import CheckpointError
from regard.store.durable import write_file, write_shared_text
from regard.store.weights import write_tensors


def test_a_model_may_be_read_by_whom_files_usually_may(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_file(tmp_path / "weights", lambda file: write_tensors(file, {"w": torch.ones(2)}))
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_of_two_that_write_the_same_text_the_last_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync = tmp_path / "deep" / "text", os.fsync

    def meanwhile(handle: int) -> None:
        monkeypatch.setattr(regard.store.durable.os, "fsync", sync)
        write_shared_text(path, "quick")
        sync(handle)

    monkeypatch.setattr(regard.store.durable.os, "fsync", meanwhile)
    write_shared_text(path, "slow")
    assert path.read_text() == "slow"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="deep: cannot be written"):
        write_shared_text(path.parent, "")  # a directory is there
    assert list(tmp_path.iterdir()) == [path.parent]
