"""Every public name has its docstring; the rule finds what is missing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from house_rules.docstrings import check_docstrings
from house_rules.tree import Module

FULL = '''"""Module."""
def f(ids: Tensor, n: int) -> Tensor:
    """Cuts.

    Args:
        ids: `(B, S)` int64.
        n: How many.

    Returns:
        `(B, n)`, the first ones.
    """
'''


def faults(text: str) -> list[str]:
    found = check_docstrings([Module("regard.text.x", Path("x.py"), text, ast.parse(text))])
    return [one.message for one in found]


def test_the_package_is_documented(package: list[Module]) -> None:
    assert [str(one) for one in check_docstrings(package)] == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"""Module."""', "", "module without a docstring"),
        ("    Args:", "    Notes:", "f: no Args section"),
        ("    Returns:", "    Notes:", "f: no Returns section"),
        ("`(B, S)` int64", "int64", ""),
        ("`(B, n)`, the", "The", ""),
    ],
)
def test_a_missing_piece_is_found(old: str, new: str, fault: str) -> None:
    assert faults(FULL) == []
    assert faults(FULL.replace(old, new)) == ([fault] if fault else [])


def test_tensors_need_a_shape() -> None:
    without = FULL.replace("`(B, S)` int64", "ids").replace("`(B, n)`, the", "The")
    assert faults(without) == ["f: takes or gives a tensor, but no shape such as `(B, S)` is written"]


def test_any_shape_is_a_shape() -> None:
    text = '"""M."""\ndef f(x: Tensor) -> Tensor:\n    """Twice `x`, of any shape."""\n'
    assert faults(text) == []
    assert len(faults(text.replace(", of any shape", ""))) == 1


def test_classes_and_their_methods_are_public_too() -> None:
    text = '"""M."""\nclass C:\n    def m(self) -> int: ...\n    def _n(self): ...\nclass _D: ...\n'
    assert faults(text) == ["class C without a docstring", "C.m: no docstring"]


def test_one_sentence_is_enough_for_one_argument_and_not_for_two() -> None:
    one = '"""M."""\ndef f(a: int) -> int:\n    """Twice `a`."""\n'
    assert faults(one) == []
    assert faults(one.replace("`.", "`.\n\n    >>> f(1)\n    2\n    ")) == []
    assert faults(one.replace("`.", "`.\n\n    And more.\n    ")) == ["f: no Args section", "f: no Returns section"]
    assert faults(one.replace("a: int", "a, b")) == ["f: no Args section", "f: no Returns section"]


BASE = '''"""M."""
class Base:
    """B."""
    def m(self, a: int, b: int) -> int:
        """Adds.

        Args:
            a: One.
            b: Two.

        Returns:
            Their sum.
        """
'''


@pytest.mark.parametrize(
    ("heading", "docstring", "expected"),
    [
        ("class C(Base):", "Adds.", []),
        ("class C:", "See `Base.m`.", []),
        ("class C:", "Adds.", ["C.m: no Args section", "C.m: no Returns section"]),
        ("class C:", "See `Base.n`.", ["C.m: no Args section", "C.m: no Returns section"]),
        ("class C:", "See `Other.m`.", ["C.m: no Args section", "C.m: no Returns section"]),
        ("class C(Other):", "Adds.", ["C.m: no Args section", "C.m: no Returns section"]),
    ],
)
def test_an_override_may_leave_it_to_what_it_overrides(heading: str, docstring: str, expected: list[str]) -> None:
    text = f'{BASE}{heading}\n    """C."""\n    def m(self, a: int, b: int) -> int:\n        """{docstring}"""\n'
    assert faults(text) == expected


def test_the_options_of_a_verb_carry_their_own_help() -> None:
    text = '"""M."""\ndef train(a: str, b: str) -> int:\n    """Trains."""\ndef other(a: str, b: str): """Does."""\n'
    found = check_docstrings([Module("regard.cli.train", Path("train.py"), text, ast.parse(text))])
    assert [one.message for one in found] == ["other: no Args section"]
    assert len(faults(text)) == 3
