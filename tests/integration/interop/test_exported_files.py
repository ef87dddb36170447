"""Files of an export: their permissions, and files beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from regard.errors import CheckpointError
from regard.interop.marian.exporter import export_marian
from regard.store import StoredModel

Make = Callable[..., StoredModel]


def test_files_of_an_export_have_the_usual_permissions(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    export_marian(make(norm="post"), tmp_path / "marian")
    (tmp_path / "reference").touch()
    usual_mode = (tmp_path / "reference").stat().st_mode
    assert {
        path.name: path.stat().st_mode for path in (tmp_path / "marian").iterdir() if path.stat().st_mode != usual_mode
    } == {}


def test_files_beside_an_export_are_not_changed(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "marian.new").mkdir()
    (tmp_path / "marian.new/mine").touch()
    export_marian(make(norm="post"), tmp_path / "marian")
    assert (tmp_path / "marian.new/mine").exists()
    with pytest.raises(CheckpointError, match="expected a path for a new directory"):
        export_marian(make(norm="post", seed=2), tmp_path / "marian")
