"""The files of an export: for whom they usually are."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.errors import CheckpointError
from regard.interop.marian.exporter import export_marian


def test_an_export_may_be_read_by_whom_files_usually_may(make, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    export_marian(make(norm="post"), tmp_path / "marian")
    (tmp_path / "usual").touch()
    usual = (tmp_path / "usual").stat().st_mode
    assert {
        path.name: path.stat().st_mode for path in (tmp_path / "marian").iterdir() if path.stat().st_mode != usual
    } == {}


def test_what_lies_beside_an_export_is_not_touched(make, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "marian.new").mkdir()
    (tmp_path / "marian.new/mine").touch()
    export_marian(make(norm="post"), tmp_path / "marian")
    assert (tmp_path / "marian.new/mine").exists()
    with pytest.raises(CheckpointError, match="expected a free name"):
        export_marian(make(norm="post", seed=2), tmp_path / "marian")
