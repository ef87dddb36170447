"""Assigns sentences to splits: held-out sentences contain a word combination that is never in the training split.

A combination (`eat+apple`, `red+car`) is assigned by a stable hash of its name, so the split depends neither on the
seed nor on the order in which sentences are generated.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

SPLITS = ("train", "val", "test")
HELD_OUT_PERCENT = 4
"""Percentage of combinations assigned to each of val and test."""


def split_of_combination(combo: str) -> str:
    """The split of a word combination, `train`, `val` or `test`, by a hash of its text."""
    number = int.from_bytes(blake2b(combo.encode(), digest_size=8).digest(), "big") % 100
    if number < HELD_OUT_PERCENT:
        return "test"
    return "val" if number < 2 * HELD_OUT_PERCENT else "train"


def split_of(combos: Collection[str], pinned: Collection[str]) -> str | None:
    """The split of a sentence.

    Args:
        combos: The word combinations in the sentence, such as `eat+apple`.
        pinned: Word combinations that belong to the training split regardless of their hash.

    Returns:
        `train` if all combinations belong to it; `val` or `test` if at least one combination belongs to it and none to
        the other; None if combinations belong to `val` and to `test`: such a sentence is in no split.
    """
    splits = {split_of_combination(combo) for combo in combos if combo not in pinned} - {"train"}
    if not splits:
        return "train"
    return splits.pop() if len(splits) == 1 else None
