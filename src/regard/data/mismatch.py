"""Warnings about parallel text that can be trained on but looks like the wrong files."""

from __future__ import annotations

from collections.abc import Sequence

from regard.values import Pair

MAX_REPEATED = 0.05
"""Share of validation pairs that may also be training pairs without a warning: short sentences recur by chance."""
MAX_IDENTICAL = 0.5
"""Share of pairs that may have the same text on both sides without a warning: names and numbers stay the same."""
MAX_WITHOUT_LETTERS = 0.9
"""Share of sentences that may have no letter without a warning."""


def mismatch_warnings(train: Sequence[Pair], val: Sequence[Pair]) -> list[str]:
    """Warns if parallel text looks as if the user had given wrong files.

    The signs are validation pairs that are also training pairs, equal text on both sides, and text without letters.

    Args:
        train: Training sentence pairs.
        val: Validation sentence pairs.

    Returns:
        One warning for the user per sign found.
    """
    warnings = []
    repeated = {(pair.src, pair.tgt) for pair in val} & {(pair.src, pair.tgt) for pair in train}
    count = sum((pair.src, pair.tgt) in repeated for pair in val)
    if count > MAX_REPEATED * len(val):
        warnings.append(
            f"{count} of the {len(val)} validation pairs are training pairs too, so that validation overestimates the "
            "quality: give validation text that is not in the training text"
        )
    same = sum(pair.src == pair.tgt for pair in train)
    if same > MAX_IDENTICAL * len(train):
        warnings.append(
            f"{same} of the {len(train)} training pairs have the same text on both sides: is it the right target file?"
        )
    for name, texts in (("source", [pair.src for pair in train]), ("target", [pair.tgt for pair in train])):
        count = sum(not any(map(str.isalpha, text)) for text in texts)
        if count > MAX_WITHOUT_LETTERS * len(texts):
            warnings.append(
                f"{count} of the {len(texts)} training pairs have a {name} without letters: is it the right file?"
            )
    return warnings
