"""Packages with models, as `pip install` leaves them: an import package and its metadata on the import path."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def install(
    path: Path, monkeypatch: pytest.MonkeyPatch, model: Path | None, *, name: str = "xx-yy", value: str = "regard_xx_yy"
) -> Path:
    """Installs a package whose code must not run, with a copy of a model, and returns the directory of the copy."""
    package, metadata = path / value, path / f"{value}-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('code of the package was run')\n", encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {value}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[regard.models]\n{name} = {value}\n", encoding="utf-8")
    if model is not None:
        shutil.copytree(model, package / "model", ignore=shutil.ignore_patterns("training", ".locks"))
    monkeypatch.syspath_prepend(path)
    return package / "model"
