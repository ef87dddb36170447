"""Which split a sentence belongs to: held-out sentences hold a combination of words that training never shows.

A combination (`eat+apple`, `red+car`) is assigned by a stable hash of its name, so the choice depends neither on
the seed nor on the order in which sentences are made.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

SPLITS = ("train", "val", "test")
HELD_OUT = 4
"""Percent of the combinations that belong to each of val and test."""


def home(combo: str) -> str:
    """The split that a combination belongs to."""
    number = int.from_bytes(blake2b(combo.encode(), digest_size=8).digest(), "big") % 100
    if number < HELD_OUT:
        return "test"
    return "val" if number < 2 * HELD_OUT else "train"


def split_of(combos: Collection[str], pinned: Collection[str]) -> str | None:
    """The split that a sentence belongs to.

    Args:
        combos: Its combinations.
        pinned: Combinations that are kept in training whatever their hash says.

    Returns:
        `train` when all its combinations belong there; `val` or `test` when at least one belongs to that and none
        to the other; None when it can stand nowhere.
    """
    homes = {home(combo) for combo in combos if combo not in pinned} - {"train"}
    if not homes:
        return "train"
    return homes.pop() if len(homes) == 1 else None
