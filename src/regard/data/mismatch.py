"""Warnings about parallel text that can be trained on but looks like the wrong files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.values import Pair

MAX_REPEATED = 0.05
"""Share of validation pairs that may also be training pairs without a warning: short sentences recur by chance."""
MAX_IDENTICAL = 0.5
"""Share of pairs that may have the same text on both sides without a warning: names and numbers stay the same."""
MAX_WITHOUT_LETTERS = 0.9
"""Share of sentences that may have no letter without a warning."""


@dataclass(frozen=True, slots=True)
class MismatchCounts:
    """Counts of pairs that look wrong.

    Attributes:
        num_train: Number of training pairs.
        num_val: Number of validation pairs.
        num_repeated: Number of validation pairs that are training pairs, too.
        num_equal: Number of training pairs with the same text on both sides.
        num_without_letters: Two numbers: the training sources and the training targets without a letter.
    """

    num_train: int
    num_val: int
    num_repeated: int
    num_equal: int
    num_without_letters: tuple[int, int]

    def warnings(self) -> list[str]:
        """One warning for the user per count that is too large."""
        warnings = []
        if self.num_repeated > MAX_REPEATED * self.num_val:
            warnings.append(
                f"{self.num_repeated} of the {self.num_val} validation pairs are training pairs too, so that "
                "validation overestimates the quality: give validation text that is not in the training text"
            )
        if self.num_equal > MAX_IDENTICAL * self.num_train:
            warnings.append(
                f"{self.num_equal} of the {self.num_train} training pairs have the same text on both sides: is it the "
                "right target file?"
            )
        for name, count in zip(("source", "target"), self.num_without_letters, strict=True):
            if count > MAX_WITHOUT_LETTERS * self.num_train:
                warnings.append(
                    f"{count} of the {self.num_train} training pairs have a {name} without letters: is it the right "
                    "file?"
                )
        return warnings


def mismatch_warnings(train: Sequence[Pair], val: Sequence[Pair]) -> list[str]:
    """Warns if parallel text looks as if the user had given wrong files.

    The signs are validation pairs that are also training pairs, equal text on both sides, and text without letters.

    Args:
        train: Training sentence pairs.
        val: Validation sentence pairs.

    Returns:
        One warning for the user per sign found.
    """
    repeated = {(pair.src, pair.tgt) for pair in val} & {(pair.src, pair.tgt) for pair in train}
    without_letters = [
        sum(not any(map(str.isalpha, text)) for text in texts)
        for texts in ([pair.src for pair in train], [pair.tgt for pair in train])
    ]
    return MismatchCounts(
        len(train),
        len(val),
        sum((pair.src, pair.tgt) in repeated for pair in val),
        sum(pair.src == pair.tgt for pair in train),
        (without_letters[0], without_letters[1]),
    ).warnings()
