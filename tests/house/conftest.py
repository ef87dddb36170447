"""What the tests of the house look at: the package's own source."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_rules.tree import Module, read_package

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package() -> list[Module]:
    """Every module of `src/regard` and of its sibling, the phrasebook."""
    return [*read_package(ROOT / "src" / "regard"), *read_package(ROOT / "src" / "regard_phrasebook")]
