"""Parallel text in a toy language, and a training on it that takes a second."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_training import Toy


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)
