"""Modules, functions, classes and parameter lists stay within their limits."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from house_rules.sizes import check_sizes
from house_rules.tree import Module


def module(text: str, name: str = "regard.text.words") -> Module:
    return Module(name, Path(name.replace(".", "/") + ".py"), text, ast.parse(text))


def test_the_package_is_within_the_limits(package: list[Module]) -> None:
    assert [str(finding) for finding in check_sizes(package)] == []


@pytest.mark.parametrize(
    ("within", "beyond", "message"),
    [
        ("\n" * 400, "\n" * 401, "module of 401 lines"),
        ("def f():\n" + "    1\n" * 59, "def f():\n" + "    1\n" * 60, "f() of 61 lines"),
        ("class C:\n" + "    1\n" * 249, "class C:\n" + "    1\n" * 250, "class C of 251 lines"),
        (
            "class C:\n def __init__(self, a, b, c, d, *, e, f, g, h): 1",
            "class C:\n def __init__(self, a, b, c, d, *, e, f, g, h, **i): 1",
            "constructor of 9 parameters",
        ),
    ],
)
def test_the_limit_is_allowed_and_one_more_is_not(within: str, beyond: str, message: str) -> None:
    assert check_sizes([module(within)]) == []
    [found] = check_sizes([module(beyond)])
    assert message in found.message


@pytest.mark.parametrize("name", ["regard.text.utils", "regard.text.helpers", "regard.common"])
def test_meaningless_module_names_are_found(name: str) -> None:
    assert "says nothing" in check_sizes([module("", name)])[0].message
