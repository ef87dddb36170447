"""Files arrive whole, and for everyone who may usually read them."""

from __future__ import annotations

from pathlib import Path

import torch

from regard.store.durable import write_file
from regard.store.weights import write_tensors


def test_a_model_may_be_read_by_whom_files_usually_may(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_file(tmp_path / "weights", lambda file: write_tensors(file, {"w": torch.ones(2)}))
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "usual").stat().st_mode
