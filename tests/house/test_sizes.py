"""Modules, functions, classes and parameter lists stay within their limits."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from house_rules.sizes import check_sizes
from house_rules.tree import Module

from regard.cli import lab
from regard.cli.main import app


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


VERB = "def translate(a, b, c, d, e, f, g, h, i, j, k, l): 1"
LIBRARY = "def f(a, b, c, d, *, e, f, g, h): 1"


def with_one_more(text: str) -> str:
    before, _, after = text.rpartition("):")
    return f"{before}, another):{after}"


def test_a_verb_takes_at_most_12_parameters() -> None:
    assert check_sizes([module(VERB, "regard.cli.translate")]) == []
    [found] = check_sizes([module(with_one_more(VERB), "regard.cli.translate")])
    assert "translate() of 13 parameters; at most 12" in found.message


@pytest.mark.parametrize("text", [LIBRARY, f"class C:\n {LIBRARY}", f"def outer():\n {LIBRARY}", f"async {LIBRARY}"])
def test_a_library_function_takes_at_most_8_parameters(text: str) -> None:
    assert check_sizes([module(text)]) == []
    [found] = check_sizes([module(with_one_more(text))])
    assert "f() of 9 parameters; at most 8" in found.message


def test_self_and_cls_do_not_count() -> None:
    for name in ("self", "cls"):
        assert check_sizes([module(f"class C:\n {LIBRARY.replace('(a,', f'({name}, a,')}")]) == []


def test_only_triton_kernels_may_take_more() -> None:
    excused = with_one_more(LIBRARY).replace("): 1", "):  # noqa: PLR0913 - a kernel\n 1")
    assert check_sizes([module(excused, "regard.attention.additive.triton_kernel")]) == []
    assert len(check_sizes([module(excused, "regard.attention.additive.values")])) == 1
    unexcused = with_one_more(LIBRARY)
    assert len(check_sizes([module(unexcused, "regard.attention.additive.triton_kernel")])) == 1


def test_every_verb_is_checked(package: list[Module]) -> None:
    """Each verb of the command line is a function of `regard.cli`, whose parameters the rule counts."""
    functions = {
        (module.name, node.name)
        for module in package
        if module.part == "cli"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
    }
    verbs = [command.callback for group in (app, lab.app) for command in group.registered_commands if command.callback]
    assert len(verbs) > 12
    assert {(inspect.unwrap(verb).__module__, inspect.unwrap(verb).__name__) for verb in verbs} <= functions


@pytest.mark.parametrize("name", ["regard.text.utils", "regard.text.helpers", "regard.common"])
def test_meaningless_module_names_are_found(name: str) -> None:
    assert "says nothing" in check_sizes([module("", name)])[0].message
