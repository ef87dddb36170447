"""Duplicates agree with a plain search, in memory and on disk."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from regard.data.cleaning.duplicates import DuplicateFinder, DuplicateKind
from regard.data.cleaning.keys import text_key
from regard.data.hashes import text_hash
from regard.values import Pair

RNG = random.Random(1)
PAIRS = [Pair(f"Source {RNG.randrange(3000)}.", f"Cible {RNG.randrange(3)}") for _ in range(5000)]


def plain_search(pairs: list[Pair], kind: DuplicateKind) -> list[int]:
    seen: set[object] = set()
    found = []
    for number, pair in enumerate(pairs):
        src, tgt = text_key(pair.src), text_key(pair.tgt)
        keys: dict[DuplicateKind, list[object]] = {
            "pair": [(src, tgt)], "src": [src], "tgt": [tgt], "side": [("s", src), ("t", tgt)]
        }  # fmt: skip
        if not seen.isdisjoint(keys[kind]):
            found.append(number)
        seen.update(keys[kind])
    return found


@pytest.mark.parametrize("kind", ["pair", "src", "tgt", "side"])
@pytest.mark.parametrize("memory", [1 << 30, 1])
def test_duplicates_agree_with_a_plain_search(tmp_path: Path, kind: DuplicateKind, memory: int) -> None:
    with DuplicateFinder(kind, memory=memory, directory=tmp_path) as finder:
        for first in range(0, len(PAIRS), 77):
            finder.add(PAIRS[first : first + 77])
        found = finder.duplicates()
        assert any(tmp_path.iterdir()) == (memory == 1)
        assert finder.duplicates().numbers().tolist() == found.numbers().tolist()
    expected = plain_search(PAIRS, kind)
    assert found.numbers().tolist() == expected
    assert len(found) == len(expected)
    assert [number for number in range(len(PAIRS)) if number in found] == expected
    assert not any(tmp_path.iterdir())


def test_the_hashes_in_memory_are_limited(tmp_path: Path) -> None:
    with DuplicateFinder(memory=64 * 1000, directory=tmp_path) as finder:
        for first in range(0, len(PAIRS), 100):
            finder.add(PAIRS[first : first + 100])
            assert sum(map(len, finder._hashes)) < 1000


def test_no_pairs_have_no_duplicates() -> None:
    assert DuplicateFinder().duplicates().numbers().tolist() == []


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("Ta  journée ?", "ta journée", True),
        ("e\u0301te\u0301", "ÉTÉ", True),
        ("well-known", "well known", True),
        ("...", "…", False),
        ("?", "!", False),
        ("no", "know", False),
        ("a b", "ab", False),
        ("", " ", True),
    ],
)
def test_keys(text: str, other: str, same: bool) -> None:
    assert (text_key(text) == text_key(other)) == same


def test_hashes_are_the_same_everywhere() -> None:
    assert text_hash("ta journée") == int.from_bytes(
        bytes.fromhex("e8d9fc1553135174"), "little"
    )  # printf "ta journée" | b2sum -l 64
    assert np.uint64(text_hash("\ud800")) >= 0
