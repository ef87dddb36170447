"""A workbench that makes trainers and their parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)
