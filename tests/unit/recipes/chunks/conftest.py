"""Worker processes that find the computations of the tests."""

from __future__ import annotations

import os
from pathlib import Path

import chunk_work
import pytest


@pytest.fixture(autouse=True)
def _path_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    support = str(Path(chunk_work.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([support, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
