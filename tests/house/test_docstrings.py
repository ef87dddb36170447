"""Every public name has a complete docstring; the rule finds what is missing."""

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
    findings = check_docstrings([Module("regard.text.x", Path("x.py"), text, ast.parse(text))])
    return [finding.message for finding in findings]


def test_the_package_is_documented(package: list[Module]) -> None:
    assert [str(finding) for finding in check_docstrings(package)] == []


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
    assert faults(without) == ["f: takes or returns a tensor, but documents no shape such as `(B, S)`"]


def test_any_shape_is_a_shape() -> None:
    text = '"""M."""\ndef f(x: Tensor) -> Tensor:\n    """Twice `x`, of any shape."""\n'
    assert faults(text) == []
    assert len(faults(text.replace(", of any shape", ""))) == 1


def test_classes_and_their_methods_are_public_too() -> None:
    text = '"""M."""\nclass C:\n    def m(self) -> int: ...\n    def _n(self): ...\nclass _D: ...\n'
    assert faults(text) == ["class C without a docstring", "C.m: no docstring"]


def test_one_sentence_suffices_for_one_argument_only() -> None:
    text = '"""M."""\ndef f(a: int) -> int:\n    """Twice `a`."""\n'
    assert faults(text) == []
    assert faults(text.replace("`.", "`.\n\n    >>> f(1)\n    2\n    ")) == []
    assert faults(text.replace("`.", "`.\n\n    And more.\n    ")) == ["f: no Args section", "f: no Returns section"]
    assert faults(text.replace("a: int", "a, b")) == ["f: no Args section", "f: no Returns section"]


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
def test_an_override_may_refer_to_the_overridden_method(heading: str, docstring: str, expected: list[str]) -> None:
    text = f'{BASE}{heading}\n    """C."""\n    def m(self, a: int, b: int) -> int:\n        """{docstring}"""\n'
    assert faults(text) == expected


def test_verbs_need_no_args_section() -> None:
    text = '"""M."""\ndef train(a: str, b: str) -> int:\n    """Trains."""\ndef other(a: str, b: str): """Does."""\n'
    findings = check_docstrings([Module("regard.cli.train", Path("train.py"), text, ast.parse(text))])
    assert [finding.message for finding in findings] == ["other: no Args section"]
    assert len(faults(text)) == 3
