"""Fixtures of the house tests: the parsed source of the packages."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_rules.tree import Module, read_package

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package() -> list[Module]:
    """All modules of `src/regard` and `src/regard_phrasebook`."""
    return [*read_package(ROOT / "src" / "regard"), *read_package(ROOT / "src" / "regard_phrasebook")]
