"""Warnings about parallel text that looks like the wrong files."""

from __future__ import annotations

import pytest

from regard.data.mismatch import mismatch_warnings
from regard.values import Pair


def pairs(*texts: str) -> list[Pair]:
    """Each text is a source and a target with `|` between them."""
    rows = (text.split("|") for text in texts)
    return [Pair(src, tgt, number) for number, (src, tgt) in enumerate(rows, start=1)]


TRAIN = [f"word{number} b|mot{number} c" for number in range(40)]
VAL = [f"other{number}|autre{number}" for number in range(40)]


@pytest.mark.parametrize(
    ("train", "val", "expected"),
    [
        (TRAIN, VAL, []),
        (TRAIN, [*VAL[:38], *TRAIN[:2]], []),
        (TRAIN, [*VAL[:30], *TRAIN[:3]], ["3 of the 33 validation pairs are training pairs too"]),
        (TRAIN, TRAIN, ["40 of the 40 validation pairs are training pairs too"]),
        (TRAIN, [TRAIN[0]], ["1 of the 1 validation pairs are training pairs too"]),
        (["a|a", "b|b", "c|d"], VAL, ["2 of the 3 training pairs have the same text on both sides"]),
        (["a|a", "b|x", "c|d"], VAL, []),
        (["1|un", "2|deux", "3.5|trois"], VAL, ["3 of the 3 training pairs have a source without letters"]),
        (["un|1", "deux|2"], VAL, ["2 of the 2 training pairs have a target without letters"]),
        (["我|1 a", "你|2 b"], VAL, []),
    ],
)
def test_signs_of_wrong_files_give_warnings(train: list[str], val: list[str], expected: list[str]) -> None:
    warnings = mismatch_warnings(pairs(*train), pairs(*val))
    assert [warning[: len(start)] for warning, start in zip(warnings, expected, strict=True)] == expected
