"""A corpus of real sentences and one vocabulary for both sides."""

from __future__ import annotations

import pytest

from regard.text.subword import Subword
from regard.values import Pair

NOUNS = ["cat", "dog", "house", "garden", "window", "small red car"]
PAIRS = [
    Pair(f"the {a} sees {'a ' * n}{b}", f"{b} {'un ' * (n // 2)}voit le {a}", line)
    for line, (a, b, n) in enumerate(((a, b, n) for a in NOUNS for b in NOUNS for n in range(5)), start=1)
]


@pytest.fixture(scope="session")
def subword() -> Subword:
    return Subword.train([side for pair in PAIRS for side in (pair.src, pair.tgt)], vocab_size=330)


@pytest.fixture(scope="session")
def pairs() -> list[Pair]:
    return PAIRS
