"""Fixtures for readers of corpora."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from packing import PACK

Write = Callable[[str, bytes | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file, compressed if its name says so."""

    def write_file(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        pack = PACK.get(path.suffix.removeprefix("."))
        path.write_bytes(data if pack is None else pack(data))
        return path

    return write_file
