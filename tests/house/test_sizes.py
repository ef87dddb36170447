"""Modules, functions, classes and constructors stay within the house's bounds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from house_rules.sizes import check_sizes
from house_rules.tree import Module


def module(text: str, name: str = "regard.text.words") -> Module:
    return Module(name, Path(name.replace(".", "/") + ".py"), text, ast.parse(text))


def test_the_package_is_within_the_bounds(package: list[Module]) -> None:
    assert [str(one) for one in check_sizes(package)] == []


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
def test_the_bound_itself_is_allowed_and_one_more_is_not(within: str, beyond: str, message: str) -> None:
    assert check_sizes([module(within)]) == []
    [found] = check_sizes([module(beyond)])
    assert message in found.message


@pytest.mark.parametrize("name", ["regard.text.utils", "regard.text.helpers", "regard.common"])
def test_names_that_say_nothing_are_found(name: str) -> None:
    assert "says nothing" in check_sizes([module("", name)])[0].message
