"""Parsed source files, and findings in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A parsed source file.

    Attributes:
        name: Dotted name, `regard.text.words`; a package's `__init__` has the package's name.
        path: Path of the file.
        text: Its source.
        tree: Its syntax tree.
    """

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """Its part: `text` for `regard.text.words`, `regard_phrasebook` for all of that package."""
        return part_of(self.name)


def part_of(name: str) -> str:
    """The part of a module, by its dotted name."""
    package, *pieces = name.split(".")
    return package if package != "regard" else pieces[0] if pieces else ""


@dataclass(frozen=True, order=True)
class Finding:
    """A broken rule, with file and line."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def read_package(root: Path) -> list[Module]:
    """Parses every module below the package directory `root`."""
    modules = []
    for path in sorted(root.rglob("*.py")):
        pieces = [root.name, *path.relative_to(root).with_suffix("").parts]
        if pieces[-1] == "__init__":
            pieces.pop()
        text = path.read_text(encoding="utf-8")
        modules.append(Module(".".join(pieces), path, text, ast.parse(text, filename=str(path))))
    return modules


def finding(module: Module, line: int, message: str) -> Finding:
    """A finding in a module."""
    return Finding(str(module.path), line, message)


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a chain of names, or an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Public functions and methods, with their qualified names."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for child in node.body:
                if isinstance(child, Function) and not child.name.startswith("_"):
                    yield f"{node.name}.{child.name}", child


def parameters(function: Function) -> list[ast.arg]:
    """All parameters without `self` and `cls`."""
    listed = function.args
    found = [*listed.posonlyargs, *listed.args, *listed.kwonlyargs]
    found += [extra for extra in (listed.vararg, listed.kwarg) if extra]
    return [parameter for parameter in found if parameter.arg not in ("self", "cls")]
